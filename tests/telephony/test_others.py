"""Calls over Telnyx, Vonage, Plivo and SignalWire, each on a real socket against a strict carrier."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from gateway.carriers.dialects.extra_headers import headers_in
from gateway.carriers.dialects.plivo_signature import signature as plivo_signature
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.http import Answered, Asked, deliver, form_request, json_request
from tests.carrier_peers.plivo_stream import PlivoIds, PlivoStream
from tests.carrier_peers.signalwire_stream import SignalWireStream
from tests.carrier_peers.sockets import Refused
from tests.carrier_peers.telnyx_peer import TelnyxPeer
from tests.carrier_peers.twilio_signing import signature as twilio_signature
from tests.carrier_peers.vonage_stream import VonageStream
from tests.e2e.server import Server, running
from tests.telephony.record import calls_of, idle, only_call, sessions_of

pytestmark = pytest.mark.integration

PUBLIC = "https://voice.example.test"
SECRET = "0123456789abcdef0123456789abcdef"
KEY = "sk-5f0c6a1f8f7d4b6a"
CALLER, CALLED = "+15550100001", "+15550100002"


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncIterator[Server]:
    process = running(folder, PARLEY_PUBLIC_URL=PUBLIC, PARLEY_PHONE_PERSONA="dental_reception", **settings)
    server = await asyncio.to_thread(process.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(process.__exit__, None, None, None)


# ── Telnyx ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_call_over_telnyx_is_answered_by_command(tmp_path: Path) -> None:
    hook = f"{PUBLIC}/telephony/telnyx/voice"
    async with TelnyxPeer.open(hook) as telnyx:
        settings = {
            "TELNYX_PUBLIC_KEY": telnyx.keys.public,
            "TELNYX_API_KEY": telnyx.api_key,
            "PARLEY_TELNYX_API_URL": f"{telnyx.base}/v2",
            "PARLEY_API_KEYS": KEY,
        }
        async with serving(tmp_path, **settings) as server:
            telnyx.via = server.url
            async with telnyx.ring(underscores=True) as phone:
                call = await phone.stream()
                await call.played(500)
                assert phone.commands[0][0] == "answer"
                assert call.faults == []
                assert call.underruns == 0
            await idle(server)
            told = only_call(server, phone.ids.leg)
            assert (told.leg, told.ending, told.persona) == (
                "telnyx",
                "caller/hung-up",
                "dental_reception",
            )
            assert [kind for kind, _ in told.events] == [
                "inbound_received",
                "call_status",
                "call_completed",
            ]
            async with telnyx.ring() as phone:
                await (await phone.stream()).played(200)
                [call_id] = calls_of(server, phone.ids.leg)
                async with (
                    aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http,
                    http.post(f"{server.url}/v1/realtime/calls/{call_id}/hangup") as answer,
                ):
                    assert answer.status == 200
                await phone.doing("hangup")
            await idle(server)
            forged = json_request(hook, {"data": {"event_type": "call.initiated", "payload": {}}})
            assert (await deliver(forged, server.url)).status == 403
    # A hang-up that comes after the caller's is answered so, and counts as done (telephony 2.2).
    assert {fault.code for fault in telnyx.faults} <= {"90018"}


# ── Vonage ────────────────────────────────────────────────────────────────────────────────────────────────


def vonage_bearer(payload: bytes | None = None, secret: str = SECRET, **claims: object) -> str:
    about: dict[str, Any] = {"iat": int(time.time()), "jti": str(uuid.uuid4()), "iss": "Vonage", **claims}
    if payload is not None:
        about["payload_hash"] = hashlib.sha256(payload).hexdigest()
    return f"Bearer {jwt.encode({'alg': 'HS256'}, about, OctKey.import_key(secret))}"


def vonage_asks(path: str, fields: dict[str, str], secret: str = SECRET) -> Asked:
    payload = json.dumps(fields, separators=(",", ":")).encode()
    url = f"{PUBLIC}/telephony/vonage/{path}"
    if path == "voice":
        return Asked("GET", f"{url}?{urlencode(fields)}", {"Authorization": vonage_bearer(payload, secret)})
    asked = json_request(url, fields)
    return asked.with_headers(Authorization=vonage_bearer(asked.body, secret))


async def test_a_call_over_vonage(tmp_path: Path) -> None:
    fields = {"uuid": "aaaa-1", "conversation_uuid": "CON-1", "from": "15550100001", "to": "15550100002"}
    async with serving(tmp_path, VONAGE_SIGNATURE_SECRET=SECRET) as server:
        forged = vonage_asks("voice", fields, secret="f" * 32)
        assert (await deliver(forged, server.url)).status == 403
        assert sessions_of(server, "aaaa-1") == []
        asked = vonage_asks("voice", fields)
        answered = await deliver(asked, server.url)
        assert (await deliver(asked, server.url)).status == 403
        assert (answered.status, answered.type) == (200, "application/json")
        [connect] = answered.json
        [endpoint] = connect["endpoint"]
        assert endpoint["content-type"] == "audio/l16;rate=24000"
        for authorization in (None, vonage_bearer(secret="f" * 32)):
            with pytest.raises(Refused, match="403"):
                async with dialling(
                    VonageStream(24000, endpoint["headers"], authorization), endpoint["uri"], via=server.url
                ):
                    pass
        stream = VonageStream(24000, endpoint["headers"], vonage_bearer())
        async with dialling(stream, endpoint["uri"], via=server.url) as call:
            await call.played(500)
            assert call.faults == []
            assert call.underruns == 0
        await idle(server)
        ended = {**fields, "status": "completed", "duration": "3", "timestamp": "2026-01-02T03:04:05.000Z"}
        for _ in range(2):
            assert (await deliver(vonage_asks("status", ended), server.url)).status == 200
        told = only_call(server, "aaaa-1")
        assert (told.leg, told.ending) == ("vonage", "caller/hung-up")
        assert told.events == [("inbound_received", "ringing"), ("call_completed", "completed")]


# ── Plivo ─────────────────────────────────────────────────────────────────────────────────────────────────


def plivo_headers(method: str, url: str, fields: dict[str, str], secret: str = SECRET) -> dict[str, str]:
    lists = {name: [value] for name, value in fields.items()}
    nonce = str(secrets.randbelow(10**20))  # Plivo's are good once
    made = plivo_signature(secret, nonce, method=method, url=url, fields=lists)
    return {"X-Plivo-Signature-V3": made, "X-Plivo-Signature-V3-Nonce": nonce}


async def plivo_tells(server: Server, path: str, fields: dict[str, str], secret: str = SECRET) -> Answered:
    url = f"{PUBLIC}/telephony/plivo/{path}"
    asked = form_request("POST", url, list(fields.items()))
    headers = {**asked.headers, **plivo_headers("POST", url, fields, secret)}
    return await deliver(Asked("POST", url, headers, asked.body), server.url)


class SignedPlivo(PlivoStream):
    url = ""
    secret = SECRET

    def headers(self) -> dict[str, str]:
        return plivo_headers("GET", self.url, {}, self.secret)


async def test_a_call_over_plivo(tmp_path: Path) -> None:
    fields = {"CallUUID": "bbbb-1", "From": "15550100001", "To": "15550100002", "CallStatus": "ringing"}
    async with serving(tmp_path, PLIVO_AUTH_TOKEN=SECRET) as server:
        assert (await plivo_tells(server, "voice", fields, "f" * 32)).status == 403
        assert sessions_of(server, "bbbb-1") == []
        answered = await plivo_tells(server, "voice", fields)
        assert (answered.status, answered.type) == (200, "text/xml")
        stream = ElementTree.fromstring(answered.text).find("Stream")
        assert stream is not None
        assert stream.text is not None
        extra = dict(one.split("=") for one in stream.attrib["extraHeaders"].split(","))
        assert headers_in(stream.attrib["extraHeaders"])["caller"] == "15550100001"
        peer = SignedPlivo(ids=PlivoIds(call="bbbb-1"), parameters=extra)
        peer.url, peer.secret = stream.text, "f" * 32
        with pytest.raises(Refused, match="403"):
            async with dialling(peer, stream.text, via=server.url):
                pass
        peer.secret = SECRET
        async with dialling(peer, stream.text, via=server.url) as call:
            await call.played(500)
            assert call.faults == []
            assert call.underruns == 0
        await idle(server)
        ended = {**fields, "Event": "Hangup", "CallStatus": "completed", "Duration": "3"}
        assert (await plivo_tells(server, "status", ended)).status == 200
        told = only_call(server, "bbbb-1")
        assert (told.leg, told.ending) == ("plivo", "caller/hung-up")
        assert told.events == [("inbound_received", "ringing"), ("call_completed", "completed")]


# ── SignalWire ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_call_over_signalwire(tmp_path: Path) -> None:
    fields = [("CallSid", "cccc-1"), ("From", CALLER), ("To", CALLED), ("CallStatus", "ringing")]
    url = f"{PUBLIC}/telephony/signalwire/voice"
    async with serving(tmp_path, SIGNALWIRE_SIGNING_KEY=SECRET) as server:
        asked = form_request("POST", url, fields)
        assert (await deliver(asked, server.url)).status == 403
        signed = asked.with_headers(X_SignalWire_Signature=twilio_signature(SECRET, url, fields))
        answered = await deliver(signed, server.url)
        assert answered.status == 200
        stream = ElementTree.fromstring(answered.text).find("Connect/Stream")
        assert stream is not None
        given = {one.attrib["name"]: one.attrib["value"] for one in stream.findall("Parameter")}
        place, bearer = stream.attrib["url"], stream.attrib["authBearerToken"]
        with pytest.raises(Refused, match="403"):
            async with dialling(SignalWireStream(parameters=given), place, via=server.url):
                pass
        peer = SignalWireStream(parameters=given, bearer=bearer)
        async with dialling(peer, place, via=server.url) as call:
            await call.played(500)
            assert call.faults == []
            assert call.underruns == 0
        await idle(server)
        told = only_call(server, "cccc-1")
        assert (told.leg, told.ending) == ("signalwire", "caller/hung-up")
