"""A worker's end of the crew: connections that it accepts or is handed, its figures to the parent, and the news."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from gateway.metrics.snapshot import Snapshot
from gateway.workers import mailbox
from gateway.workers.channel import Channel, Gone
from gateway.workers.seat import Seat
from gateway.workers.share import Load

__all__ = ["REPORT_S", "Membership"]

logger = logging.getLogger(__name__)

REPORT_S = 0.1
"""How often a worker tells its load; besides, whenever a call comes or goes."""
NO_FILES_S = 0.5
"""How long nothing is accepted when the process has no file left."""


class Membership:
    """Made by `Membership.open`."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._listeners = [socket.socket(fileno=file) for file in seat.listeners]
        self._inbox = socket.socket(fileno=seat.mailbox)
        self._outboxes = [socket.socket(fileno=file) for file in seat.mailboxes]
        for one in (*self._listeners, self._inbox, *self._outboxes):
            one.setblocking(False)
        self._channel: Channel | None = None
        self._accepting = False
        self._wanted = True
        """The parent's word: this one has no more than its share of calls."""
        self._serving: Callable[[], asyncio.Protocol] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.others = 0
        """Calls of the other workers."""
        self.promised = 0
        """Lines that the other workers keep for calls that ring."""
        self.handed: set[object] = set()
        """Protocols of connections that were handed in and have not told their first request yet."""
        self.figures: Callable[[], Awaitable[Snapshot]] | None = None
        """This worker's, for whoever is asked for all."""
        self.orphaned: Callable[[], None] = lambda: None
        """Told when the parent is gone. To be set at once."""

    @classmethod
    @asynccontextmanager
    async def open(cls, seat: Seat) -> AsyncIterator[Membership]:
        one = cls(seat)
        end = socket.socket(fileno=seat.channel)
        end.setblocking(False)
        try:
            async with Channel.open(end, one._told, one._asked) as channel:
                one._channel = channel
                channel.lost = lambda: one.orphaned()
                yield one
        finally:
            for sock in (*one._listeners, one._inbox, *one._outboxes):
                sock.close()

    # ── connections ──

    @asynccontextmanager
    async def listening(
        self, serve: Callable[[], asyncio.Protocol], load: Callable[[], Load]
    ) -> AsyncIterator[None]:
        """Takes connections, until the block is left, and tells the parent that it does."""
        self._serving = serve
        loop = asyncio.get_running_loop()
        report = loop.create_task(self._report(load), name="worker-report")
        self.tell_load = lambda: self._tell_load(load)
        with mailbox.watched(self._inbox, lambda conn, read: self._take(conn, read)):
            self._open(self._wanted)
            self._tell({"ready": True})
            try:
                yield
            finally:
                self._wanted = False
                self._open(False)
                report.cancel()
                for task in self._tasks:
                    task.cancel()

    tell_load: Callable[[], None] = staticmethod(lambda: None)
    """Now, since a call came or went."""

    async def hand_over(self, home: int, connection: int, read: bytes) -> None:
        """Raises mailbox.Undeliverable."""
        await mailbox.deliver(self._outboxes[home], connection, read)

    def _open(self, wanted: bool) -> None:
        if wanted == self._accepting:
            return
        self._accepting = wanted
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            if wanted:
                loop.add_reader(listener.fileno(), self._accept, listener)
            else:
                loop.remove_reader(listener.fileno())

    def _accept(self, listener: socket.socket) -> None:
        # One at a time, so that whoever waits beside this one gets the next.
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                raise
            logger.error("no connection can be accepted: %s", error.strerror)
            self._open(False)
            asyncio.get_running_loop().call_later(NO_FILES_S, lambda: self._open(self._wanted))
            return
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._take(connection, b"")

    def _take(self, connection: socket.socket, read: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(connection, read), name="connection")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket, read: bytes) -> None:
        assert self._serving is not None
        try:
            _, protocol = await asyncio.get_running_loop().connect_accepted_socket(
                self._serving, connection
            )
        except OSError as error:
            logger.info("a connection was gone at once: %s", type(error).__name__)
            connection.close()
            return
        if read:
            self.handed.add(protocol)
            protocol.data_received(read)

    # ── the parent ──

    async def take(self, rate: tuple[str, float, int], who: str) -> float:
        """As `api.limits.RateLimiter.take`, counted for all workers. Raises Gone."""
        assert self._channel is not None
        return float(await self._channel.ask({"what": "take", "rate": rate, "who": who}))

    async def good_once(self, proof: str) -> bool:
        """Whether no worker was shown this proof before. Raises Gone."""
        assert self._channel is not None
        return bool(await self._channel.ask({"what": "first", "proof": proof}))

    async def all_figures(self) -> list[Snapshot]:
        """Of the other workers; of one that does not answer, none."""
        assert self._channel is not None
        try:
            told = await self._channel.ask({"what": "figures"}, 3.0)
        except Gone:
            return []
        return [Snapshot.from_json(one) for one in told]

    def _told(self, message: dict[str, Any]) -> None:
        self.others, self.promised = message["others"], message["promised"]
        self._wanted = message["accept"]
        if self._serving is not None:
            self._open(self._wanted)

    async def _asked(self, message: dict[str, Any]) -> Any:
        if self.figures is None:
            return None
        return (await self.figures()).to_json()

    async def _report(self, load: Callable[[], Load]) -> None:
        while True:
            self._tell_load(load)
            await asyncio.sleep(REPORT_S)

    def _tell_load(self, load: Callable[[], Load]) -> None:
        self._tell({"load": asdict(load())})

    def _tell(self, message: dict[str, Any]) -> None:
        if self._channel is not None:
            self._channel.tell(message)
