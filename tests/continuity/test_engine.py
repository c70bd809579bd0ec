"""The embedded engine takes over: what it is given is what it understands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.continuity.health import Health
from gateway.continuity.model import LastingModel
from gateway.continuity.session import LastingSession
from gateway.engine.lessons import Lessons
from gateway.engine.mind import Policy
from gateway.ports import Event, ModelSpec
from gateway.providers.embedded.provider import EmbeddedModel
from tests.continuity.listener import Listener
from tests.continuity.peer import SESSION
from tests.continuity.provider import Provider
from tests.peers.sound import tone
from tests.providers.bench import PERSONA, EchoMind
from tests.providers.speech import QuickEars, QuickVoice

pytestmark = pytest.mark.integration


class Scene:
    def __init__(self, session: LastingSession, first: Provider, mind: EchoMind) -> None:
        self.session = session
        self.first = first
        self.mind = mind
        self.listener = Listener()

    async def until(self, kind: str, nth: int = 1) -> Event:
        async with asyncio.timeout(20):
            while len(found := self.listener.of(kind)) < nth:
                self.listener.tell(await anext(self._events))
        return found[nth - 1]

    @property
    def _events(self) -> AsyncIterator[Event]:
        return aiter(self.session)

    async def hear(self, pcm: bytes) -> None:
        for at in range(0, len(pcm), 9600):
            self.session.audio(pcm[at : at + 9600])
            await asyncio.sleep(0)

    def pump(self) -> None:
        self.first.session.pump()


@asynccontextmanager
async def scene(words: str = "what i said") -> AsyncIterator[Scene]:
    mind = EchoMind()
    first = Provider("first")
    policy: Policy = mind
    ears = QuickEars(words)
    engine = EmbeddedModel(Lessons(ears, mind.script), QuickVoice(), policy)
    model = LastingModel([first, engine], Health(["first", "embedded"]))
    async with model.open(ModelSpec("rtc_1", PERSONA, SESSION)) as session:
        assert isinstance(session, LastingSession)
        yield Scene(session, first, mind)


async def test_committed_speech_is_heard_again_as_the_same_item_and_answered() -> None:
    async with scene() as one:
        peer = one.first.session.peer
        peer.onset()
        one.pump()
        await one.until("input_audio_buffer.speech_started")
        await one.hear(tone(1000) + bytes(48 * 600))
        peer.offset()
        peer.out = [event for event in peer.out if event["type"] != "response.created"]
        one.pump()
        await one.until("conversation.item.done")
        item = one.listener.committed[0]
        one.first.session.break_()
        heard = await one.until("conversation.item.input_audio_transcription.completed")
        assert (heard["item_id"], heard["transcript"]) == (item, "what i said")
        await one.until("response.done")
        assert one.session.provider == "embedded"
        assert list(one.listener.done.values()) == ["completed"]
        said = one.listener.whole["transcript", one.listener.order[-1]]
        assert said == "You said: what i said."
        assert one.listener.committed == [item]


async def test_a_reply_that_broke_off_is_carried_on_and_not_begun_again() -> None:
    async with scene() as one:
        text = [{"type": "input_text", "text": "and a long story about the weather"}]
        one.session.send(
            {
                "type": "conversation.item.create",
                "item": {"type": "message", "role": "user", "content": text},
            }
        )
        one.session.send({"type": "response.create"})
        peer = one.first.session.peer
        peer.open_message()
        one.pump()
        await one.until("response.content_part.added")
        at = {"response_id": peer.active and peer.active["id"], "output_index": 0, "content_index": 0}
        at["item_id"] = one.listener.order[-1]
        peer.say("response.output_audio_transcript.delta", **at, delta="You said: and a long")
        peer.say("response.output_audio.delta", **at, delta=bytes(48 * 1400))
        one.pump()
        await one.until("response.output_audio.delta")
        one.first.session.break_()
        await one.until("response.done")
        one.session.send({"type": "response.create"})
        await one.until("response.done", 2)
        rest = one.listener.whole["transcript", one.listener.order[-1]]
        assert rest == "story about the weather."
