"""One worker process, seen from the event loop: a socket to write requests to, and callbacks.

The process is started in a thread (forking and `exec` block) and talks over a socket pair on its standard
input, so that the loop needs no child watcher: the socket's end is the process's end.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from gateway.speech.frames import FrameError, Frames, Message, encode

__all__ = ["WorkerProcess", "launch"]

log = logging.getLogger(__name__)

HOUSE = Path(__file__).parents[2]
"""Where `python -m` finds this very package, installed or not."""

REAP_S = 2.0
"""How long a worker may take to leave by itself before it is killed."""


class WorkerProcess(asyncio.Protocol):
    """A running worker. `on_message` and `on_exit` are called from the loop; after `on_exit` nothing follows."""

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        on_message: Callable[[WorkerProcess, Message], None],
        on_exit: Callable[[WorkerProcess], None],
    ) -> None:
        self.popen = popen
        self.alive = True
        self._on_message = on_message
        self._on_exit = on_exit
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A stream's transport can write; uvloop's is no subclass of asyncio.Transport, so only its type is claimed.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._frames.feed(data):
                self._on_message(self, message)
        except FrameError:
            log.exception("worker %d broke the protocol", self.popen.pid)
            self.kill()

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = False
        self._on_exit(self)

    def send(self, message: Message) -> None:
        if self._transport is not None and self.alive:
            self._transport.write(encode(message))

    def kill(self) -> None:
        """End it now, whatever it is doing; `on_exit` follows."""
        self.popen.kill()
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Ask it to end: it does once its present request is done."""
        if self._transport is not None:
            self._transport.close()

    async def reap(self) -> None:
        """Wait until the process is gone, killing it after `REAP_S`; leaves no zombie."""
        await asyncio.to_thread(_reap, self.popen)


async def launch(
    command: Sequence[str],
    on_message: Callable[[WorkerProcess, Message], None],
    on_exit: Callable[[WorkerProcess], None],
) -> WorkerProcess:
    """Start `python -m <command>`. Raises OSError when no process can be made."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    loop = asyncio.get_running_loop()
    starting = loop.run_in_executor(None, _start, command, theirs)
    try:
        popen = await asyncio.shield(starting)
    except asyncio.CancelledError:
        ours.close()
        popen = await starting
        popen.kill()
        await asyncio.to_thread(_reap, popen)
        raise
    except OSError:
        ours.close()
        raise
    worker = WorkerProcess(popen, on_message, on_exit)
    try:
        await loop.create_unix_connection(lambda: worker, sock=ours)
    except BaseException:
        ours.close()
        popen.kill()
        await worker.reap()
        raise
    return worker


def _start(command: Sequence[str], theirs: socket.socket) -> subprocess.Popen[bytes]:
    with theirs:
        return subprocess.Popen(
            [sys.executable, "-m", *command], stdin=theirs.fileno(), stdout=subprocess.DEVNULL, cwd=HOUSE
        )


def _reap(popen: subprocess.Popen[bytes]) -> None:
    try:
        popen.wait(REAP_S)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait(REAP_S)
