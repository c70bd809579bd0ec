"""A cascade whose servers go away in mid-call: the session that lasts goes on with the embedded engine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.continuity.health import Health
from gateway.continuity.model import LastingModel
from gateway.engine.lessons import Lessons
from gateway.ports import Event, ModelSession, ModelSpec
from gateway.providers.cascade.provider import CascadeModel
from gateway.providers.cascade.rest import Rest, new_http
from gateway.providers.embedded.provider import EmbeddedModel
from gateway.stages import Stage
from tests.peers.openai_rest import KEY, OpenAiRestPeer
from tests.peers.rest_script import RestScript, Written
from tests.providers.bench import PERSONA, EchoMind
from tests.providers.speech import QuickEars, QuickVoice

pytestmark = pytest.mark.integration

SESSION: dict[str, Any] = {
    "type": "realtime",
    "instructions": "Be brief.",
    "audio": {"input": {"turn_detection": None}},
}


async def ended(session: ModelSession) -> tuple[str, str, str]:
    """Of the next response: how it ended, why, and its words."""
    done: Event | None = None
    async with asyncio.timeout(10):
        async for event in session:
            if event["type"] == "response.done":
                done = event
                break
    assert done is not None
    response = done["response"]
    words = [part.get("transcript", "") for item in response["output"] for part in item.get("content", ())]
    error = (response["status_details"] or {}).get("error") or {}
    return response["status"], error.get("code") or "", " ".join(words)


def ask(session: ModelSession, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    session.send({"type": "conversation.item.create", "item": item})
    session.send({"type": "response.create"})


async def test_the_engine_takes_over_when_the_language_model_is_gone() -> None:
    ears, voice, mind = QuickEars(), QuickVoice(), EchoMind()
    lessons = Lessons(ears, mind.script)
    script = RestScript(writes=(Written("Good morning."),))
    loop = asyncio.get_running_loop()
    async with new_http() as http:
        async with OpenAiRestPeer.open(script) as peer:
            chat = Rest(Stage("chat", peer.base_url, SecretStr(KEY), "gpt-4.1-mini"), http)
            models = (CascadeModel(chat, lessons, voice), EmbeddedModel(lessons, voice, mind))
            lasting = LastingModel(models, Health([model.name for model in models]))
            opened = lasting.open(ModelSpec("rtc_1", PERSONA, SESSION))
            session = await opened.__aenter__()
            assert (session.provider, session.model) == ("cascade", "gpt-4.1-mini")
            ask(session, "hello")
            assert await ended(session) == ("completed", "", "Good morning.")
        began = loop.time()
        ask(session, "are you there")
        assert (await ended(session))[:2] == ("failed", "provider_lost")
        session.send({"type": "response.create"})
        assert await ended(session) == ("completed", "", "You said: are you there.")
        assert loop.time() - began < 3
        assert (session.provider, session.model) == ("embedded", "parley-embedded")
        # The engine was told what had been said before.
        roles = [item.get("role") for item in mind.requests[-1].conversation]
        assert roles == ["user", "assistant", "user"]
        await opened.__aexit__(None, None, None)
