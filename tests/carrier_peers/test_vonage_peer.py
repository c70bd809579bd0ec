"""Vonage, whole: a call comes in, one is made, one is transferred; and who does it wrong is told."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.carrier_peers.application import served
from tests.carrier_peers.codecs import L16_16K
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.http import json_request
from tests.carrier_peers.ncco import ncco
from tests.carrier_peers.vonage_hooks import Account, Legs, answer, signed
from tests.carrier_peers.vonage_peer import VonagePeer

PUBLIC = "https://voice.example.test"
SOCKET: dict[str, Any] = {
    "type": "websocket",
    "uri": "wss://voice.example.test/stream",
    "content-type": "audio/l16;rate=16000",
    "headers": {"call": "c-1"},
    "authorization": {"type": "vonage"},
}
TALK: list[dict[str, Any]] = [{"action": "connect", "endpoint": [SOCKET]}]
DIAL: dict[str, Any] = {
    "to": [{"type": "phone", "number": "15550100009"}],
    "from": {"type": "phone", "number": "15550100002"},
    "answer_url": [f"{PUBLIC}/answer"],
    "event_url": [f"{PUBLIC}/event"],
}
ACCOUNT = Account()


class App:
    """A good application: connects every call to its socket, and says 100 ms on it."""

    def __init__(self) -> None:
        self.ncco: Any = TALK
        self.events: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.forged = 0
        self.calls: list[str] = []
        self.hangs_up = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[VonagePeer]:
        routes = [
            web.get("/answer", self.answer),
            web.post("/event", self.event),
            web.get("/stream", self.stream),
        ]
        async with (
            served(routes) as base,
            VonagePeer.open(ACCOUNT, event_url=f"{PUBLIC}/event", via=base) as vonage,
        ):
            yield vonage

    async def answer(self, request: web.Request) -> web.Response:
        fields = dict(request.query)
        self.forged += not genuine(request, json.dumps(fields, separators=(",", ":")).encode())
        self.asked.append(fields)
        return web.json_response(self.ncco)

    async def event(self, request: web.Request) -> web.Response:
        self.forged += not genuine(request, await request.read())
        self.events.append(await request.json())
        return web.Response()

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        self.forged += not genuine(request, None)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async with asyncio.TaskGroup() as group:
            closing = group.create_task(self.close(socket))
            async for received in socket:
                if received.type is aiohttp.WSMsgType.TEXT:
                    self.calls.append(received.json()["call"])
                    for _ in range(5):
                        await socket.send_bytes(L16_16K.tone(20))
            closing.cancel()
        return socket

    async def close(self, socket: web.WebSocketResponse) -> None:
        await self.hangs_up.wait()
        await socket.close()

    def statuses(self) -> list[str]:
        return [one["status"] for one in self.events]


def genuine(request: web.Request, payload: bytes | None) -> bool:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, OctKey.import_key(ACCOUNT.secret)).claims
    wanted = None if payload is None else hashlib.sha256(payload).hexdigest()
    return claims.get("payload_hash") == wanted and claims["api_key"] == ACCOUNT.api_key


def bearer(account: Account = ACCOUNT, **changed: Any) -> str:
    now = round(time.time())
    claims = {"application_id": account.application, "iat": now, "jti": str(uuid.uuid4()), "exp": now + 900}
    return jwt.encode({"alg": "RS256"}, {**claims, **changed}, account.key)


async def ask(
    vonage: VonagePeer, method: str, path: str, body: Any, token: str | None = None
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token or bearer()}"}
    url = f"{vonage.base}/v1/calls{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=body, headers=headers) as answered,
    ):
        return answered.status, await answered.json() if answered.status != 204 else None


@pytest.mark.integration
async def test_a_call_comes_in_and_the_caller_hangs_up() -> None:
    app = App()
    async with app.open() as vonage:
        async with vonage.ring(f"{PUBLIC}/answer") as phone:
            call = await phone.stream()
            await call.played(100)
        assert [str(one) for one in (*vonage.faults, *call.faults)] == []
    assert app.statuses() == ["started", "ringing", "answered", "answered", "disconnected", "completed"]
    assert app.asked[0]["from"] == "15550100001"
    assert (app.forged, app.calls) == (0, ["c-1"])


@pytest.mark.integration
async def test_an_application_hangs_up_and_the_ncco_goes_on() -> None:
    app = App()
    onward = {
        "action": "connect",
        "from": "15550100002",
        "endpoint": [{"type": "phone", "number": "15550100003"}],
    }
    app.ncco = [*TALK, onward]
    async with app.open() as vonage, vonage.ring(f"{PUBLIC}/answer") as phone:
        await phone.stream()
        app.hangs_up.set()
        await phone.until(lambda: len(phone.did) == 2, "no second action")
    assert vonage.faults == []


@pytest.mark.integration
async def test_a_call_is_made_transferred_and_ended_by_the_api() -> None:
    app = App()
    async with app.open() as vonage:
        status, made = await ask(vonage, "POST", "", {**DIAL, "machine_detection": "continue"})
        assert (status, made["status"]) == (201, "started")
        path = f"/{made['uuid']}"
        async with (await vonage.placed()).answer("machine") as phone:
            await phone.stream()
            assert (await ask(vonage, "PUT", f"{path}/dtmf", {"digits": "1#"}))[0] == 200
            onward = {"type": "ncco", "ncco": TALK}
            assert await ask(vonage, "PUT", path, {"action": "transfer", "destination": onward}) == (
                204,
                None,
            )
            second = await phone.stream(2)
            assert await ask(vonage, "PUT", f"/{phone.sockets[1]}", {"action": "hangup"}) == (204, None)
            assert (await second.over()).by == "carrier"
            await phone.over()
        assert (await ask(vonage, "PUT", path, {"action": "hangup"}))[0] == 404
        assert phone.pressed == ["1#"]
        assert "machine" in app.statuses()
        await ask(vonage, "POST", "", DIAL)
        await (await vonage.placed()).fail("busy")
        assert app.statuses()[-1] == "busy"


@pytest.mark.integration
async def test_a_refused_socket_is_told() -> None:
    app = App()
    app.ncco = [{"action": "connect", "endpoint": [{**SOCKET, "uri": "wss://voice.example.test/nowhere"}]}]
    async with app.open() as vonage, vonage.ring(f"{PUBLIC}/answer") as phone:
        await phone.over()
    assert [fault.code for fault in vonage.faults] == ["socket-refused"]
    assert "failed" in app.statuses()


@pytest.mark.integration
@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        bearer(application_id="another"),
        bearer(iat=1_000_000_000, exp=1_000_000_900),
        bearer(Account(application=ACCOUNT.application)),
    ],
    ids=["nonsense", "application", "old", "key"],
)
async def test_the_api_wants_a_token(token: str) -> None:
    async with VonagePeer.open(ACCOUNT) as vonage:
        assert (await ask(vonage, "POST", "", DIAL, token))[0] == 401


@pytest.mark.integration
@pytest.mark.parametrize(
    "body",
    [
        {**DIAL, "to": [{"type": "phone", "number": "+15550100009"}]},
        {**DIAL, "ncco": TALK},
        {**DIAL, "from": None},
        {**DIAL, "event_url": f"{PUBLIC}/event"},
        {**DIAL, "machine_detection": "detect"},
        {**DIAL, "extra": 1},
    ],
)
async def test_a_dial_is_judged(body: Any) -> None:
    async with VonagePeer.open(ACCOUNT) as vonage:
        assert (await ask(vonage, "POST", "", body))[0] == 400
        assert len(vonage.faults) == 1


@pytest.mark.unit
@pytest.mark.parametrize(
    "value",
    [
        {"action": "talk"},
        [{"action": "speak"}],
        [{"action": "connect", "endpoint": [{**SOCKET, "uri": "ws://a.test"}]}],
        [{"action": "connect", "endpoint": [{**SOCKET, "content-type": "audio/l16"}]}],
        [{"action": "connect", "endpoint": [{**SOCKET, "headers": {"a": "x" * 512}}]}],
        [{"action": "connect", "endpoint": SOCKET}],
        [{"action": "connect", "endpoint": [{"type": "phone", "number": "+15550100003"}]}],
        [{"action": "talk", "text": "x" * 1501}],
    ],
)
def test_an_ncco_is_read_strictly(value: Any) -> None:
    with pytest.raises(Broken):
        ncco(value)


@pytest.mark.unit
def test_the_hash_is_that_of_the_reference() -> None:
    asked = signed(ACCOUNT, json_request(f"{PUBLIC}/event", {"status": "answered", "uuid": "aaaa"}))
    token = asked.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, OctKey.import_key(ACCOUNT.secret)).claims
    assert claims["payload_hash"] == "c6d952ca8cc7b7f6805c36a29b84a0b64baaf1d10cba7a550520c14f7f1c36dc"
    assert claims["iss"] == "Vonage"
    posted = answer(ACCOUNT, Legs(), f"{PUBLIC}/answer", "POST")
    assert posted.json["endpoint_type"] == "phone"
    assert ACCOUNT.private_key.startswith("-----BEGIN")
