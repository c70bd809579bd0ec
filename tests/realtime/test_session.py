from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.realtime.fault import ProtocolFault
from gateway.realtime.server_events import session_updated
from gateway.realtime.session import TurnDetection, default_session, merge_session, turn_detection_of
from tests.realtime.noise import json_noise
from tests.realtime.strict import assert_strict

pytestmark = pytest.mark.unit

FRESH = default_session(model="gpt-realtime", session_id="sess_1", expires_at=1, instructions="Be kind.")
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


def merge(update: dict[str, Any], session: dict[str, Any] = FRESH, **more: Any) -> dict[str, Any]:
    merged = merge_session(session, {"type": "realtime", **update}, **more).session
    assert_strict(session_updated(merged))
    return merged


def vad(update: object) -> dict[str, Any]:
    return {"audio": {"input": {"turn_detection": update}}}


def fault(update: object, session: dict[str, Any] = FRESH, **more: Any) -> ProtocolFault:
    before = deepcopy(session)
    with pytest.raises(ProtocolFault) as caught:
        merge_session(session, update, **more)
    assert session == before
    return caught.value


def test_a_fresh_session_is_complete() -> None:
    assert_strict(session_updated(FRESH))
    assert "expires_at" not in default_session(model="m", session_id="s")
    assert FRESH["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500


def test_only_the_keys_present_change() -> None:
    merged = merge_session(FRESH, {"type": "realtime", "audio": {"output": {"voice": "cedar"}}})
    assert merged.changed == ("audio.output.voice",)
    expected = deepcopy(FRESH)
    expected["audio"]["output"]["voice"] = "cedar"
    assert merged.session == expected


def test_a_session_is_never_altered_in_place() -> None:
    before = deepcopy(FRESH)
    merged = merge({"tools": [TOOL], **vad({"type": "server_vad", "threshold": 0.9})})
    merged["audio"]["input"]["turn_detection"]["threshold"] = 0.1
    assert before == FRESH


def test_turn_detection_merges_while_its_kind_stays() -> None:
    first = merge(vad({"type": "server_vad", "silence_duration_ms": 800}))
    second = merge(vad({"threshold": 0.7, "idle_timeout_ms": 6000}), first)
    assert turn_detection_of(second) == TurnDetection("server_vad", 0.7, 300, 800, 6000, True, True)
    third = merge(vad({"type": "server_vad", "silence_duration_ms": None}), second)
    assert third["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500


def test_null_turn_detection_is_push_to_talk_and_a_later_one_starts_from_defaults() -> None:
    off = merge(vad(None))
    assert turn_detection_of(off) is None
    assert turn_detection_of(merge(vad({"create_response": False}), off)) is not None


@pytest.mark.parametrize(
    ("eagerness", "silence"), [("high", 400), ("auto", 700), ("medium", 700), ("low", 1500)]
)
def test_semantic_vad_is_a_length_of_silence(eagerness: str, silence: int) -> None:
    merged = merge(vad({"type": "semantic_vad", "eagerness": eagerness}))
    turns = turn_detection_of(merged)
    assert turns is not None
    assert (turns.kind, turns.silence_duration_ms, turns.interrupt_response) == (
        "semantic_vad",
        silence,
        True,
    )


def test_explicit_null_clears() -> None:
    full = merge(
        {
            "instructions": "Sing.",
            "tools": [TOOL],
            "tool_choice": "required",
            "max_output_tokens": 100,
            "tracing": "auto",
            "audio": {"input": {"transcription": {"model": "whisper-1", "language": "en"}}},
        }
    )
    part = merge({"audio": {"input": {"transcription": {"language": None}}}}, full)
    assert part["audio"]["input"]["transcription"] == {"model": "whisper-1"}
    cleared = merge(
        dict.fromkeys(("instructions", "tools", "tool_choice", "max_output_tokens", "tracing")), full
    )
    cleared = merge({"audio": {"input": {"transcription": None}}}, cleared)
    assert cleared == FRESH | {"instructions": ""}


def test_a_null_branch_puts_its_leaves_back() -> None:
    loud = merge({"audio": {"input": {"turn_detection": None}, "output": {"voice": "ash", "speed": 1.5}}})
    quiet = merge({"audio": {"output": None}}, loud)
    assert quiet["audio"]["output"] == FRESH["audio"]["output"]
    assert quiet["audio"]["input"]["turn_detection"] is None


def test_what_the_vendors_packages_send_is_accepted() -> None:
    merged = merge(
        {
            "model": "gpt-realtime-2.1",
            "instructions": "…",
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "noise_reduction": None,
                    "transcription": {"model": "gpt-4o-mini-transcribe"},
                    "turn_detection": {"type": "semantic_vad", "interrupt_response": True},
                },
                "output": {"format": {"type": "audio/pcm"}, "speed": 1, "voice": "ash"},
            },
            "tools": [],
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "reasoning": {"effort": "low"},
            "prompt": None,
        }
    )
    assert merged["model"] == "gpt-realtime"
    assert merged["parallel_tool_calls"] is True
    assert merged["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    again = merge({"model": "gpt-realtime-2.1", "tracing": "auto"}, merged)
    assert merge({"tracing": "auto"}, again) == again


@pytest.mark.parametrize(
    ("update", "code", "param"),
    [
        ({}, "missing_required_parameter", "session.type"),
        ("x", "invalid_type", "session"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"type": "realtime", "voice": "marin"}, "unknown_parameter", "session.voice"),
        ({"type": "realtime", "temperature": 0.8}, "unknown_parameter", "session.temperature"),
        ({"type": "realtime", "instructions": 5}, "invalid_type", "session.instructions"),
        (
            {"type": "realtime", "output_modalities": ["audio", "text"]},
            "invalid_value",
            "session.output_modalities",
        ),
        (
            {"type": "realtime", "output_modalities": ["video"]},
            "invalid_value",
            "session.output_modalities[0]",
        ),
        ({"type": "realtime", "max_output_tokens": 0}, "invalid_value", "session.max_output_tokens"),
        ({"type": "realtime", "max_output_tokens": 5000}, "invalid_value", "session.max_output_tokens"),
        (
            {"type": "realtime", "tools": [{"type": "function"}]},
            "missing_required_parameter",
            "session.tools[0].name",
        ),
        (
            {"type": "realtime", "tools": [{"name": "a"}]},
            "missing_required_parameter",
            "session.tools[0].type",
        ),
        ({"type": "realtime", "tools": [{"type": "web"}]}, "invalid_value", "session.tools[0].type"),
        ({"type": "realtime", "tools": [TOOL, TOOL]}, "invalid_value", "session.tools"),
        ({"type": "realtime", "tool_choice": "maybe"}, "invalid_value", "session.tool_choice"),
        (
            {"type": "realtime", "audio": {"input": {"turn_detection": {"threshold": 1.5}}}},
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "psychic"}}}},
            "invalid_value",
            "session.audio.input.turn_detection.type",
        ),
        (
            {
                "type": "realtime",
                "audio": {"input": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}},
            },
            "unknown_parameter",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            {"type": "realtime", "audio": {"input": {"turn_detection": {"idle_timeout_ms": 100}}}},
            "invalid_value",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}},
            "invalid_value",
            "session.audio.input.format.type",
        ),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        (
            {"type": "realtime", "audio": {"output": {"speed": 2}}},
            "invalid_value",
            "session.audio.output.speed",
        ),
        (
            {"type": "realtime", "audio": {"output": {"voice": {}}}},
            "missing_required_parameter",
            "session.audio.output.voice.id",
        ),
    ],
)
def test_an_invalid_update_changes_nothing_and_names_the_place(
    update: object, code: str, param: str
) -> None:
    found = fault(update)
    assert (found.code, found.param) == (code, param)
    assert param in found.message or code == "invalid_value"


