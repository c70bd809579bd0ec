"""`openai-agents` (Python): its realtime sessions against Parley, unmodified."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession, RealtimeSessionEvent

from tests.vendors.conftest import Front
from tests.vendors.talk import LONG, ORDER, pcm24

pytestmark = pytest.mark.e2e

CHUNK_MS = 40


@function_tool
def order_status(order_number: str) -> str:
    """Look up the status of an order by its number."""
    return f"Order {order_number} was shipped yesterday."


class Talk:
    """A session and all it has said so far."""

    def __init__(self, session: RealtimeSession) -> None:
        self.session = session
        self.seen: list[RealtimeSessionEvent] = []
        self._events = aiter(session)

    async def until(self, wanted: Callable[[Any], bool], within_s: float = 20.0) -> Any:
        """The next event that is wanted. An error fails the test: Parley sends only what the client knows."""
        async with asyncio.timeout(within_s):
            while True:
                event = await anext(self._events)
                self.seen.append(event)
                assert event.type != "error", event
                if wanted(event):
                    return event

    def history(self, role: str) -> list[str]:
        """What one side said, as the client has it."""
        told = next((e.history for e in reversed(self.seen) if e.type == "history_updated"), [])
        return [
            " ".join(getattr(part, "transcript", None) or getattr(part, "text", None) or "" for part in item.content)
            for item in told
            if item.type == "message" and item.role == role
        ]  # fmt: skip

    async def speak(self, name: str) -> None:
        """At the pace of speech, as a microphone does."""
        pcm, size = pcm24(name), 48 * CHUNK_MS
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, at in enumerate(range(0, len(pcm), size), 1):
            await self.session.send_audio(pcm[at : at + size])
            await asyncio.sleep(max(0.0, began + number * CHUNK_MS / 1000 - loop.time()))


@asynccontextmanager
async def talking(front: Front) -> AsyncIterator[Talk]:
    agent = RealtimeAgent(
        name="Helper",
        instructions="You help people with their orders. Use order_status when they ask about an order.",
        tools=[order_status],
    )
    runner = RealtimeRunner(agent)
    config: Any = {"url": front.socket, "api_key": front.key}
    async with await runner.run(model_config=config) as session:
        yield Talk(session)


def raw(kind: str) -> Callable[[Any], bool]:
    """A server event of this type, as it came."""
    return lambda e: (
        e.type == "raw_model_event"
        and e.data.type == "raw_server_event"
        and e.data.data.get("type") == kind
    )


async def test_a_tool_of_the_clients_runs_there_and_its_result_is_spoken(front: Front) -> None:
    async with talking(front) as talk:
        await talk.session.send_message(ORDER)
        ended = await talk.until(lambda e: e.type == "tool_end")
        assert "shipped yesterday" in ended.output
        await talk.until(lambda e: e.type == "audio")
        await talk.until(lambda e: e.type == "audio_end")
        await talk.until(raw("response.done"))
        assert talk.history("user") == [ORDER]
        assert "shipped yesterday" in talk.history("assistant")[-1]


async def test_speech_is_heard_and_answered_with_speech(front: Front) -> None:
    async with talking(front) as talk:
        async with asyncio.TaskGroup() as group:
            group.create_task(talk.speak("common_yes"))
            await talk.until(raw("conversation.item.input_audio_transcription.completed"))
            await talk.until(lambda e: e.type == "audio_end")
        await talk.until(raw("response.done"))
        assert "yes" in talk.history("user")[-1].lower()
        assert talk.history("assistant")[-1]


async def test_speech_over_a_reply_ends_it_where_it_was_heard(front: Front) -> None:
    async with talking(front) as talk:
        await talk.session.model.send_event(
            raw_message({"type": "response.create", "other_data": {"response": {"instructions": LONG}}})
        )
        await talk.until(lambda e: e.type == "audio")
        async with asyncio.TaskGroup() as group:
            group.create_task(talk.speak("bargein_stop"))
            await talk.until(lambda e: e.type == "audio_interrupted")
            truncated = await talk.until(raw("conversation.item.truncated"))
        assert truncated.data.data["audio_end_ms"] > 0
        await talk.session.send_message("And what is the status of order 7?")
        ended = await talk.until(lambda e: e.type == "tool_end")
        assert "7" in ended.output


def raw_message(message: Any) -> Any:
    from agents.realtime.model_inputs import RealtimeModelSendRawMessage

    return RealtimeModelSendRawMessage(message=message)
