"""Calls in a browser's words whose provider is killed: the embedded engine goes on, and the caller keeps the line.

The provider is a strict server of the vendor on a real socket; the server under test is a process of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.realtime.response import is_bridging, was_lost
from media.audio import PCM24
from tests.caller_audio import caller as recording
from tests.e2e.server import Server, running, settles
from tests.peers.openai_ga import KEY, OpenAiPeer
from tests.peers.peer import RealtimePeer
from tests.peers.script import Asked, Call, Cut, Heard, Refusal, Reply, Script
from tests.peers.sound import from_wav
from tests.whole.dial import Dialled, dial

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

GOES_ON_S = 3.0
GONE = Refusal(503, "down", "gone for good")
GREETING_S = 4
"""The caller speaks once the greeting is over."""


def speech(name: str) -> bytes:
    return bytes(PCM24.to_bytes(GREETING_S * 1000)) + from_wav(recording(name))


def script(answer: Reply, *cuts: Cut, heard: str = "i'd like to book a cleaning") -> Script:
    """Greets, and answers the first turn."""

    def replies(asked: Asked) -> Reply:
        return answer if asked.heard else Reply("Hello, how can I help you?", speed=8.0)

    return Script(answer=replies, hears=(Heard(heard),), cuts=cuts)


class Line:
    """A call, and what its client was told, with the time of it."""

    def __init__(self, call: Dialled, server: Server) -> None:
        self.call = call
        self.server = server
        self.events: list[tuple[float, dict[str, Any]]] = []
        self._more = asyncio.Event()

    async def read(self) -> None:
        while True:
            event = json.loads(await self.call.caller.messages.get())
            self.events.append((asyncio.get_running_loop().time(), event))
            self._more.set()
            self._more = asyncio.Event()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for _, event in self.events if event["type"] == kind]

    def at(self, event: dict[str, Any]) -> float:
        return next(at for at, known in self.events if known is event)

    async def until(self, kind: str, nth: int = 1, within_s: float = 25.0, **fields: Any) -> dict[str, Any]:
        """The `nth` event of a type, with these fields."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    found = [event for event in self.of(kind) if event.items() >= fields.items()]
                    if len(found) >= nth:
                        return found[nth - 1]
                    await self._more.wait()
        except TimeoutError:
            told = [event["type"] for _, event in self.events]
            raise TimeoutError(f"no {kind} number {nth}: {told}\n{self.server.written()}") from None

    async def transcript(self) -> list[tuple[str, str]]:
        status, body = await asyncio.to_thread(
            self.server.get,
            f"/api/sessions/{self.call.session_id}",
            **{"x-session-access": self.call.access},
        )
        assert status == 200, body
        return [(entry["role"], entry["text"]) for entry in body["transcript"]]


@asynccontextmanager
async def line(folder: Path, wanted: Script, pcm: bytes) -> AsyncIterator[tuple[Line, RealtimePeer]]:
    """A call that the vendor's server answers."""
    async with OpenAiPeer.open(wanted) as peer:
        settings = {
            "PARLEY_PROVIDERS": "upstream,embedded",
            "PARLEY_UPSTREAM_URL": peer.url,
            "PARLEY_UPSTREAM_API_KEY": KEY,
        }
        process = running(folder, **settings)
        server = await asyncio.to_thread(process.__enter__)
        try:
            async with dial(server.url, pcm) as call, asyncio.TaskGroup() as group:
                one = Line(call, server)
                reading = group.create_task(one.read())
                yield one, peer
                reading.cancel()
            assert await asyncio.to_thread(
                settles, lambda: "ending=caller/hung-up" in server.written(), 10.0
            ), server.written()
            assert "provider upstream is down" in server.written()
            assert peer.faults == []
        finally:
            await asyncio.to_thread(process.__exit__, None, None, None)


async def spoken(one: Line, nth: int) -> None:
    """Wait until the `nth` response was said to its end."""
    done = await one.until("response.done", nth)
    assert done["response"]["status"] == "completed"
    await one.until("output_audio_buffer.stopped", response_id=done["response"]["id"])


async def test_killed_in_the_midst_of_a_spoken_reply(tmp_path: Path) -> None:
    reply = Reply(
        "Of course, a cleaning, we have plenty of times next week, let me see what there is", speed=1.0
    )
    async with line(tmp_path, script(reply), speech("dental_01_book")) as (one, peer):
        await one.until("response.created", 2)
        mine = one.of("response.created")[1]["response"]["id"]
        await one.until("response.output_audio_transcript.delta", 12, response_id=mine)
        peer.refusing = GONE
        await peer.kill()
        lost = await one.until("response.done", 2)
        assert was_lost(lost["response"])
        assert is_bridging((await one.until("response.created", 3))["response"])
        goes_on = await one.until("response.output_item.added", 4)
        assert one.at(goes_on) - one.at(lost) < GOES_ON_S
        await spoken(one, 4)
        roles = [role for role, _ in await one.transcript()]
        texts = [text for _, text in await one.transcript()]
        assert roles == ["assistant", "user", "assistant", "assistant", "assistant"]
        assert texts[0] == "Hello, how can I help you?"
        assert "cleaning" in texts[1]
        assert texts[2].startswith("Of course, a")
        assert texts[3] == "One moment, please."
        assert texts[4]
        assert len(one.of("session.created")) == 1
        assert "upstream is down: lost" in one.server.written()
        _, health = await asyncio.to_thread(one.server.get, "/readyz")
        assert health["ok"]
        assert [health["details"][f"provider:{name}"]["ok"] for name in ("upstream", "embedded")] == [
            False,
            True,
        ]


async def test_killed_in_the_midst_of_the_callers_sentence(tmp_path: Path) -> None:
    cut = Cut.while_caller_speaks(900)
    async with line(tmp_path, script(Reply("never said"), cut), speech("dental_01_book")) as (one, peer):
        await one.until("response.done", 1)
        await one.until("input_audio_buffer.speech_started")
        peer.refusing = GONE
        committed = await one.until("input_audio_buffer.committed")
        words = await one.until("conversation.item.input_audio_transcription.completed")
        assert words["item_id"] == committed["item_id"]
        assert "appointment" in words["transcript"], "from its beginning, by the engine's own ears"
        answered = await one.until("response.output_item.added", 2)
        assert one.at(answered) - one.at(committed) < GOES_ON_S
        await spoken(one, 2)
        assert [role for role, _ in await one.transcript()] == ["assistant", "user", "assistant"]
        assert len(one.of("input_audio_buffer.speech_started")) == 1
        assert not any(is_bridging(event["response"]) for event in one.of("response.created"))


async def test_killed_while_a_tool_runs(tmp_path: Path) -> None:
    reply = Reply("Let me look.", calls=(Call("find_slots", '{"service": "cleaning"}'),), speed=4.0)
    cut = Cut.while_call_outstanding()
    async with line(tmp_path, script(reply, cut), speech("dental_01_book")) as (one, peer):
        await one.until("response.mcp_call.in_progress")
        peer.refusing = GONE
        called = await one.until("response.done", 2)
        assert called["response"]["status"] == "completed"
        goes_on = await one.until("response.output_item.added", 4)
        assert one.at(goes_on) - one.at(called) < GOES_ON_S
        await spoken(one, 3)
        entries = await one.transcript()
        assert [role for role, _ in entries] == ["assistant", "user", "assistant", "assistant"]
        assert len(one.of("response.mcp_call.completed")) == 1
        assert not any(is_bridging(event["response"]) for event in one.of("response.created"))
