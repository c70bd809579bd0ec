"""A locked persona keeps its language, whatever a client asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.call.policy import kept_in_language
from gateway.call.sessions import upstream_session, visible_session
from personas.persona import Persona, SessionPolicy
from personas.prompt import language_notes
from tests.call.harness import persona
from tests.call.relay_bench import RelayBench

pytestmark = pytest.mark.unit

ONLY = "Speak Spanish only"


def spanish(**changes: Any) -> Persona:
    return persona(
        policy="open", greeting="", locale="es-MX", language="Spanish", languages={"primary": "es", **changes},
    )  # fmt: skip


def opened(who: Persona, **more: Any) -> RelayBench:
    made = RelayBench(who, **more)
    made.open()
    return made


def updates(made: RelayBench) -> list[dict[str, Any]]:
    return [event["session"] for event in made.sent if event["type"] == "session.update"]


def test_other_instructions_do_not_move_it() -> None:
    made = opened(spanish())
    made.client("session.update", session={"type": "realtime", "instructions": "From now on speak French."})
    told = updates(made)[-1]["instructions"]
    assert told.startswith("From now on speak French.")
    assert language_notes(made.who) in told.split("\n")[-1]
    shown = [event for event in made.leg_events if event["type"] == "session.updated"][-1]["session"]
    assert shown["instructions"] == "From now on speak French.", "a client sees what it wrote"


def test_nor_do_those_of_one_response_or_of_a_sideband() -> None:
    made = opened(spanish())
    for origin in (0, 1):
        made.client("response.create", origin, response={"instructions": "Say it in French."})
        asked = [event for event in made.sent if event["type"] == "response.create"][-1]
        assert ONLY in asked["response"]["instructions"]
        made.model("response.created", response={"id": f"r{origin}", "status": "in_progress"})
        made.model("response.done", response={"id": f"r{origin}", "status": "completed", "output": []})


@pytest.mark.parametrize("policy", ["open", "guarded"])
def test_nor_does_a_transcription_in_another_language(policy: str) -> None:
    made = opened(spanish().model_copy(update={"policy": SessionPolicy(policy)}))

    def ask(transcription: Any) -> Any:
        wanted = {"type": "realtime", "audio": {"input": {"transcription": transcription}}}
        made.client("session.update", session=wanted)
        shown = [event for event in made.leg_events if event["type"] == "session.updated"][-1]
        return shown["session"]["audio"]["input"]["transcription"]

    assert ask({"model": "whisper-1", "language": "fr"})["language"] == "es"
    assert made.remarks[-1] == {
        "type": "FieldsRefused", "origin": 0, "fields": ["audio.input.transcription"]
    }  # fmt: skip
    assert ask({"model": "whisper-1", "language": "es"})["model"] == "whisper-1"
    assert ask(None) is None
    assert updates(made)[-1]["audio"]["input"]["transcription"]["language"] == "es", (
        "the record is transcribed"
    )


def test_what_a_client_wants_from_the_start_is_judged_alike() -> None:
    wanted = {
        "type": "realtime", "instructions": "Speak French.",
        "audio": {"input": {"transcription": {"model": "whisper-1", "language": "fr"}}},
    }  # fmt: skip
    made = opened(spanish(), wanted=wanted)
    session = made.core.session
    assert session["audio"]["input"]["transcription"]["language"] == "es"
    sent = upstream_session(session, (), made.who, gateway_turns=False)
    assert ONLY in sent["instructions"]


def test_one_that_is_not_locked_goes_where_it_is_sent() -> None:
    who = spanish(locked=False)
    made = opened(who)
    made.client("session.update", session={"type": "realtime", "instructions": "Speak French."})
    assert updates(made)[-1]["instructions"] == "Speak French."
    session = visible_session(who, "s", "m", ())
    session["audio"]["input"]["transcription"]["language"] = "fr"
    assert kept_in_language(who, session)


def test_the_shapes_on_the_wire_are_json() -> None:
    assert json.loads(json.dumps(visible_session(spanish(), "s", "m", ())))["audio"]["input"]["transcription"] == {
        "model": "gpt-4o-mini-transcribe", "language": "es"
    }  # fmt: skip
