"""What a call costs, from the usage on the wire to the session's cost over HTTP: a strict server of the vendor's
protocol behind a real socket, Parley, and a client in front of it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api.app import make_runner
from gateway.config import from_env
from gateway.errors import OVER_BUDGET
from gateway.main import listening, open_gateway
from tests.peers.openai_ga import KEY, OpenAiPeer
from tests.peers.script import Heard, Reply, Script
from tests.peers.sound import pieces, tone

pytestmark = pytest.mark.integration

PRICES = """
date: 2026-11-21
prices:
  - provider: upstream
    models: [gpt-realtime-2.1]
    source: the test
    per_million_tokens: {text_in: 4000, audio_in: 32000, text_out: 24000, audio_out: 64000}
  - provider: upstream
    models: [whisper-1]
    source: the test
    per_minute: 6
"""
"""A thousand times what the vendor asks, so that a sentence is felt."""


@dataclass(frozen=True, slots=True)
class Line:
    """A client of a running Parley."""

    url: str
    http: aiohttp.ClientSession
    socket: ClientConnection

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                event: dict[str, Any] = json.loads(await self.socket.recv())
                if event["type"] == kind:
                    return event

    async def cost(self, tokens: int) -> dict[str, Any]:
        """The session's cost, once so many tokens are written down: the store has a quarter second for it."""
        async with asyncio.timeout(20):
            while True:
                body = await self.read("/cost")
                if body["tokenUsage"]["totalTokens"] == tokens:
                    return body
                await asyncio.sleep(0.05)

    async def ended(self) -> dict[str, Any]:
        """How the call ended, once that is written down."""
        async with asyncio.timeout(20):
            while True:
                for event in (await self.read())["timelineEvents"]:
                    if event["type"] == "call_ended":
                        return dict(event)
                await asyncio.sleep(0.05)

    async def read(self, part: str = "") -> dict[str, Any]:
        assert self.socket.response is not None
        headers = self.socket.response.headers
        url = f"{self.url}/api/sessions/{headers['X-Session-Id']}{part}"
        async with self.http.get(url, headers={"X-Session-Access": headers["X-Session-Access"]}) as answer:
            assert answer.status == 200, await answer.text()
            body: dict[str, Any] = await answer.json()
            return body


@asynccontextmanager
async def calling(script: Script, folder: Path, **settings: str) -> AsyncIterator[Line]:
    (folder / "prices.yaml").write_text(PRICES)
    async with OpenAiPeer.open(script) as peer:
        environment = {
            "PARLEY_DATA_DIR": str(folder / "data"), "PARLEY_PORT": "0", "PARLEY_API_KEYS": "sk-test",
            "PARLEY_PROVIDERS": "upstream", "PARLEY_UPSTREAM_URL": peer.url, "PARLEY_UPSTREAM_API_KEY": KEY,
            "PARLEY_OPENAI_MODEL": "gpt-realtime-2.1", "PARLEY_DRAIN_S": "0", **settings,
        }  # fmt: skip
        parley = from_env(environment)
        async with open_gateway(parley) as gateway, listening(make_runner(gateway.app), parley) as url:
            address = f"{url.replace('http', 'ws', 1)}/v1/realtime?model=any"
            bearer = {"Authorization": "Bearer sk-test"}
            async with (
                aiohttp.ClientSession() as http,
                connect(address, additional_headers=bearer, max_queue=None) as socket,
            ):
                yield Line(url, http, socket)
        assert peer.faults == []


def priced(usage: dict[str, Any]) -> float:
    """By hand, from the usage as the client got it."""
    heard, said = usage["input_token_details"], usage["output_token_details"]
    millionths = 4000 * heard["text_tokens"] + 32000 * heard["audio_tokens"]
    return float(millionths + 24000 * said["text_tokens"] + 64000 * said["audio_tokens"]) / 1e6


async def test_a_live_call_tells_its_cost(tmp_path: Path) -> None:
    script = Script(replies=(Reply("Good morning."), Reply("Certainly.")), hears=(Heard("hello there"),))
    own = {"PARLEY_PRICES": str(tmp_path / "prices.yaml")}
    async with calling(script, tmp_path, **own) as line:
        await line.until("session.created")
        spoken = {"transcription": {"model": "whisper-1"}, "turn_detection": {"type": "server_vad"}}
        await line.send("session.update", session={"type": "realtime", "audio": {"input": spoken}})
        await line.until("session.updated")
        await line.send("response.create")
        first = (await line.until("response.done"))["response"]["usage"]
        told = await line.cost(first["total_tokens"])
        assert told["estimatedCostUsd"] == pytest.approx(priced(first), abs=1e-6)

        for frame in pieces(tone(500) + bytes(48 * 1000), 100):
            await line.socket.send(_append(frame))
        events: dict[str, dict[str, Any]] = {}
        while len(events) < 2:
            event = json.loads(await line.socket.recv())
            if event["type"] in ("response.done", "conversation.item.input_audio_transcription.completed"):
                events[event["type"]] = event
        heard = events["conversation.item.input_audio_transcription.completed"]["usage"]
        assert heard["type"] == "duration"
        second = events["response.done"]["response"]["usage"]
        assert second["input_token_details"]["audio_tokens"] > 0
        told = await line.cost(first["total_tokens"] + second["total_tokens"])
        expected = priced(first) + priced(second) + heard["seconds"] / 60 * 6
        assert told["estimatedCostUsd"] == pytest.approx(expected, abs=1e-6)
        assert told["tokenUsage"] == (await line.read())["tokenUsage"]


async def test_a_call_past_its_budget_is_told_and_closed(tmp_path: Path) -> None:
    script = Script(replies=(Reply("Short."), Reply("A sentence that costs much more than the first.")))
    own = {"PARLEY_PRICES": str(tmp_path / "prices.yaml"), "PARLEY_BUDGET_USD": "2"}
    async with calling(script, tmp_path, **own) as line:
        await line.send("response.create")
        first = (await line.until("response.done"))["response"]["usage"]
        assert priced(first) < 2
        await line.send("response.create")
        second = (await line.until("response.done"))["response"]["usage"]
        assert priced(first) + priced(second) > 2
        error = (await line.until("error"))["error"]
        assert (error["code"], error["event_id"]) == ("budget_exceeded", None)
        await line.send("response.create", event_id="more")
        error = (await line.until("error"))["error"]
        assert (error["code"], error["event_id"]) == ("budget_exceeded", "more")
        with pytest.raises(ConnectionClosed):
            await line.until("response.created")
        told = await line.cost(first["total_tokens"] + second["total_tokens"])
        assert told["estimatedCostUsd"] == pytest.approx(priced(first) + priced(second), abs=1e-6)
        assert str(OVER_BUDGET) in json.dumps(await line.ended())


async def test_an_unknown_model_costs_an_unknown_sum(tmp_path: Path) -> None:
    async with calling(
        Script(replies=(Reply("Good morning."),)), tmp_path, PARLEY_BUDGET_USD="0.01"
    ) as line:
        await line.send("response.create")
        usage = (await line.until("response.done"))["response"]["usage"]
        told = await line.cost(usage["total_tokens"])
        assert "estimatedCostUsd" not in told


def _append(pcm: bytes) -> str:
    return json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()})
