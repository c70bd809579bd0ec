"""One worker, as its parent sees it: a place that always has a process, and what is told to and by that."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any, Protocol

from gateway.workers import mailbox
from gateway.workers.channel import Channel, Gone
from gateway.workers.seat import Seat
from gateway.workers.share import Load

__all__ = ["Boss", "Slot", "pause_after"]

logger = logging.getLogger(__name__)

QUICK_S = 10.0
"""A worker that lived for less did not get to work."""
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 30.0
UNFIT = 2
"""The exit code for settings that cannot be meant."""
UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


def pause_after(deaths: int) -> float:
    """How long to wait before the next process, after so many in a row that did not get to work: seconds."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(deaths, 16)) if deaths else 0.0


class Boss(Protocol):
    """The parent, as a slot needs it (`gateway.workers.parent.Parent`)."""

    stopping: bool

    def reported(self, number: int, load: Load | None) -> None: ...

    async def asked(self, number: int, message: dict[str, Any]) -> Any: ...

    def unfit(self) -> None: ...


class Slot:
    def __init__(
        self,
        number: int,
        listeners: Sequence[socket.socket],
        boxes: Sequence[tuple[socket.socket, socket.socket]],
        arguments: Sequence[str],
        boss: Boss,
    ) -> None:
        self.number = number
        self._listeners = listeners
        self._boxes = boxes
        self._arguments = arguments
        self._boss = boss
        self._channel: Channel | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.ready = asyncio.Event()
        """It takes calls, or did: set at the first time."""

    async def keep(self) -> None:
        """Have a process here until the parent stops; gives up when the settings cannot be meant."""
        loop = asyncio.get_running_loop()
        deaths = 0
        while not self._boss.stopping:
            began = loop.time()
            code = await self._run()
            self._boss.reported(self.number, None)
            if self._boss.stopping:
                return
            if code == UNFIT and not self.ready.is_set():
                self._boss.unfit()
                return
            deaths = deaths + 1 if loop.time() - began < QUICK_S else 0
            pause = pause_after(deaths)
            logger.error(
                "worker %d is gone (%s): its calls are over; the next one starts %s",
                self.number,
                f"signal {-code}" if code < 0 else f"exit code {code}",
                f"in {pause:.1f} s, since {deaths} died soon" if deaths > 1 else "now",
            )
            await self._vacant(pause)

    def tell(self, message: dict[str, Any]) -> None:
        if self._channel is not None:
            self._channel.tell(message)

    async def figures(self) -> Any:
        """Its snapshot as JSON; None when it does not answer."""
        if self._channel is None:
            return None
        with contextlib.suppress(Gone):
            return await self._channel.ask({"what": "figures"})
        return None

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _run(self) -> int:
        """One process, from first to last; gives its exit code."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        seat = Seat(
            self.number,
            len(self._boxes),
            tuple(one.fileno() for one in self._listeners),
            theirs.fileno(),
            self._boxes[self.number][0].fileno(),
            tuple(outbox.fileno() for _, outbox in self._boxes),
        )
        try:
            # A session of its own: what is typed at a terminal stops the parent, which tells the workers.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", "serve", *self._arguments, "--seat", seat.to_text(),
                pass_fds=seat.files, start_new_session=True, stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            logger.error("no process for worker %d: %s", self.number, error.strerror)
            ours.close()
            return 1
        finally:
            theirs.close()
        if self._boss.stopping:  # the signal came while it was being made
            self.signal(signal.SIGTERM)
        async with Channel.open(
            ours, self._told, lambda asked: self._boss.asked(self.number, asked)
        ) as one:
            self._channel = one
            try:
                return await self._process.wait()
            finally:
                self._channel = None

    def _told(self, message: dict[str, Any]) -> None:
        if message.get("ready"):
            self.ready.set()
        else:
            self._boss.reported(self.number, Load(**message["load"]))

    async def _vacant(self, pause: float) -> None:
        """Until the next process: whoever is handed to this one is told to come again."""

        def refuse(connection: socket.socket, _read: bytes) -> None:
            with contextlib.suppress(OSError):
                connection.send(UNAVAILABLE)
            connection.close()

        with mailbox.watched(self._boxes[self.number][0], refuse):
            await asyncio.sleep(pause)
