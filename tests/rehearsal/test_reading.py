"""What events tell of a call, and what a caller hears of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gateway.rehearsal.course import Line
from gateway.rehearsal.reading import Reading
from gateway.rehearsal.voicing import FRAME, SILENCE, Voicing, utterance

pytestmark = pytest.mark.unit

LOUD = (np.sin(np.arange(480) / 5) * 8000).astype("<i2").tobytes()


def reading(*events: dict[str, Any]) -> Reading:
    made = Reading()
    made.course.caller("hello there")
    made.owed = True
    for event in events:
        made.take(event)
    return made


def created(name: str) -> dict[str, Any]:
    return {"type": "response.created", "response": {"id": name}}


def done(name: str, *kinds: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "response.done",
        "response": {"id": name, "output": [{"type": kind} for kind in kinds], **more},
    }


def test_an_answer_that_uses_a_tool_goes_on() -> None:
    tool = {
        "type": "mcp_call",
        "name": "find",
        "arguments": '{"day": "monday"}',
        "output": "{}",
        "error": None,
    }
    made = reading(
        created("r1"),
        {"type": "response.output_item.done", "item": tool},
        done("r1", "message", "mcp_call"),
    )
    assert (made.running, made.owed) == (False, True)
    made.take(created("r2"))
    assert (made.running, made.owed) == (True, False)
    made.take(done("r2", "message"))
    assert (made.running, made.owed) == (False, False)
    [use] = made.course.uses(1)
    assert (use.tool, use.arguments, use.ok) == ("find", {"day": "monday"}, True)


def test_a_tool_that_failed_is_told_with_its_error() -> None:
    error = {"type": "tool_execution_error", "message": "no such day"}
    tool = {"type": "mcp_call", "name": "find", "arguments": "{", "output": None, "error": error}
    [use] = reading({"type": "response.output_item.done", "item": tool}).course.uses()
    assert (use.output, use.ok, use.arguments) == ("no such day", False, {})


def test_an_answer_is_not_over_while_it_is_heard() -> None:
    made = reading(
        created("r1"), {"type": "output_audio_buffer.started", "response_id": "r1"}, done("r1", "message")
    )
    assert made.running
    made.take({"type": "output_audio_buffer.stopped", "response_id": "r1"})
    assert not made.running


def test_what_was_understood_stands_with_what_was_said() -> None:
    kind = "conversation.item.input_audio_transcription.completed"
    made = reading({"type": kind, "transcript": "hello"}, {"type": kind, "transcript": "bear"})
    [line] = made.course.events
    assert line == Line("caller", "hello there", 1, "hello bear")


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (done("r1", status="failed", status_details={"error": {"code": "overloaded"}}), "the model failed: overloaded"),
        ({"type": "error", "error": {"code": "session_expired", "message": "Long."}}, "error session_expired: Long."),
    ],
)  # fmt: skip
def test_what_breaks_is_a_fault(event: dict[str, Any], told: str) -> None:
    assert reading(event).course.fault == told


def test_an_utterance_is_cut_to_its_words() -> None:
    assert utterance(SILENCE * 3 + LOUD + SILENCE + LOUD[:500] + SILENCE * 2)[0] == LOUD
    assert len(utterance(SILENCE * 3 + LOUD + SILENCE + LOUD)) == 3
    assert utterance(SILENCE * 9) == ()
    assert len(LOUD) == FRAME


def test_the_wait_is_from_the_last_word_to_the_first_sound() -> None:
    talk = Voicing()
    assert talk.pcm(0.0) == SILENCE
    talk.say((LOUD, LOUD))
    assert talk.hear(LOUD, 0.99, 24000), "the agent still speaks: no answer"
    assert (talk.pcm(1.0), talk.pcm(1.02)) == (LOUD, LOUD)
    assert not talk.speaking
    assert talk.pcm(1.04) == SILENCE
    assert not talk.hear(SILENCE, 1.5, 24000)
    assert not talk.answered
    talk.hear(LOUD, 1.84, 24000)
    assert talk.answered
    assert talk.wait_ms == pytest.approx(800)
    assert talk.last_loud == pytest.approx(1.86)
