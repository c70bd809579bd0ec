"""A provider is lost in the middle of a call: the vendors' clients stay connected and the conversation goes on with the
next provider. The lost one is a strict server of the vendor's protocol, the next is the embedded engine."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import running
from tests.peers.openai_ga import KEY, OpenAiPeer
from tests.peers.peer import RealtimePeer
from tests.peers.script import Call, Cut, Reply, Script
from tests.vendors.conftest import Front
from tests.vendors.node_client import NodeClient
from tests.vendors.talk import ORDER
from tests.vendors.test_agents_js import connect, said, speak
from tests.vendors.test_agents_python import raw, talking

pytestmark = pytest.mark.e2e

GOES_ON_S = 3.0
STORY = Reply(
    "Let me tell you the whole story from its very beginning, for it is long and there is much in it.",
    speed=1.0,
)


@asynccontextmanager
async def losing(script: Script, folder: Path) -> AsyncIterator[tuple[Front, RealtimePeer]]:
    """A server whose first provider follows the script, and whose second is the embedded engine."""
    key = f"sk-{secrets.token_hex(16)}"
    async with OpenAiPeer.open(script) as peer:
        server = running(
            folder,
            PARLEY_PROVIDERS="upstream,embedded",
            PARLEY_UPSTREAM_URL=peer.url,
            PARLEY_UPSTREAM_API_KEY=KEY,
            PARLEY_API_KEYS=key,
        )
        # The peer has to go on while the server starts and stops.
        running_server = await asyncio.to_thread(server.__enter__)
        try:
            yield Front(running_server, key), peer
        finally:
            await asyncio.to_thread(server.__exit__, None, None, None)


async def goes_on(client: NodeClient, peer: RealtimePeer) -> float:
    """Seconds from the loss of the first provider until a reply is heard again."""
    lost_at = time.time()
    happening = await client.until(lambda h: h["what"] == "audio_started")
    assert not [h for h in client.seen if h.get("status") == "disconnected"]
    return float(happening["at"] / 1000 - lost_at)


def created(client: NodeClient) -> list[str]:
    return [h["event"]["response"]["id"] for h in client.seen if h.get("type") == "response.created"]


def done(client: NodeClient) -> list[dict[str, Any]]:
    return [h["event"]["response"] for h in client.seen if h.get("type") == "response.done"]


async def still_works(client: NodeClient) -> None:
    """The line is as good as before: a tool of the client's, and its result spoken."""
    await client.do("text", text=ORDER)
    await client.until(lambda h: h["what"] == "tool_end")
    # The first that is done is the one that called the tool.
    while "shipped yesterday" not in (said(client, "assistant") or [""])[-1]:
        await client.until(lambda h: h["what"] == "history")
    while len(done(client)) < len(created(client)):
        await client.until_event("response.done")
    assert sorted(created(client)) == sorted(response["id"] for response in done(client))
    assert len([h for h in client.seen if h.get("type") == "session.created"]) <= 1
    assert not client.faults()


async def test_in_the_middle_of_a_spoken_reply(tmp_path: Path) -> None:
    script = Script(replies=(STORY,), cuts=(Cut.after_deltas(12, connection=0),))
    async with losing(script, tmp_path) as (front, peer), NodeClient.open() as client:
        await connect(client, front)
        await client.do("text", text="Tell me the story, please.")
        await client.until(lambda h: h["what"] == "audio_started")
        broken = (await client.until_event("response.done"))["response"]
        assert broken["status"] == "failed"
        assert broken["status_details"]["error"]["code"] == "provider_lost"
        assert await goes_on(client, peer) < GOES_ON_S
        await still_works(client)
        assert said(client, "user") == ["Tell me the story, please.", ORDER]
        assert not peer.faults


async def test_openai_agents_in_the_middle_of_a_spoken_reply(tmp_path: Path) -> None:
    script = Script(replies=(STORY,), cuts=(Cut.after_deltas(12, connection=0),))
    async with losing(script, tmp_path) as (front, peer), talking(front) as talk:
        await talk.session.send_message("Tell me the story, please.")
        await talk.until(lambda e: e.type == "audio")
        broken = (await talk.until(raw("response.done"))).data.data["response"]
        assert broken["status_details"]["error"]["code"] == "provider_lost"
        async with asyncio.timeout(GOES_ON_S):
            await talk.until(lambda e: e.type == "audio")
        await talk.session.send_message(ORDER)
        await talk.until(lambda e: e.type == "tool_end")
        while "shipped yesterday" not in (talk.history("assistant") or [""])[-1]:
            await talk.until(lambda e: e.type == "history_updated")
        assert talk.history("user") == ["Tell me the story, please.", ORDER]
        assert not peer.faults


async def test_in_the_middle_of_the_callers_sentence(tmp_path: Path) -> None:
    script = Script(cuts=(Cut.while_caller_speaks(900, connection=0),))
    async with losing(script, tmp_path) as (front, peer), NodeClient.open() as client:
        await connect(client, front)
        await speak(client, "dental_01_book", tmp_path)
        heard = await client.until_event("conversation.item.input_audio_transcription.completed")
        assert {"book", "appointment"} & set(heard["transcript"].lower().split()), heard["transcript"]
        await client.until(lambda h: h["what"] == "audio_started")
        kinds = [h["type"] for h in client.seen if h["what"] == "event"]
        assert kinds.count("input_audio_buffer.speech_started") == 1
        assert kinds.count("input_audio_buffer.committed") == 1
        await client.until_event("response.done")
        await still_works(client)
        assert len(said(client, "user")) == 2
        assert not peer.faults


async def test_while_a_tool_runs(tmp_path: Path) -> None:
    script = Script(
        replies=(Reply(calls=(Call("order_status", '{"order_number": "42"}'),)),),
        cuts=(Cut.while_call_outstanding(connection=0),),
    )
    async with losing(script, tmp_path) as (front, peer), NodeClient.open() as client:
        await connect(client, front)
        await client.do("text", text=ORDER)
        await client.until(lambda h: h["what"] == "tool_end")
        assert await goes_on(client, peer) < GOES_ON_S
        while "shipped yesterday" not in (said(client, "assistant") or [""])[-1]:
            await client.until(lambda h: h["what"] == "history")
        assert len([h for h in client.seen if h["what"] == "tool"]) == 1
        assert not client.faults()
        assert not peer.faults
