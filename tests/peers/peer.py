"""A vendor's realtime server on a real socket of this machine, steered by a script and by the test."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from tests.peers.conversation import Conversation
from tests.peers.faults import Event, Fault
from tests.peers.line import Line
from tests.peers.log import Log
from tests.peers.script import Asked, Cut, Heard, Refusal, Reply, Script
from tests.peers.vendor import Upgrade, Vendor

__all__ = ["RealtimePeer", "serving"]

MAX_FRAME = 32 * 2**20
"""Bytes; above the 15 MiB of audio that the vendor refuses by an `error` event."""


class RealtimePeer:
    """What a test holds of it."""

    def __init__(self, vendor: Vendor, script: Script) -> None:
        self.received = Log()
        """Client events of all connections, in the vendor's words."""
        self.sent = Log()
        """Server events of all connections, in the vendor's words."""
        self.faults: list[Fault] = []
        """What the client did wrong."""
        self.noise: list[Fault] = []
        """Refusals that are nobody's fault: the two ends crossed each other."""
        self.lines: list[Line] = []
        """Connections, the newest last."""
        self.upgrades: list[Upgrade] = []
        """All that was asked for, refused ones too."""
        self.broken: list[str] = []
        """What this peer itself did wrong; `serving` raises it."""
        self.refusing: Refusal | None = None
        """While set, every upgrade gets it."""
        self.port = 0
        self._vendor = vendor
        self._script = script
        self._replies = deque(script.replies)
        self._hears = deque(script.hears)
        self._refusals = deque(script.refusals)
        self._next = 0

    @property
    def url(self) -> str:
        """The WebSocket, without a query."""
        return f"ws://127.0.0.1:{self.port}{self._vendor.path}"

    @property
    def base_url(self) -> str:
        """What an HTTP client of the vendor's is given: everything before `/realtime`."""
        return f"http://127.0.0.1:{self.port}{self._vendor.path.removesuffix('/realtime')}"

    @property
    def line(self) -> Line:
        """The newest connection."""
        return self.lines[-1]

    @property
    def left(self) -> tuple[Reply, ...]:
        """Replies that nobody asked for yet."""
        return tuple(self._replies)

    # ── steering ──────────────────────────────────────────────────────────────────────────────────────────

    async def say(self, reply: Reply, params: Event | None = None) -> None:
        """The model speaks unasked, on the newest connection."""
        self.line.run_steps(self.line.conversation.speak(reply, params))

    async def send(self, event: Event) -> None:
        """Send a server event exactly as it is, right or wrong."""
        self.line.put(event, raw=True)

    async def kill(self) -> None:
        """Reset the newest connection."""
        await self.line.suffer(Cut(how="abort"))

    async def close(self, code: int = 1011, reason: str = "") -> None:
        await self.line.suffer(Cut(how="close", code=code, reason=reason))

    async def expire(self) -> None:
        """`session_expired`, then the close."""
        await self.line.suffer(Cut(how="expire", code=self._script.expiry_code))

    def stall(self) -> None:
        """Nothing more is sent on any connection, until `resume`."""
        for line in self.lines:
            line.stall()

    def resume(self) -> None:
        for line in self.lines:
            line.resume()

    # ── what the server asks ──────────────────────────────────────────────────────────────────────────────

    def process_request(self, socket: ServerConnection, request: Request) -> Response | None:
        """Refuse or admit an upgrade."""
        upgrade = _upgrade(request)
        self.upgrades.append(upgrade)
        if self.refusing or self._refusals:
            refusal = self.refusing or self._refusals.popleft()
            return _response(refusal, self._vendor.body(refusal))
        unwelcome = self._vendor.admit(upgrade)
        if unwelcome is None:
            return None
        refusal, rule = unwelcome
        fault = Fault(
            rule, refusal.code or str(refusal.status), None, refusal.message, f"GET {upgrade.path}"
        )
        self.faults.append(fault)
        return _response(refusal, self._vendor.body(refusal))

    async def handle(self, socket: ServerConnection) -> None:
        """One connection, from upgrade to end."""
        assert socket.request is not None
        number, self._next = self._next, self._next + 1
        dialect = self._vendor.dialect(_upgrade(socket.request))
        session = dialect.session(int(time.time() + self._script.life_s))
        conversation = Conversation(session, self._script, self._reply, self._heard, number)
        line = Line(
            socket,
            dialect,
            conversation,
            self._script,
            number,
            self.received,
            self.sent,
            self._blame,
            self.broken.append,
        )
        self.lines.append(line)
        try:
            await line.run()
        except Exception as error:  # whatever breaks a peer must reach the test, not only the server's log
            self.broken.append(f"connection {number}: {error!r}")
            raise

    def _blame(self, fault: Fault, harmless: bool) -> None:
        (self.noise if harmless else self.faults).append(fault)

    def _reply(self, asked: Asked) -> Reply:
        chosen = self._script.answer(asked) if self._script.answer else None
        if chosen is None:
            chosen = self._replies.popleft() if self._replies else self._script.spare
        return chosen

    def _heard(self) -> Heard:
        return self._hears.popleft() if self._hears else self._script.spare_heard


@asynccontextmanager
async def serving(vendor: Vendor, script: Script) -> AsyncIterator[RealtimePeer]:
    """Serve on a free port of the loopback. Raises AssertionError at the end if the peer itself broke a rule."""
    peer = RealtimePeer(vendor, script)
    server: Server
    async with serve(
        peer.handle,
        "127.0.0.1",
        0,
        process_request=peer.process_request,
        select_subprotocol=_subprotocol,
        max_size=MAX_FRAME,
        close_timeout=0.5,
        ping_interval=None,
    ) as server:
        peer.port = next(iter(server.sockets)).getsockname()[1]
        yield peer
        peer.resume()
    assert not peer.broken, f"the peer itself is at fault: {peer.broken}"


def _upgrade(request: Request) -> Upgrade:
    headers = {name.lower(): value for name, value in request.headers.raw_items()}
    offered = headers.get("sec-websocket-protocol", "")
    names = tuple(name.strip() for name in offered.split(",") if name.strip())
    return Upgrade(request.path, headers, names)


def _response(refusal: Refusal, body: Event) -> Response:
    content = json.dumps(body).encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(content))})
    for name, value in refusal.headers.items():
        headers[name] = value
    return Response(refusal.status, HTTPStatus(refusal.status).phrase, headers, content)


def _subprotocol(socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Section 2: `realtime` is selected, a key never echoed."""
    return Subprotocol("realtime") if "realtime" in offered else None
