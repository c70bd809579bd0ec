"""A client without manners: sends whatever it is told, over a plain WebSocket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect

from tests.peers.faults import Event, Fault
from tests.peers.peer import RealtimePeer

__all__ = ["blamed", "dialled"]


@asynccontextmanager
async def dialled(target: str, headers: Mapping[str, str]) -> AsyncIterator[ClientConnection]:
    """Raises websockets' InvalidStatus when the upgrade is refused."""
    async with connect(target, additional_headers=headers, max_queue=None, max_size=None) as socket:
        yield socket


async def blamed(
    peer: RealtimePeer, socket: ClientConnection, event: Event | str | bytes
) -> tuple[Fault, Event]:
    """What the peer holds against one message, and the `error` it answers."""
    before = len(peer.sent.of("error"))
    await socket.send(json.dumps(event) if isinstance(event, dict) else event)
    error = await peer.sent.until("error", before + 1)
    return (peer.faults or peer.noise)[-1], error