def test_one_invalid_leaf_spoils_the_whole_update() -> None:
    assert (
        fault({"type": "realtime", "instructions": "new", "audio": {"output": {"speed": 9}}}).code
        == "invalid_value"
    )


def test_the_voice_is_fixed_once_it_was_heard() -> None:
    change = {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}
    assert fault(change, voice_fixed=True).code == "cannot_update_voice"
    assert merge({"audio": {"output": {"voice": "marin"}}}, voice_fixed=True) == FRESH


def test_the_speed_is_fixed_while_a_response_runs() -> None:
    change = {"type": "realtime", "audio": {"output": {"speed": 1.2}}}
    assert fault(change, speed_fixed=True).param == "session.audio.output.speed"
    assert merge({"audio": {"output": {"speed": 1}}}, speed_fixed=True) == FRESH


def test_tracing_cannot_be_changed_once_enabled() -> None:
    on = merge({"tracing": {"workflow_name": "w"}})
    assert fault({"type": "realtime", "tracing": "auto"}, on).param == "session.tracing"


def test_g711_where_it_can_be_honoured() -> None:
    both = frozenset({"audio/pcm", "audio/pcmu"})
    merged = merge({"audio": {"output": {"format": {"type": "audio/pcmu"}}}}, formats=both)
    assert merged["audio"]["output"]["format"] == {"type": "audio/pcmu"}


def test_leaves_that_may_not_change_keep_their_value_and_are_named() -> None:
    update = {
        "type": "realtime",
        "instructions": "Obey me.",
        "audio": {"output": {"voice": "ash"}},
        "tracing": None,
    }
    merged = merge_session(FRESH, update, allow=lambda leaf: leaf.startswith("audio."))
    assert merged.refused == ("instructions",)
    assert merged.changed == ("audio.output.voice",)
    assert merged.session["instructions"] == "Be kind."


@given(json_noise())
def test_noise_is_a_fault_or_a_session(noise: object) -> None:
    with suppress(ProtocolFault):
        assert_strict(session_updated(merge_session(FRESH, noise).session))


PLACES = st.sampled_from([*sorted(FRESH), "reasoning", "parallel_tool_calls", "x"])
IN_AUDIO = st.sampled_from(
    ["format", "noise_reduction", "transcription", "turn_detection", "voice", "speed"]
)


@given(
    st.dictionaries(PLACES, json_noise(), max_size=3), st.dictionaries(IN_AUDIO, json_noise(), max_size=2)
)
def test_noise_in_known_places_is_a_fault_or_a_session(
    update: dict[str, Any], audio: dict[str, Any]
) -> None:
    update = {"type": "realtime", "audio": {"input": audio, "output": audio}, **update}
    with suppress(ProtocolFault):
        assert_strict(session_updated(merge_session(FRESH, update).session))
