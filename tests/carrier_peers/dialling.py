"""Calls that are run while a test looks on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.carrier_peers.call import Call, CarrierT
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.sockets import websocket

__all__ = ["calling", "dialling"]


@asynccontextmanager
async def dialling(
    carrier: CarrierT,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    via: str | None = None,
    manners: Manners = GOOD,
) -> AsyncIterator[Call[CarrierT]]:
    """Call `url` over a WebSocket as this carrier does; `headers` come on top of its own, `via` (scheme and host) is
    where the URL's host really listens. Raises sockets.Refused."""
    offered = carrier.subprotocols()
    async with websocket(url, {**carrier.headers(), **(headers or {})}, offered, via) as socket:
        if offered and socket.subprotocol not in offered:
            told = f"none of the subprotocols {', '.join(offered)} was chosen"
            carrier.blame(Broken("subprotocol", told, "RFC 6455 section 4.1"), "", 0.0)
        async with calling(Call(carrier, socket, manners)) as call:
            yield call


@asynccontextmanager
async def calling(call: Call[CarrierT]) -> AsyncIterator[Call[CarrierT]]:
    """Run a call while the body runs; then the caller hangs up, if nobody did."""
    failed: Exception | None = None
    async with asyncio.TaskGroup() as group:
        running = group.create_task(call.run())
        try:
            yield call
        except Exception as error:  # noqa: BLE001 - raised below, outside of the group that would wrap it
            failed = error
        finally:
            await call.hang_up()
            running.cancel()
    if failed is not None:
        raise failed
