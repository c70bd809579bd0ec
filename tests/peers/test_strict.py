"""The judge is stricter than the packages whose types it judges by."""

from __future__ import annotations

import pytest
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent

from tests.peers.faults import Event
from tests.peers.ga_events import complaints
from tests.peers.strict import by_type, problems

pytestmark = pytest.mark.unit

ITEM: Event = {"id": "item_1", "type": "message", "role": "user", "content": []}
ROLES = "Invalid value: 'tool'. Supported values are: 'system', 'user', 'assistant'."
NO_ARRAY = "Invalid type for 'item.content': expected an array, but got a string instead."
SPEED = {"type": "input_text", "speed": 1}
ADDED: Event = {
    "type": "conversation.item.added",
    "event_id": "event_1",
    "item": ITEM,
    "previous_item_id": None,
}


def test_it_knows_every_event_of_the_package() -> None:
    assert len(by_type(RealtimeClientEvent)) == 11
    assert len(by_type(RealtimeServerEvent)) == 46


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"extra": 1}, ["Unknown parameter: 'extra'."]),
        ({"event_id": None}, ["Invalid type for 'event_id': expected a string, but got null instead."]),
        ({"item": {**ITEM, "role": "tool"}}, [ROLES]),
        ({"item": {**ITEM, "content": "hi"}}, [NO_ARRAY]),
        ({"item": {**ITEM, "content": [SPEED]}}, ["Unknown parameter: 'item.content[0].speed'."]),
        ({"item": {"type": "message", "role": "user"}}, ["Missing required parameter: 'item.content'."]),
    ],
)  # fmt: skip
def test_differences_are_told_with_their_place(change: Event, said: list[str]) -> None:
    assert complaints({**ADDED, **change}) == said


def test_numbers_are_not_words_and_booleans_are_not_numbers() -> None:
    truncated: Event = {
        "type": "conversation.item.truncated",
        "event_id": "event_1",
        "item_id": "item_1",
        "content_index": 0,
        "audio_end_ms": 10,
    }
    model = by_type(RealtimeServerEvent)[truncated["type"]]
    assert problems(model, truncated) == []
    for wrong in ("10", 10.0, True):
        (problem,) = problems(model, {**truncated, "audio_end_ms": wrong})
        assert (problem.code, problem.param) == ("invalid_type", "audio_end_ms")
    assert complaints({"type": "response.audio.delta"}) == [
        "no server event is called 'response.audio.delta'"
    ]
