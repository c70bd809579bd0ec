"""One accepted connection of a peer: socket, conversation, and whatever goes wrong with them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.peers.conversation import Conversation
from tests.peers.faults import Event, Fault, Refused
from tests.peers.ids import new_id
from tests.peers.log import Log
from tests.peers.script import Cut, Script
from tests.peers.speaking import Steps
from tests.peers.vendor import Dialect

__all__ = ["Line"]

MAX_UNSENT = 20_000
"""Events that a stalled connection keeps; more is a mistake of the test."""


class Line:
    """Runs until the socket is closed, by whom ever."""

    def __init__(
        self,
        socket: ServerConnection,
        dialect: Dialect,
        conversation: Conversation,
        script: Script,
        number: int,
        received: Log,
        sent: Log,
        blame: Callable[[Fault, bool], None],
        broken: Callable[[str], None],
    ) -> None:
        self.number = number
        self.conversation = conversation
        self._socket = socket
        self._dialect = dialect
        self._script = script
        self._received = received
        self._sent = sent
        self._blame = blame
        self._broken = broken
        self._unsent: asyncio.Queue[tuple[Event, bool]] = asyncio.Queue(MAX_UNSENT)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None
        self._dead = False
        self._written = asyncio.Event()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._cuts = [cut for cut in script.cuts if cut.connection in (None, number)]
        self.closed = asyncio.Event()

    async def run(self) -> None:
        """Until the connection is over."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._spawn(self._write())
                self._spawn(self._grow_old())
                self.run_steps(self.conversation.begin())
                await self._read()
                for task in tuple(self._tasks):
                    task.cancel()
        finally:
            self._group = None
            self.closed.set()

    # ── what the test does to it ──────────────────────────────────────────────────────────────────────────

    def run_steps(self, steps: Steps) -> None:
        """Its events up to the first pause go out now, the rest in its own time."""
        for step in steps:
            if isinstance(step, dict):
                self.put(step)
            else:
                self._spawn(self._rest(step, steps))
                return

    def put(self, event: Event, *, raw: bool = False) -> None:
        """Queue a server event. `raw`: as it is, unchecked and untranslated."""
        self._unsent.put_nowait((event, raw))
        self._written.clear()

    def stall(self) -> None:
        """Nothing is sent any more; what the client sends is still read."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    async def suffer(self, cut: Cut) -> None:
        if cut.how == "stall":
            self.stall()
            return
        if cut.how == "expire":
            await self._tell(_expired())
        self._dead = True
        if cut.how == "abort":
            self._socket.transport.abort()
        else:
            await self._socket.close(cut.code, cut.reason)

    # ── tasks ─────────────────────────────────────────────────────────────────────────────────────────────

    def _spawn(self, work: asyncio._CoroutineLike[None]) -> None:
        if self._group is None:
            raise RuntimeError("the connection is over")
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _rest(self, wait_s: float, steps: Steps) -> None:
        await asyncio.sleep(wait_s)
        for step in steps:
            if isinstance(step, dict):
                self.put(step)
            else:
                await asyncio.sleep(step)

    async def _grow_old(self) -> None:
        await asyncio.sleep(self._script.life_s)
        await self.suffer(Cut(how="expire", code=self._script.expiry_code))

    async def _write(self) -> None:
        try:
            while not self._dead:
                event, raw = await self._unsent.get()
                await self._flowing.wait()
                if raw:
                    await self._send(event)
                else:
                    await self._tell(event)
                    await self._check_cuts("sent", event)
                if self._unsent.empty():
                    self._written.set()
        except ConnectionClosed:
            pass
        self._dead = True
        self._written.set()

    async def _tell(self, event: Event) -> None:
        for told in self._dialect.tell(event):
            stamped = {"type": told["type"], "event_id": new_id("event"), **told}
            for complaint in self._dialect.judge(stamped):
                self._broken(f"{stamped['type']}: {complaint}")
            await self._send(stamped)

    async def _send(self, event: Event) -> None:
        await self._socket.send(json.dumps(event))
        self._sent.add(event)

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                await self._take(message)
        except ConnectionClosed:
            return

    async def _take(self, message: str | bytes) -> None:
        event: Event | str = message if isinstance(message, str) else repr(message)
        try:
            event = _parsed(message)
            self._received.add(event)
            await self._check_cuts("received", event)
            for steps in self.conversation.take(self._dialect.read(event)):
                self.run_steps(steps)
        except Refused as refused:
            fault = Fault(refused.rule, refused.code, refused.param, refused.message, event)
            self._blame(fault, refused.harmless)
            self.put(_error(refused, event))
        for cut in tuple(self._cuts):
            if cut.speech_ms is not None and self.conversation.ears.speech_ms >= cut.speech_ms:
                if self._flowing.is_set():
                    await self._written.wait()
                await self._once(cut)

    async def _check_cuts(self, way: str, event: Event) -> None:
        kind = event["type"]
        self._counts[way, kind] += 1
        for cut in tuple(self._cuts):
            named = cut.sent if way == "sent" else cut.received
            waiting = way == "sent" and kind == "response.done" and self.conversation.items.outstanding()
            if (named == kind and self._counts[way, kind] == cut.nth) or (cut.outstanding_call and waiting):
                await self._once(cut)

    async def _once(self, cut: Cut) -> None:
        self._cuts.remove(cut)
        await self.suffer(cut)


def _parsed(message: str | bytes) -> Event:
    if isinstance(message, bytes):
        raise Refused(
            "invalid_event", "Binary frames are not events.", rule="2, frames: UTF-8 JSON text only"
        )
    try:
        event = json.loads(message)
    except ValueError:
        raise Refused("invalid_event", "The message is not JSON.", rule="10, invalid_event") from None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise Refused("invalid_event", "The event has no type.", rule="10, invalid_event", param="type")
    return event


def _error(refused: Refused, event: Event | str) -> Event:
    event_id = event.get("event_id") if isinstance(event, dict) else None
    return {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "code": refused.code,
            "message": refused.message,
            "param": refused.param,
            "event_id": event_id if isinstance(event_id, str) else None,
        },
    }


def _expired() -> Event:
    return {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "code": "session_expired",
            "message": "Your session hit the maximum duration of 60 minutes.",
            "param": None,
            "event_id": None,
        },
    }
