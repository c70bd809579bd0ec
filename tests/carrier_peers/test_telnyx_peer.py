"""Telnyx, whole: a call comes in, one is made, one is ended; and who does it wrong is told."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.exceptions import InvalidSignature

from tests.carrier_peers.application import served
from tests.carrier_peers.codecs import ALAW, L16_16K, MULAW
from tests.carrier_peers.telnyx_hooks import SIGNATURE, TIMESTAMP, Keys, event, retried, verified
from tests.carrier_peers.telnyx_peer import TelnyxPeer
from tests.carrier_peers.telnyx_rest import Refusal, judged_action, judged_dial, stream_wanted
from tests.carrier_peers.telnyx_stream import TOKEN_HEADER, CallIds

HOOK = "https://voice.example.test/telnyx/voice"
STREAM = {
    "stream_url": "wss://voice.example.test/stream",
    "stream_track": "inbound_track",
    "stream_bidirectional_mode": "rtp",
    "stream_bidirectional_codec": "PCMU",
}
DIAL = {"connection_id": "1684641123236054244", "to": "+15550100009", "from": "+15550100002"}


class App:
    """A good application: answers every call with a stream, and says 100 ms on it."""

    def __init__(self) -> None:
        self.telnyx: TelnyxPeer | None = None
        self.command: tuple[str, dict[str, Any]] = ("answer", dict(STREAM))
        self.events: list[dict[str, Any]] = []
        self.busy = 0
        """How many webhooks it fails to take."""
        self.forged = 0
        self.tokens: list[str | None] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TelnyxPeer]:
        routes = [web.post("/telnyx/voice", self.hook), web.get("/stream", self.stream)]
        async with served(routes) as base, TelnyxPeer.open(HOOK, via=base) as telnyx:
            self.telnyx = telnyx
            yield telnyx

    async def hook(self, request: web.Request) -> web.Response:
        assert self.telnyx is not None
        body = await request.read()
        try:
            verified(self.telnyx.keys.public, request.headers[SIGNATURE], request.headers[TIMESTAMP], body)
        except InvalidSignature:
            self.forged += 1
        told = (await request.json())["data"]
        if self.busy:
            self.busy -= 1
            return web.Response(status=503)
        self.events.append(told)
        payload = told["payload"]
        if payload.get("state") == "parked":
            action, fields = self.command
            await ask(self.telnyx, f"calls/{payload['call_control_id']}/actions/{action}", fields)
        return web.Response()

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        self.tokens.append(request.headers.get(TOKEN_HEADER))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for received in socket:
            if received.json()["event"] == "start":
                payload = b64encode(MULAW.tone(100)).decode()
                await socket.send_json({"event": "media", "media": {"payload": payload}})
        return socket

    def kinds(self) -> list[str]:
        return [one["event_type"] for one in self.events]


async def ask(telnyx: TelnyxPeer, path: str, body: Mapping[str, Any], key: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {key or telnyx.api_key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{telnyx.base}/v2/{path}", json=body, headers=headers) as answer,
    ):
        told = await answer.json()
        return told["data"] if answer.status == 200 else (answer.status, told["errors"][0]["code"])


@pytest.mark.integration
async def test_a_call_comes_in_and_the_caller_hangs_up() -> None:
    app = App()
    async with app.open() as telnyx:
        async with telnyx.ring(says=ALAW) as phone:
            call = await phone.stream()
            await call.played(100)
            await phone.heard_of("streaming.started")
        assert telnyx.faults == []
        assert call.faults == []
        assert call.sent[1].json["start"]["media_format"]["encoding"] == "PCMA"
    wanted = ["call.initiated", "call.answered", "streaming.started", "call.hangup", "streaming.stopped"]
    assert sorted(app.kinds()) == sorted(wanted)
    assert app.forged == 0


@pytest.mark.integration
async def test_a_webhook_is_tried_again_with_the_same_id() -> None:
    app = App()
    app.busy = 2
    async with app.open() as telnyx, telnyx.ring(underscores=True) as phone:
        await phone.stream()
        await phone.heard_of("call.answered")
    assert app.events[0]["event_type"] == "call_initiated"
    assert telnyx.faults == []
    keys, ids = Keys(), CallIds()
    first = event(keys, HOOK, "call.initiated", ids, {}, at=1_760_000_000)
    second = retried(keys, first)
    assert first.json["data"] == second.json["data"]
    assert (first.json["meta"]["attempt"], second.json["meta"]["attempt"]) == (1, 2)
    verified(keys.public, second.headers[SIGNATURE], second.headers[TIMESTAMP], second.body)
    with pytest.raises(InvalidSignature):
        verified(keys.public, first.headers[SIGNATURE], first.headers[TIMESTAMP], second.body)


@pytest.mark.unit
def test_the_references_vector_verifies() -> None:
    public = "I7xUkSwebpLEqGglyGfif/3FVb/71CRPF6Jqv//ull0="
    signature = "y1QoTUlIoX/wL53SJ4oUtFog81uBdzcsdyuGVxGLKX5NchxGihP3+4e5Y+ZxSgOj/392fOlvepwotENfUBY9AQ=="
    verified(public, signature, "1760000000", b'{"data":{"event_type":"call.initiated","id":"e1"}}')


@pytest.mark.integration
async def test_a_call_is_made_and_ended_by_the_api() -> None:
    app = App()
    async with app.open() as telnyx:
        made = await ask(telnyx, "calls", {**DIAL, **STREAM, "stream_auth_token": "t", "command_id": "c"})
        assert made["is_alive"] is False
        path = f"calls/{made['call_control_id']}/actions"
        assert await ask(telnyx, f"{path}/send_dtmf", {"digits": "1"}) == (422, "90034")
        async with (await telnyx.placed()).answer(moved=True) as phone:
            call = await phone.stream()
            assert await ask(telnyx, f"{path}/hangup", {}) == (422, "90015")
            path = f"calls/{phone.ids.control}/actions"
            once = {"digits": "1#", "command_id": "d"}
            assert await ask(telnyx, f"{path}/send_dtmf", once) == {"result": "ok"}
            assert await ask(telnyx, f"{path}/send_dtmf", once) == {"result": "ok"}
            assert await ask(telnyx, f"{path}/hangup", {}) == {"result": "ok"}
            assert (await call.over()).by == "carrier"
            assert await ask(telnyx, f"{path}/hangup", {}) == (422, "90018")
        assert [name for name, _ in phone.commands] == ["send_dtmf", "hangup"]
    assert app.tokens == ["t"]
    assert "call.hangup" in app.kinds()


@pytest.mark.integration
async def test_nobody_picks_up_or_a_machine_does() -> None:
    app = App()
    async with app.open() as telnyx:
        await ask(telnyx, "calls", DIAL)
        await (await telnyx.placed()).fail("user_busy")
        assert app.events[-1]["payload"]["hangup_cause"] == "user_busy"
        await ask(telnyx, "calls", {**DIAL, "answering_machine_detection": "premium"})
        async with (await telnyx.placed()).answer("machine") as phone:
            await phone.heard_of("call.machine.premium.detection.ended")


@pytest.mark.integration
async def test_a_refused_socket_and_a_rejected_call_are_told() -> None:
    app = App()
    app.command = ("answer", {**STREAM, "stream_url": "wss://voice.example.test/nowhere"})
    async with app.open() as telnyx:
        async with telnyx.ring() as phone:
            await phone.heard_of("streaming.failed")
        app.command = ("reject", {"cause": "USER_BUSY"})
        async with telnyx.ring() as phone:
            await phone.doing("reject")
            await phone.heard_of("call.hangup")
        assert [fault.code for fault in telnyx.faults] == ["streaming.failed"]
        assert await ask(telnyx, "calls", DIAL, "wrong") == (401, "10009")


BAD_DIALS: dict[str, tuple[dict[str, Any], str]] = {
    "no connection": ({**DIAL, "connection_id": ""}, "10004"),
    "no plus": ({**DIAL, "to": "15550100009"}, "10016"),
    "unknown": ({**DIAL, "url": "https://a.test"}, "10015"),
    "state not base64": ({**DIAL, "client_state": "hello world"}, "10015"),
    "stream without TLS": ({**DIAL, "stream_url": "ws://a.test"}, "10003"),
    "mode": ({**DIAL, "stream_bidirectional_mode": "raw"}, "10015"),
    "rate as text": ({**DIAL, "stream_bidirectional_sampling_rate": "16000"}, "10015"),
    "too long a call": ({**DIAL, "time_limit_secs": 14401}, "10015"),
    "long token": ({**DIAL, "stream_auth_token": "x" * 4001}, "10015"),
    "detection": ({**DIAL, "answering_machine_detection": "true"}, "10015"),
    "parameters as an object": ({**DIAL, "custom_parameters": {"a": "b"}}, "10015"),
}


@pytest.mark.unit
@pytest.mark.parametrize("offence", BAD_DIALS)
def test_a_dial_is_judged(offence: str) -> None:
    body, code = BAD_DIALS[offence]
    with pytest.raises(Refusal) as refusal:
        judged_dial(body)
    assert refusal.value.code == code


@pytest.mark.unit
def test_an_action_is_judged() -> None:
    for action, body, code in (
        ("explode", {}, "10005"),
        ("transfer", {}, "10004"),
        ("transfer", {"to": "five"}, "10016"),
        ("reject", {"cause": "BUSY"}, "10015"),
        ("send_dtmf", {"digits": "hello"}, "10015"),
        ("streaming_start", {}, "10004"),
        ("hangup", [], "10015"),
        ("answer", {"to": "+15550100001"}, "10015"),
    ):
        with pytest.raises(Refusal) as refusal:
            judged_action(action, body)
        assert refusal.value.code == code
    wide = {**STREAM, "stream_bidirectional_codec": "L16", "stream_bidirectional_sampling_rate": 16000}
    assert stream_wanted(judged_action("streaming_start", wide)) is L16_16K
    with pytest.raises(Refusal):
        stream_wanted({**STREAM, "stream_bidirectional_codec": "OPUS"})
