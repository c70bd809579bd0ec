"""`@openai/agents-realtime` in Node over a WebSocket: connect, talk, history, a tool of the client's, interruption."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.vendors.conftest import Front
from tests.vendors.node_client import NodeClient, words
from tests.vendors.talk import LONG, ORDER, pcm24

pytestmark = pytest.mark.e2e


async def connect(client: NodeClient, front: Front) -> None:
    await client.do("connect", url=front.socket, apiKey=front.key)
    await client.until_event("session.updated")


def said(client: NodeClient, role: str) -> list[str]:
    return [words(item) for item in client.history() if item.get("role") == role]


async def test_a_tool_of_the_clients_runs_there_and_its_result_is_spoken(front: Front) -> None:
    async with NodeClient.open() as client:
        await connect(client, front)
        await client.do("text", text=ORDER)
        tool = await client.until(lambda h: h["what"] == "tool")
        assert "42" in tool["order_number"]
        await client.until(lambda h: h["what"] == "audio_started")
        await client.until_event("response.done")
        assert said(client, "user") == [ORDER]
        assert "shipped yesterday" in said(client, "assistant")[-1]
        calls = [item for item in client.history() if item["type"] == "function_call"]
        assert [(call["name"], call["status"]) for call in calls] == [("order_status", "completed")]
        assert not client.faults()


async def speak(client: NodeClient, name: str, folder: Path) -> None:
    file = folder / f"{name}.pcm"
    file.write_bytes(pcm24(name))
    await client.do("speak", path=str(file))


async def test_speech_is_heard_and_answered_with_speech(front: Front, tmp_path: Path) -> None:
    async with NodeClient.open() as client:
        await connect(client, front)
        await speak(client, "common_yes", tmp_path)
        heard = await client.until_event("conversation.item.input_audio_transcription.completed")
        assert "yes" in heard["transcript"].lower()
        stopped = await client.until(lambda h: h["what"] == "audio_stopped")
        assert stopped["bytes"] > 48 * 300
        await client.until_event("response.done")
        assert "yes" in said(client, "user")[-1].lower()
        assert said(client, "assistant")[-1]
        assert not client.faults()


async def test_speech_over_a_reply_ends_it_where_it_was_heard(front: Front, tmp_path: Path) -> None:
    async with NodeClient.open() as client:
        await connect(client, front)
        await client.do("send", event={"type": "response.create", "response": {"instructions": LONG}})
        started = await client.until(lambda h: h["what"] == "audio_started")
        await speak(client, "bargein_stop", tmp_path)
        interrupted = await client.until(lambda h: h["what"] == "audio_interrupted")
        truncated = await client.until_event("conversation.item.truncated")
        assert 0 < truncated["audio_end_ms"] <= interrupted["at"] - started["at"] + 100
        await client.until_event("conversation.item.input_audio_transcription.completed")
        # The line is as good as before.
        done = await answer(client, "And what is the status of order 7?")
        assert done["response"]["status"] == "completed"
        assert not client.faults()


async def answer(client: NodeClient, text: str) -> dict[str, Any]:
    """Ask something; the response that follows the tool's output."""
    await client.do("text", text=text)
    await client.until(lambda h: h["what"] == "tool_end")
    return await client.until_event("response.done")
