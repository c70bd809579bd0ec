"""OpenAI on SIP: the webhook of a call that rings, the commands it takes, the sideband (sections 11 and 12).

The telephone's sound stays in here: `says` is what the caller says, replies are played in real time and told by
`output_audio_buffer` events. One port serves the commands and the sidebands.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from websockets.asyncio.client import connect

from tests.peers.faults import Event, Fault, Refused
from tests.peers.ga_events import check_client
from tests.peers.ids import new_id
from tests.peers.openai_ga import KEY, GaDialect, OpenAi
from tests.peers.peer import RealtimePeer, serving
from tests.peers.script import Refusal, Script
from tests.peers.session import merged
from tests.peers.sound import pieces
from tests.peers.vendor import Upgrade

__all__ = ["SECRET", "Answered", "CallsPeer", "OpenAiCallsPeer", "RingingCall", "signed"]

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
RATE = 24_000
PIECE_MS = 100


def signed(body: bytes, webhook_id: str, *, at: float, secret: str = SECRET) -> dict[str, str]:
    """The headers of a webhook: HMAC-SHA256 over `id.timestamp.body`."""
    stamp = str(int(at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{webhook_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


@dataclass(slots=True)
class RingingCall:
    """A call that rings, is held, or is over."""

    call_id: str
    caller: str
    called: str
    session: Event | None = None
    """As it was accepted."""
    over: bool = False
    commands: list[tuple[str, Event]] = field(default_factory=list)
    """What was asked of it, in order: verb and body."""

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.commands]


@dataclass(frozen=True, slots=True)
class Answered:
    """What the application said to a webhook."""

    status: int
    webhook_id: str


class SipDialect(GaDialect):
    """The words of a sideband: replies are heard at the telephone, not here."""

    def __init__(
        self, model: str, script: Script, session: Event, later: Callable[[float, Event], None]
    ) -> None:
        super().__init__(model, script)
        self._accepted = session
        self._later = later
        self._sounding: dict[str, tuple[float, float, str]] = {}
        """Response → when it began to be heard, its length (both seconds), its item."""

    def session(self, expires_at: int) -> Event:
        accepted = {k: v for k, v in self._accepted.items() if k != "model"}
        return merged(super().session(expires_at), accepted)

    def tell(self, event: Event) -> Iterator[Event]:
        kind, now = event["type"], time.monotonic()
        match kind:
            case "response.output_audio.delta":
                response = event["response_id"]
                length = len(base64.b64decode(event["delta"])) / 2 / RATE
                if response not in self._sounding:
                    self._sounding[response] = (now, 0.0, event["item_id"])
                    yield {"type": "output_audio_buffer.started", "response_id": response}
                began, so_far, item = self._sounding[response]
                self._sounding[response] = (began, so_far + length, item)
                return
            case "response.output_audio.done":
                began, length, _ = self._sounding[event["response_id"]]
                stopped = {"type": "output_audio_buffer.stopped", "response_id": event["response_id"]}
                self._later(max(0.0, began + length - now), stopped)
            case "output_audio_buffer.stopped":
                if self._sounding.pop(event["response_id"], None) is None:
                    return
            case "input_audio_buffer.speech_started":
                yield event
                yield from self._cut(now)
                return
            case _:
                pass
        yield event

    def _cut(self, now: float) -> Iterator[Event]:
        """The caller speaks into it: the server truncates what it was playing."""
        for response, (began, length, item) in list(self._sounding.items()):
            del self._sounding[response]
            heard_ms = round(min(now - began, length) * 1000)
            yield {
                "type": "conversation.item.truncated", "item_id": item, "content_index": 0, "audio_end_ms": heard_ms,
            }  # fmt: skip
            yield {"type": "output_audio_buffer.cleared", "response_id": response}


class SipVendor(OpenAi):
    """Who may join a call, and with what."""

    def __init__(
        self, script: Script, calls: dict[str, RingingCall], later: Callable[[float, Event], None]
    ) -> None:
        super().__init__(script)
        self._calls = calls
        self._later = later

    def _addressed(self, query: dict[str, str]) -> tuple[Refusal, str] | None:
        call = self._calls.get(query.get("call_id", ""))
        if "model" in query or call is None or call.over or call.session is None:
            return Refusal(404, "call_id_not_found", "No such call."), "12, the sideband of a live call"
        return None

    def dialect(self, upgrade: Upgrade) -> GaDialect:
        session = self._calls[upgrade.query["call_id"]].session
        assert session is not None
        return SipDialect(session["model"], self._script, session, self._later)


class CallsPeer:
    """What a test holds of it."""

    def __init__(self, calls: dict[str, RingingCall], realtime: RealtimePeer) -> None:
        self.calls = calls
        self.realtime = realtime
        self.faults: list[Fault] = []
        """What the application did wrong over HTTP; `realtime.faults` has the rest."""
        self.refusing: int | None = None
        """While set, every command gets it."""
        self.port = 0

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    # ── the telephone ──

    def ringing(self, caller: str = "+15550100001", called: str = "+15550100002") -> RingingCall:
        """A call comes in; nobody was told yet."""
        call = RingingCall(f"rtc_{new_id('x').removeprefix('x_')}", caller, called)
        self.calls[call.call_id] = call
        return call

    def webhook(self, call: RingingCall) -> bytes:
        """The body that tells of it."""
        headers = [
            {"name": "Via", "value": "SIP/2.0/TLS 192.0.2.1"},
            {"name": "From", "value": f'"Caller" <sip:{call.caller}@trunk.example.test>;tag=1'},
            {"name": "To", "value": f"<sip:{call.called}@sip.api.openai.com;transport=tls>"},
        ]
        data = {"call_id": call.call_id, "sip_headers": headers, "sip_media_security": "srtp"}
        event = {
            "object": "event",
            "id": new_id("evt"),
            "type": "realtime.call.incoming",
            "created_at": int(time.time()),
        }
        return json.dumps({**event, "data": data}).encode()

    async def ring(
        self,
        url: str,
        call: RingingCall,
        *,
        webhook_id: str | None = None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answered:
        """Tell of the call, once; `body` and `headers` as they are given."""
        name = webhook_id or new_id("wh")
        body = self.webhook(call) if body is None else body
        given = signed(body, name, at=time.time()) if headers is None else headers
        async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=given) as answer:
            return Answered(answer.status, name)

    async def says(self, pcm: bytes) -> None:
        """The caller says this (PCM16, 24 kHz), in real time, on the call whose sideband is the newest."""
        line = self.realtime.line
        for piece in pieces(pcm + bytes(RATE * 2), PIECE_MS):
            event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(piece).decode()}
            for steps in line.conversation.take(event):
                line.run_steps(steps)
            await asyncio.sleep(PIECE_MS / 1000)

    def presses(self, key: str) -> None:
        told = {
            "type": "input_audio_buffer.dtmf_event_received",
            "event": key,
            "received_at": int(time.time()),
        }
        # Of all server events this one has no `event_id` in the vendor's types.
        self.realtime.line.put(told, raw=True)

    async def hang_up(self, call: RingingCall) -> None:
        """The caller does; the sideband just closes."""
        call.over = True
        await self.realtime.kill()

    # ── what the application asks ──

    async def command(self, request: web.Request) -> web.Response:
        call = self.calls.get(request.match_info["call_id"])
        verb = request.match_info["verb"]
        try:
            body = self._judged(request, verb, await request.read())
        except Refused as refused:
            self.faults.append(
                Fault(refused.rule, refused.code, refused.param, refused.message, f"POST {verb}")
            )
            return _error(400, refused.code, refused.message)
        if self.refusing is not None:
            return _error(self.refusing, "server_error", "by the script")
        if call is None or call.over:
            return _error(404, "call_id_not_found", "No such call.")
        call.commands.append((verb, body))
        if verb == "accept":
            if call.session is not None:
                return _error(409, "call_already_accepted", "It was accepted before.")
            call.session = body
        else:
            call.over = True
            if self.realtime.lines and call.session is not None:
                await self.realtime.kill()
        return web.Response()

    def _judged(self, request: web.Request, verb: str, raw: bytes) -> Event:
        """Raises Refused."""
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            raise Refused(
                "invalid_api_key", "Incorrect API key provided.", rule="11, Authorization: Bearer"
            )
        body: Any = json.loads(raw or b"{}")
        match verb:
            case "accept":
                session = dict(body)
                if not session.pop("model", None):
                    raise Refused(
                        "missing_required_parameter", "no model", rule="11, accept: a session object"
                    )
                check_client({"type": "session.update", "session": session})
            case "reject":
                if not isinstance(body.get("status_code", 603), int) or body.keys() - {"status_code"}:
                    raise Refused("invalid_value", "status_code", rule="11, reject: any SIP code")
            case "refer":
                if not str(body.get("target_uri", "")).startswith(("tel:+", "sip:", "sips:")):
                    raise Refused("invalid_value", "target_uri", rule="11, refer: tel: or sip:")
            case "hangup":
                if body:
                    raise Refused("invalid_value", "a body", rule="11, hangup: no body")
            case _:
                raise Refused("unknown_url", verb, rule="11, call control")
        return dict(body)

    async def sideband(self, request: web.Request) -> web.StreamResponse:
        """Hand the socket on to the realtime server, byte for byte."""
        inner = f"{self.realtime.url}?{request.query_string}"
        headers = {
            k: v for k, v in request.headers.items() if k.lower() in ("authorization", "openai-beta")
        }
        try:
            async with connect(
                inner, additional_headers=headers, compression=None, max_size=None
            ) as upstream:
                socket = web.WebSocketResponse(max_msg_size=0)
                await socket.prepare(request)

                async def down() -> None:
                    async for message in upstream:
                        await socket.send_str(message if isinstance(message, str) else message.decode())

                async with asyncio.TaskGroup() as group:
                    task = group.create_task(_quietly(down()))
                    task.add_done_callback(lambda _: _abort(request))
                    async for message in socket:
                        await upstream.send(message.data)
                    task.cancel()
                return socket
        except Exception as error:  # noqa: BLE001 - a refusal, or either end is gone
            status = getattr(getattr(error, "response", None), "status_code", 502)
            return _error(status, "call_id_not_found", "No such call.")


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _quietly(work: Any) -> None:
    try:
        await work
    except (ConnectionError, OSError, Exception):  # noqa: BLE001 - the inner end is gone: so is the outer
        return


def _error(status: int, code: str, message: str) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": error}, status=status)


class OpenAiCallsPeer:
    """`async with OpenAiCallsPeer.open(script) as openai:`"""

    @staticmethod
    @asynccontextmanager
    async def open(script: Script | None = None, *, port: int = 0) -> AsyncIterator[CallsPeer]:
        calls: dict[str, RingingCall] = {}
        script = script or Script()
        loop = asyncio.get_running_loop()
        timers: list[asyncio.TimerHandle] = []

        def later(delay: float, event: Event) -> None:
            def put() -> None:
                if not realtime.line.closed.is_set():
                    realtime.line.put(event)

            timers.append(loop.call_later(delay, put))

        async with serving(SipVendor(script, calls, later), script) as realtime:
            peer = CallsPeer(calls, realtime)
            app = web.Application()
            app.router.add_post("/v1/realtime/calls/{call_id}/{verb}", peer.command)
            app.router.add_get("/v1/realtime", peer.sideband)
            runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", port).start()
                peer.port = runner.addresses[0][1]
                yield peer
            finally:
                for timer in timers:
                    timer.cancel()
                await runner.cleanup()
