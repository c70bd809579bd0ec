"""Handing a connection over to another worker: the open file itself, and what was read from it (unix(7), SCM_RIGHTS).

The socket pairs are made by the parent and inherited, so there is nothing in the file system or the network that
anybody else could reach. Nothing is relayed: whoever takes a connection serves it as if it had accepted it, the address
of its peer and all, and the one who gave it has no more to do with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import socket
import tempfile
from collections.abc import Callable, Iterator

__all__ = ["Undeliverable", "deliver", "pair", "received", "watched"]

PAUSE_S = 0.02
TRIES = 50
"""How often a full box is tried again: about a second, in which a worker that lives empties it."""


class Undeliverable(Exception):
    """The other worker takes nothing now."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Where one worker reads, and where the others write. A message arrives whole or not at all."""
    inbox, outbox = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for end in (inbox, outbox):
        end.setblocking(False)
    return inbox, outbox


async def deliver(outbox: socket.socket, connection: int, read: bytes) -> None:
    """Give the open file `connection`, of which `read` was read already. Raises Undeliverable."""
    file = _file(read)
    try:
        for _ in range(TRIES):
            try:
                socket.send_fds(outbox, [b"%d" % len(read)], [connection, file])
            except BlockingIOError:
                await asyncio.sleep(PAUSE_S)
            except OSError as error:
                raise Undeliverable(str(error)) from None
            else:
                return
    finally:
        os.close(file)
    raise Undeliverable("its box is full")


def received(inbox: socket.socket) -> tuple[socket.socket, bytes] | None:
    """The next connection and what was read of it; None when there is none now."""
    try:
        size, files, _flags, _from = socket.recv_fds(inbox, 16, 2)
    except (BlockingIOError, InterruptedError):
        return None
    if len(files) != 2:  # this process has no file left for them
        for one in files:
            os.close(one)
        return None
    connection = socket.socket(fileno=files[0])
    connection.setblocking(False)
    with mmap.mmap(files[1], int(size), prot=mmap.PROT_READ) as read:
        os.close(files[1])
        return connection, bytes(read)


@contextlib.contextmanager
def watched(inbox: socket.socket, take: Callable[[socket.socket, bytes], None]) -> Iterator[None]:
    """`take` is given each connection that is handed in, until the block is left."""
    loop = asyncio.get_running_loop()

    def ready() -> None:
        while (one := received(inbox)) is not None:
            take(*one)

    loop.add_reader(inbox.fileno(), ready)
    try:
        yield
    finally:
        loop.remove_reader(inbox.fileno())


def _file(read: bytes) -> int:
    """A nameless file of memory, where there is such a thing: a message has a size, and a request none to speak of."""
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("request")
    else:
        with tempfile.TemporaryFile() as named:
            file = os.dup(named.fileno())
    os.ftruncate(file, len(read))
    with mmap.mmap(file, len(read)) as memory:
        memory[:] = read
    return file
