"""What the transcript keeps."""

from __future__ import annotations

import pytest

from gateway.call.effects import Effect, Write
from gateway.call.scribe import MOST_CHARS, Scribe

pytestmark = pytest.mark.unit


def texts(effects: list[Effect]) -> list[str]:
    return [effect.entry.text for effect in effects if isinstance(effect, Write)]


def test_of_the_longest_item_the_beginning_is_kept() -> None:
    scribe = Scribe("rtc_1")
    part = {"type": "input_text", "text": "a" * 16 * 2**20}
    item = {"id": "item_1", "type": "message", "role": "user", "content": [part]}
    written = texts(scribe.follow({"type": "conversation.item.added", "item": item}, 10))
    assert written == ["a" * MOST_CHARS]
    assert len(scribe.user["item_1"].text) == MOST_CHARS


def test_of_an_endless_reply_the_beginning_is_kept() -> None:
    scribe = Scribe("rtc_1")
    scribe.agent_began("item_2", "resp_1", 10)
    for _ in range(100):
        scribe.follow({"type": "response.output_text.delta", "item_id": "item_2", "delta": "b" * 1000}, 20)
    assert texts(scribe.agent_wrote("item_2", 30)) == ["b" * MOST_CHARS]
