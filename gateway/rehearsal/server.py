"""The server that rehearsed calls go to, as its clients see it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from gateway.rehearsal.line import NoCall

__all__ = ["Server", "ending_of", "minted"]

WRITTEN_S = 10.0
"""How long a server may take to write an ending down."""
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Server:
    """Where calls go, and the key that they are made with."""

    url: str
    key: str

    def address(self, path: str, **query: str) -> str:
        more = "&".join(f"{name}={value}" for name, value in query.items())
        return f"{self.url}{path}{'?' if more else ''}{more}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


async def ending_of(http: aiohttp.ClientSession, server: Server, session_id: str) -> str | None:
    """How the server says that the session's last call ended, `side/reason`, once it does."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + WRITTEN_S
    url = server.address(f"/api/realtime/sessions/{session_id}")
    while loop.time() < give_up:
        async with http.get(url, headers=server.headers) as response:
            if response.status != 200:
                return None
            runtime = await response.json()
        calls = runtime["session"]["metadata"]["calls"]
        if calls and (ending := calls[-1].get("ending")):
            return f"{ending['side']}/{ending['reason']}"
        await asyncio.sleep(POLL_S)
    return None


async def minted(
    http: aiohttp.ClientSession, server: Server, persona: str, session: Mapping[str, Any]
) -> str:
    """A token for calls with this persona and what the client wants of the session. Raises NoCall."""
    url = server.address("/v1/realtime/client_secrets", persona=persona)
    try:
        async with http.post(url, json={"session": session}, headers=server.headers) as response:
            answer = await response.read()
            if response.status != 200:
                raise NoCall(_refused(response.status, answer))
            return str(orjson.loads(answer)["value"])
    except aiohttp.ClientError as error:
        raise NoCall(f"no server answers at {server.url}: {type(error).__name__}") from None


def _refused(status: int, answer: bytes) -> str:
    """What a server's refusal says."""
    try:
        told = orjson.loads(answer)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        told = answer[:200].decode(errors="replace")
    return f"{status}: {told}"
