"""A session of the engine in a language that its ears and its voice do not know: text, and a refusal of the rest."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.engine.core import EngineCore, EngineSettings
from gateway.engine.effects import Emit, Think
from gateway.realtime.events import parse_client_event
from gateway.realtime.session import default_session
from tests.providers.bench import PERSONA, LoudDetector, sound
from tests.realtime.strict import assert_strict

pytestmark = pytest.mark.unit

WHY = "Nobody here speaks it."


def core() -> EngineCore:

    session = default_session(model="m", session_id="sess_1", expires_at=1, instructions="", voice="marin")
    one = EngineCore(
        EngineSettings(
            session, PERSONA, LoudDetector, datetime(2026, 11, 18, tzinfo=UTC), 0.0, unspoken=WHY
        )
    )
    (created,) = one.start()
    assert isinstance(created, Emit)
    assert created.event["session"]["output_modalities"] == ["text"]
    return one


def told(one: EngineCore, **event: object) -> list[object]:
    return list(one.client(parse_client_event(event), 0.0))


def refusals(effects: list[object]) -> list[str]:
    events = [effect.event for effect in effects if isinstance(effect, Emit)]
    for event in events:
        assert_strict(event)
    errors = [event["error"] for event in events if event["type"] == "error"]
    assert all((error["code"], error["message"]) == ("language_not_spoken", WHY) for error in errors)
    return [error["param"] for error in errors]


def test_audio_is_refused_once_and_heard_never() -> None:
    one = core()
    assert refusals(list(one.audio(sound(200), 0.0))) == ["audio"]
    for _ in range(50):
        assert one.audio(sound(20), 0.0) == []


def test_it_cannot_be_made_to_speak() -> None:
    one = core()
    update = {"type": "realtime", "output_modalities": ["audio"]}
    assert refusals(told(one, type="session.update", session=update)) == ["session.output_modalities"]
    assert one.session["output_modalities"] == ["text"]
    response = {"output_modalities": ["audio"]}
    assert refusals(told(one, type="response.create", response=response)) == ["response.output_modalities"]


def test_text_is_answered_in_text() -> None:
    one = core()
    content = [{"type": "input_text", "text": "hola"}]
    told(one, type="conversation.item.create", item={"type": "message", "role": "user", "content": content})
    effects = told(one, type="response.create")
    assert refusals(effects) == []
    assert any(isinstance(effect, Think) for effect in effects)
    assert (
        refusals(
            told(one, type="session.update", session={"type": "realtime", "output_modalities": ["text"]})
        )
        == []
    )
