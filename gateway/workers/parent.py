"""The parent of several workers: it holds the listening sockets, starts the workers, replaces those that die, and
carries no call itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from gateway.config import Settings
from gateway.crew import MOST
from gateway.errors import ConfigError
from gateway.workers import mailbox
from gateway.workers.share import Load, Report, Word, words
from gateway.workers.worker import Slot

__all__ = ["serve"]

logger = logging.getLogger(__name__)

GRACE_S = 10.0
"""What a worker may take beyond the drain before it is killed: it closes what its calls stood on."""

Take = Callable[[tuple[str, float, int], str], Awaitable[float]]
First = Callable[[str], bool]


class Parent:
    def __init__(self, settings: Settings, take: Take, first: First) -> None:
        """`take`: see `api.limits.RateLimiter`, for the workers together; so is `first`, whether a proof that is good
        once was not shown before."""
        self._settings = settings
        self._take = take
        self._first = first
        self._slots: list[Slot] = []
        self._reports: dict[int, Report] = {}
        self._words: dict[int, Word] = {}
        self.stopping = False
        self._signals = 0
        self._failed = asyncio.Event()

    async def run(self, arguments: list[str], announce: Callable[[str], None]) -> int:
        """Until stopped; gives the exit code. Raises ConfigError when it cannot listen."""
        settings, size = self._settings, self._settings.worker_count
        listeners = bound(settings.host, settings.port)
        boxes = [mailbox.pair() for _ in range(size)]
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._signalled, stop)
        try:
            host, port = listeners[0].getsockname()[:2]
            self._slots = [
                Slot(number, listeners, boxes, [*arguments, "--port", str(port)], self)
                for number in range(size)
            ]
            async with asyncio.TaskGroup() as group:
                # The first brings the database up to date and makes the keys, which the others then find.
                keepers = [group.create_task(self._slots[0].keep(), name="worker-0")]
                if await self._ready(self._slots[:1], stop):
                    keepers += [
                        group.create_task(slot.keep(), name=f"worker-{slot.number}")
                        for slot in self._slots[1:]
                    ]
                    if await self._ready(self._slots, stop):
                        shown = f"[{host}]" if ":" in host else host
                        announce(f"parley listening on http://{shown}:{port} with {size} workers")
                        await self._until(stop)
                if stop.is_set():
                    announce(
                        f"parley stops: {self._live} live, for {settings.drain_s:.0f} s at most; again to stop now"
                    )
                await self._end(keepers)
            return 2 if self._failed.is_set() else 0
        finally:
            for one in (*listeners, *(end for box in boxes for end in box)):
                one.close()

    # ── what slots ask ──

    def reported(self, number: int, load: Load | None) -> None:
        """A worker's load; None when it is gone."""
        loop = asyncio.get_running_loop()
        if load is None:
            self._reports.pop(number, None)
            self._words.pop(number, None)
        else:
            self._reports[number] = Report(load, loop.time())
        for to, word in words(self._reports, loop.time()).items():
            if self._words.get(to) != word:
                self._words[to] = word
                self._slots[to].tell(asdict(word))

    async def asked(self, number: int, message: dict[str, Any]) -> Any:
        if message["what"] == "take":
            return await self._take(message["rate"], message["who"])
        if message["what"] == "first":
            return self._first(message["proof"])
        others = [slot for slot in self._slots if slot.number != number]
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(slot.figures(), name="worker-figures") for slot in others]
        found = [task.result() for task in asking]
        return [one for one in found if one is not None]

    def unfit(self) -> None:
        """A worker could not even start with these settings."""
        self._failed.set()

    # ── below ──

    @property
    def _live(self) -> int:
        return sum(report.load.live for report in self._reports.values())

    def _signalled(self, stop: asyncio.Event) -> None:
        self._signals += 1
        self.stopping = True
        stop.set()
        for slot in self._slots:
            slot.signal(signal.SIGTERM)

    async def _until(self, *events: asyncio.Event) -> None:
        """Until one of them, or until a worker finds the settings unfit."""
        loop = asyncio.get_running_loop()
        waits = [loop.create_task(event.wait(), name="worker-wait") for event in (*events, self._failed)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _ready(self, slots: list[Slot], stop: asyncio.Event) -> bool:
        for slot in slots:
            await self._until(slot.ready, stop)
        return not stop.is_set() and not self._failed.is_set()

    async def _end(self, keepers: list[asyncio.Task[None]]) -> None:
        self.stopping = True
        if not self._signals:
            for slot in self._slots:
                slot.signal(signal.SIGTERM)
        _, late = await asyncio.wait(keepers, timeout=self._settings.drain_s + GRACE_S)
        if late:
            logger.error("%d workers did not end in time and are killed", len(late))
            for slot in self._slots:
                slot.signal(signal.SIGKILL)


def bound(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen, one for each address of the host. Raises ConfigError."""
    made: list[socket.socket] = []
    try:
        for family, kind, proto, _, address in dict.fromkeys(
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        ):
            one = socket.socket(family, kind, proto)
            made.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if port == 0 and len(made) > 1:  # the same free port at every address
                address = (address[0], made[0].getsockname()[1], *address[2:])
            one.bind(address)
            one.setblocking(False)
            one.listen(1024)
    except OSError as error:
        for one in made:
            one.close()
        raise ConfigError(
            [f"PARLEY_HOST, PARLEY_PORT: cannot listen on {host}:{port}: {error.strerror}"]
        ) from error
    return made


async def serve(
    settings: Settings, arguments: list[str], take: Take, first: First, announce: Callable[[str], None]
) -> int:
    """`parley serve` with more than one worker; gives the exit code. `arguments`: for each worker's command line.
    Raises ConfigError."""
    if settings.worker_count > MOST:
        raise ConfigError([f"PARLEY_WORKERS: {MOST} at most"])
    with contextlib.suppress(asyncio.CancelledError):
        return await Parent(settings, take, first).run(arguments, announce)
    return 0
