"""Calling a running server as a browser does: credentials, offer, answer, events. With a real WebRTC peer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.clients.peer import Caller

__all__ = ["Dialled", "credentials", "dial", "place"]


@dataclass
class Dialled:
    """A call that was answered."""

    caller: Caller
    session_id: str
    access: str
    location: str
    token: str

    async def event(self, kind: str, within_s: float = 15.0) -> dict[str, Any]:
        """The next event of this type; the ones before it are read and dropped."""
        async with asyncio.timeout(within_s):
            while True:
                event: dict[str, Any] = json.loads(await self.caller.messages.get())
                if event["type"] == kind:
                    return event

    def send(self, **event: Any) -> None:
        self.caller.channel.send(json.dumps(event))


async def credentials(http: aiohttp.ClientSession, url: str, persona: str) -> dict[str, Any]:
    async with http.post(f"{url}/api/realtime/credentials", json={"personaId": persona}) as response:
        assert response.status == 200, await response.text()
        body: dict[str, Any] = await response.json()
        return body


async def place(
    http: aiohttp.ClientSession, url: str, token: str, offer: str
) -> tuple[int, str, dict[str, str]]:
    """POST the offer: status, body, headers."""
    headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
    async with http.post(f"{url}/v1/realtime/calls", data=offer, headers=headers) as response:
        return response.status, await response.text(), dict(response.headers)


@asynccontextmanager
async def dial(url: str, pcm: bytes = b"", persona: str = "dental_reception") -> AsyncIterator[Dialled]:
    """A call until the block is left; `pcm` (24 kHz) is said at its beginning."""
    async with aiohttp.ClientSession() as http:
        granted = await credentials(http, url, persona)
        caller = Caller(pcm)
        try:
            status, answer, headers = await place(
                http,
                granted["webrtcUrl"].removesuffix("/v1/realtime/calls"),
                granted["token"],
                await caller.offer(),
            )
            assert status == 201, answer
            await caller.accept(answer)
            yield Dialled(
                caller,
                headers["X-Session-Id"],
                headers["X-Session-Access"],
                headers["Location"],
                granted["token"],
            )
        finally:
            await caller.close()
