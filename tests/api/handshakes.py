"""Handshakes of WebSocket clients, in good order and refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientWebSocketResponse

from gateway.config import Settings
from tests.api.house import House, refused

__all__ = ["HANDSHAKE", "KEYS", "MODEL", "bearer", "connected", "ended", "turned_away"]

KEYS = Settings.model_validate({"api_keys": ("sk-ours", "acme:sk-acme")})
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
MODEL = "?model=gpt-realtime"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@asynccontextmanager
async def connected(
    api: House, query: str = MODEL, *, key: str | None = "sk-ours", protocols: tuple[str, ...] = ()
) -> AsyncIterator[ClientWebSocketResponse]:
    headers = bearer(key) if key is not None else {}
    path = f"/v1/realtime{query}"
    async with api.client.ws_connect(path, headers=headers, protocols=protocols) as socket:
        yield socket


async def turned_away(
    api: House, status: int, code: str, query: str = MODEL, *, key: str | None = "sk-ours", **headers: str
) -> str:
    """The sentence of a handshake that is refused before the upgrade."""
    sent = {**HANDSHAKE, **(bearer(key) if key is not None else {}), **headers}
    async with api.client.get(f"/v1/realtime{query}", headers=sent) as response:
        assert ("Access-Control-Allow-Origin" in response.headers) == ("Origin" in headers)
        return await refused(api, response, status, code)


async def ended(api: House, count: int = 1) -> None:
    """Until so many calls are over."""
    async with asyncio.timeout(20):
        while len(api.supervisor.ended) < count:  # noqa: ASYNC110 - the server's side of a close tells no event
            await asyncio.sleep(0.01)
