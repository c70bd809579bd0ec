"""Azure, whole: a call comes in, one is made, one is transferred; and who does it wrong is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.carrier_peers.acs_hooks import ISSUER, OPENID, AcsCall, Resource, callback, token
from tests.carrier_peers.acs_peer import AcsPeer
from tests.carrier_peers.application import served
from tests.carrier_peers.codecs import L16_24K
from tests.carrier_peers.faults import Broken

PUBLIC = "https://voice.example.test"
RESOURCE = Resource()
MEDIA: dict[str, Any] = {
    "transportType": "websocket",
    "transportUrl": "wss://voice.example.test/stream",
    "contentType": "audio",
    "audioChannelType": "unmixed",
    "startMediaStreaming": True,
    "enableBidirectional": True,
    "audioFormat": "pcm24KMono",
    "enableDtmfTones": True,
}


def phone(number: str) -> dict[str, Any]:
    return {"kind": "phoneNumber", "phoneNumber": {"value": number}}


CREATE: dict[str, Any] = {
    "targets": [phone("+15550100009")],
    "sourceCallerIdNumber": {"value": "+15550100002"},
    "callbackUri": f"{PUBLIC}/callback",
    "mediaStreamingOptions": MEDIA,
}


async def ask(azure: AcsPeer, method: str, path: str, body: Any = None, **changed: str) -> tuple[int, Any]:
    raw = b"" if body is None else json.dumps(body).encode()
    host, target = (
        azure.base.removeprefix("http://"),
        f"/calling/callConnections{path}?api-version=2026-03-12",
    )
    digest, date = base64.b64encode(hashlib.sha256(raw).digest()).decode(), formatdate(usegmt=True)
    text = f"{method}\n{target}\n{date};{host};{digest}"
    mac = hmac.new(base64.b64decode(RESOURCE.access_key), text.encode(), hashlib.sha256).digest()
    made = base64.b64encode(mac).decode()
    headers = {
        "Content-Type": "application/json",
        "x-ms-date": date,
        "x-ms-content-sha256": digest,
        "Authorization": f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={made}",
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{azure.base}{target}", data=raw or None, headers=headers) as answered,
    ):
        text = await answered.text()
        return answered.status, json.loads(text) if text else None


class App:
    """A good application: answers every call with a stream, and says 100 ms on it."""

    def __init__(self) -> None:
        self.azure: AcsPeer | None = None
        self.media = dict(MEDIA)
        self.action = ":answer"
        self.grid: list[str] = []
        self.events: list[str] = []
        self.forged = 0
        self.answered: list[int] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AcsPeer]:
        routes = [
            web.post("/events", self.grid_event),
            web.post("/callback", self.callback),
            web.get("/stream", self.stream),
        ]
        async with served(routes) as base, AcsPeer.open(RESOURCE, via=base) as azure:
            self.azure = azure
            yield azure

    async def grid_event(self, request: web.Request) -> web.Response:
        (event,) = await request.json()
        if event["eventType"].endswith("SubscriptionValidationEvent"):
            return web.json_response({"validationResponse": event["data"]["validationCode"]})
        self.grid.append(event["id"])
        body = {"incomingCallContext": event["data"]["incomingCallContext"]}
        if self.action == ":answer":
            body |= {"callbackUri": f"{PUBLIC}/callback", "mediaStreamingOptions": self.media}
        assert self.azure is not None
        self.answered.append((await ask(self.azure, "POST", self.action, body))[0])
        return web.Response()

    async def callback(self, request: web.Request) -> web.Response:
        await self.verify(request)
        self.events += [one["type"].rpartition(".")[2] for one in await request.json()]
        return web.Response()

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        await self.verify(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for received in socket:
            if received.json()["kind"] == "AudioMetadata":
                for _ in range(5):
                    data = base64.b64encode(L16_24K.tone(20)).decode()
                    await socket.send_json(
                        {"Kind": "AudioData", "AudioData": {"Data": data}, "StopAudio": None}
                    )
        return socket

    async def verify(self, request: web.Request) -> None:
        """As the documents say: the keys are found through the OpenID document."""
        assert self.azure is not None
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{self.azure.base}{OPENID}") as answered:
                document = await answered.json()
            async with session.get(document["jwks_uri"]) as answered:
                keys = KeySet.import_key_set(await answered.json())
        try:
            found = jwt.decode(request.headers["Authorization"].removeprefix("Bearer "), keys)
            assert found.claims["aud"] == RESOURCE.id
            assert found.claims["iss"] == document["issuer"] == ISSUER
        except JoseError:
            self.forged += 1


@pytest.mark.integration
async def test_a_call_comes_in_and_the_caller_hangs_up() -> None:
    app = App()
    async with app.open() as azure:
        await azure.subscribe(f"{PUBLIC}/events")
        async with azure.ring(f"{PUBLIC}/events") as phone:
            call = await phone.stream()
            await call.played(100)
            await phone.heard_of("MediaStreamingStarted")
        assert [str(one) for one in (*azure.faults, *call.faults)] == []
    wanted = ["CallConnected", "CallDisconnected", "MediaStreamingStarted", "MediaStreamingStopped"]
    assert sorted(app.events) == wanted
    assert app.forged == 0


@pytest.mark.integration
async def test_an_event_may_come_twice_but_a_call_is_answered_once() -> None:
    app = App()
    async with app.open() as azure, azure.ring(f"{PUBLIC}/events", times=2) as phone:
        await phone.stream()
    assert len(set(app.grid)) == 1
    assert app.answered == [200, 400]
    assert [fault.code for fault in azure.faults] == ["8500"]


@pytest.mark.integration
async def test_a_call_is_made_transferred_and_ended_by_the_api() -> None:
    app = App()
    async with app.open() as azure:
        status, made = await ask(azure, "POST", "", CREATE)
        assert (status, made["callConnectionState"]) == (201, "connecting")
        path = f"/{made['callConnectionId']}"
        async with (await azure.placed()).answer() as held:
            await held.stream()
            tones = {"tones": ["one", "pound"], "targetParticipant": phone("+15550100009")}
            assert (await ask(azure, "POST", f"{path}:sendDtmfTones", tones))[0] == 202
            onward = {"targetParticipant": phone("+15550100003")}
            assert (await ask(azure, "POST", f"{path}:transferToParticipant", onward))[0] == 202
            assert (await ask(azure, "POST", f"{path}:stopMediaStreaming", {}))[0] == 202
            assert (await ask(azure, "POST", f"{path}:startMediaStreaming", {}))[0] == 202
            await held.stream(2)
            assert await ask(azure, "POST", f"{path}:terminate") == (204, None)
            assert (await ask(azure, "DELETE", path))[0] == 404
        assert "CallTransferAccepted" in app.events
        await ask(azure, "POST", "", CREATE)
        await (await azure.placed()).fail()
    assert app.events[-1] == "CreateCallFailed"


@pytest.mark.integration
async def test_a_rejected_call_and_a_refused_socket_are_told() -> None:
    app = App()
    app.media["transportUrl"] = "wss://voice.example.test/nowhere"
    async with app.open() as azure:
        async with azure.ring(f"{PUBLIC}/events") as phone:
            await phone.heard_of("MediaStreamingFailed")
        app.action = ":reject"
        async with azure.ring(f"{PUBLIC}/events"):
            pass
        with pytest.raises(Broken, match="HTTP"):
            await azure.subscribe(f"{PUBLIC}/nowhere")
    assert app.answered == [200, 204]
    assert [fault.code for fault in azure.faults] == ["8581"]


@pytest.mark.integration
async def test_a_forged_token_does_not_verify() -> None:
    app = App()
    async with app.open() as azure:
        other = Resource(RESOURCE.id)
        asked = callback(other, AcsCall(), f"{PUBLIC}/callback", "CallConnected")
        async with aiohttp.ClientSession() as session:
            target = f"{azure.via}/callback"
            await session.post(target, data=asked.body, headers=dict(asked.headers))
    assert app.forged == 1
    claims = jwt.decode(token(RESOURCE, 300, 1_760_000_000), RESOURCE.key).claims
    assert (claims["iat"], claims["exp"]) == (1_760_000_000, 1_760_000_300)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("body", "changed", "status"),
    [
        ({**CREATE, "targets": []}, {}, 400),
        ({**CREATE, "callbackUri": "http://voice.example.test"}, {}, 400),
        ({**CREATE, "mediaStreamingOptions": {**MEDIA, "transportUrl": "ws://a.test"}}, {}, 400),
        ({**CREATE, "mediaStreamingOptions": {**MEDIA, "audioFormat": "Pcm24KMono"}}, {}, 400),
        ({**CREATE, "mediaStreamingOptions": {**MEDIA, "enableBidirectional": "true"}}, {}, 400),
        ({**CREATE, "sourceCallerIdNumber": {"value": "15550100002"}}, {}, 400),
        ({**CREATE, "extra": 1}, {}, 400),
        (CREATE, {"Authorization": "HMAC-SHA256 SignedHeaders=x&Signature=y"}, 401),
        (CREATE, {"x_ms_date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 401),
        (CREATE, {"x_ms_content_sha256": "AAAA"}, 401),
    ],
)
async def test_the_api_is_strict(body: Any, changed: dict[str, str], status: int) -> None:
    async with AcsPeer.open(RESOURCE) as azure:
        assert (await ask(azure, "POST", "", body, **changed))[0] == status
        assert len(azure.faults) == 1
