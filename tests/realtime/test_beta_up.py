"""Client events in the words of older servers, judged by the vendors' own types."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.beta.realtime import RealtimeClientEvent as BetaClientEvent
from openai.types.beta.realtime import session_update_event
from openai.types.realtime import RealtimeClientEvent

from gateway.providers.azure import SESSION, Transcribing
from gateway.providers.voicelive import VoiceLive
from gateway.realtime.beta import Beta
from gateway.realtime.events import parse_client_event
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.flat_session import session_from_beta, session_to_beta
from gateway.realtime.ga import Ga
from gateway.realtime.session import default_session, merge_session
from tests.peers.strict import problems
from tests.realtime.ga_strategies import client_events, sessions
from tests.realtime.voicelive_types import client_complaints

pytestmark = pytest.mark.unit

Event = dict[str, Any]


def up(dialect: Any, event: Event) -> Event:
    """What is sent for an event, which stays as it was."""
    before = deepcopy(event)
    (told,) = dialect.up(event)
    assert event == before
    assert isinstance(told, dict)
    return told


@given(client_events())
def test_what_is_made_up_is_the_protocol(event: Event) -> None:
    parse_client_event(event)


NULLABLE = {"session.audio.input.noise_reduction", "session.audio.input.transcription"}
"""The package's types do not say so; its documentation does: null turns them off."""


@given(client_events())
def test_openai_takes_every_client_event(event: Event) -> None:
    told = up(Ga(), event)
    found = [one for one in problems(RealtimeClientEvent, told) if one.param not in NULLABLE]
    assert not found, (told, found)


@given(client_events(images=False, mcp=False))
def test_an_older_server_takes_every_client_event(event: Event) -> None:
    told = up(Beta(), event)
    found = problems(BetaClientEvent, told)
    # Not in the package's types, and documented: null turns them off.
    assert all(one.param.startswith("session.") and "got null" in one.message for one in found), (
        told,
        found,
    )


@given(client_events(images=False, mcp=False))
def test_an_azure_preview_session_has_the_documented_fields(event: Event) -> None:
    told = up(Transcribing(Beta(), None, SESSION), event)
    if told["type"] == "session.update":
        assert set(told["session"]) <= set(session_update_event.Session.model_fields)
        assert set(told["session"]).isdisjoint({"speed", "tracing", "type", "model", "audio"})


NULLS = ("turn_detection", "input_audio_transcription", "input_audio_noise_reduction")


@given(client_events(images=False, references=False), st.sampled_from(["gpt-realtime", "gpt-4.1"]))
def test_voice_live_takes_every_client_event(event: Event, model: str) -> None:
    told = up(VoiceLive(hears=model == "gpt-realtime"), event)
    assert not client_complaints(told), told
    if told["type"] == "session.update":
        nulls = {k for k, v in told["session"].items() if v is None}
        assert nulls <= set(NULLS)


@given(sessions())
def test_a_flat_session_is_the_nested_one_again(update: Event) -> None:
    """For what the old protocol can say; a server's copy begins where a fresh session does."""
    fresh = default_session(model="m", session_id="sess_1")
    wanted = merge_session(
        fresh, update, formats=frozenset({"audio/pcm", "audio/pcmu", "audio/pcma"})
    ).session
    again = session_from_beta({**session_to_beta(wanted), "model": "m", "id": "sess_1"})
    assert again == _sayable(wanted)


def _sayable(session: Event) -> Event:
    fresh = default_session(model="m", session_id="sess_1")
    kept = {k: v for k, v in session.items() if k not in ("include", "prompt", "truncation", "reasoning")}
    kept = {**fresh, **kept}
    kept.pop("parallel_tool_calls", None)
    kept["tools"] = [tool for tool in kept["tools"] if tool["type"] == "function"]
    if isinstance(kept["tool_choice"], dict) and kept["tool_choice"]["type"] == "mcp":
        kept["tool_choice"] = "auto"
    heard = kept["audio"]["input"]
    if heard["turn_detection"] and "idle_timeout_ms" in heard["turn_detection"]:
        heard["turn_detection"]["idle_timeout_ms"] = None
    if heard["noise_reduction"]:
        heard["noise_reduction"].pop("strength", None)
    if isinstance(kept["audio"]["output"]["voice"], dict):
        kept["audio"]["output"]["voice"] = "marin"
    return kept


def test_a_whole_session_in_the_words_of_each() -> None:
    session = default_session(model="m", session_id="sess_1", expires_at=1, instructions="Be kind.")
    session["tools"] = [{"type": "function", "name": "weather", "parameters": {"type": "object"}}]
    session["tool_choice"] = {"type": "function", "name": "weather"}
    session["audio"]["output"]["speed"] = 1.2
    session["audio"]["input"]["turn_detection"] = {
        "type": "semantic_vad",
        "eagerness": "low",
        "create_response": False,
    }
    update = {"type": "session.update", "session": session}
    ga = up(Ga(), update)["session"]
    assert {"id", "object", "model", "expires_at"}.isdisjoint(ga)
    assert (ga["type"], ga["include"], ga["tracing"], ga["audio"]["input"]["transcription"]) == (
        "realtime",
        [],
        None,
        None,
    )
    beta = up(Beta(), update)["session"]
    assert beta["modalities"] == ["text", "audio"]
    assert (beta["voice"], beta["input_audio_format"], beta["speed"]) == ("marin", "pcm16", 1.2)
    assert beta["tool_choice"] == "weather"
    assert beta["turn_detection"] == {"type": "semantic_vad", "eagerness": "low", "create_response": False}
    live = up(VoiceLive(hears=True), update)["session"]
    assert live["voice"] == {"type": "openai", "name": "marin"}
    assert live["turn_detection"] == {"type": "azure_semantic_vad", "create_response": False}
    assert live["tool_choice"] == {"type": "function", "name": "weather"}
    assert live["input_audio_sampling_rate"] == 24000
    azure_voice = up(VoiceLive(hears=False, voice="en-US-AvaNeural"), update)["session"]
    assert azure_voice["voice"] == {"type": "azure-standard", "name": "en-US-AvaNeural", "rate": "1.2"}
    native = up(VoiceLive(hears=False, voice="ava"), update)["session"]
    assert native["voice"] == {"type": "azure-realtime-native", "name": "ava"}


def test_voice_live_transcribes_with_what_goes_with_the_model() -> None:
    update = {"type": "session.update", "session": {"audio": {"input": {"transcription": {
        "model": "gpt-4o-mini-transcribe", "language": "en", "prompt": "names"}}}}}  # fmt: skip
    told = [
        up(VoiceLive(hears=hears), update)["session"]["input_audio_transcription"]
        for hears in (True, False)
    ]
    assert told == [
        {"model": "gpt-4o-mini-transcribe", "language": "en"},
        {"model": "azure-speech", "language": "en"},
    ]


def test_an_azure_deployment_transcribes() -> None:
    update = {
        "type": "session.update",
        "session": {"audio": {"input": {"transcription": {"model": "whisper-1"}}}},
    }
    assert up(Transcribing(Ga(), "ears"), update)["session"]["audio"]["input"]["transcription"] == {
        "model": "ears"
    }
    assert up(Transcribing(Beta(), "ears", SESSION), update)["session"] == {
        "input_audio_transcription": {"model": "ears"}
    }
    assert up(Transcribing(Ga(), None), update)["session"]["audio"]["input"]["transcription"] == {
        "model": "whisper-1"
    }


def test_what_was_said_before_goes_as_text() -> None:
    said = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_audio", "transcript": "Hello."}],
    }
    heard = {"type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": "Hi."}]}
    create = {"type": "conversation.item.create", "previous_item_id": "root"}
    assert up(Ga(), create | {"item": said})["item"]["content"] == [
        {"type": "output_text", "text": "Hello."}
    ]
    told = up(Beta(), create | {"item": said})
    assert told == create | {"item": said | {"content": [{"type": "text", "text": "Hello."}]}}
    assert up(Beta(), create | {"item": heard})["item"]["content"] == [
        {"type": "input_text", "text": "Hi."}
    ]


@pytest.mark.parametrize(
    ("event", "param"),
    [
        ({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]}}, "item.content"),
        ({"type": "conversation.item.create", "item": {"type": "mcp_call", "name": "x"}}, "item.type"),
        ({"type": "output_audio_buffer.clear"}, "type"),
    ],
)  # fmt: skip
def test_what_older_servers_have_no_word_for_is_refused(event: Event, param: str) -> None:
    for dialect in (Beta(), VoiceLive(hears=True)):
        with pytest.raises(ProtocolFault) as fault:
            dialect.up(event)
        assert fault.value.param == param


def test_voice_live_takes_no_references() -> None:
    event = {"type": "response.create", "response": {"input": [{"type": "item_reference", "id": "item_1"}]}}
    with pytest.raises(ProtocolFault, match="references"):
        VoiceLive(hears=True).up(event)


def test_a_response_out_of_band() -> None:
    response = {"conversation": "none", "input": [], "output_modalities": ["text"], "max_output_tokens": 9,
        "tool_choice": {"type": "function", "name": "f"}, "audio": {"output": {"voice": "ash"}}}  # fmt: skip
    event = {"type": "response.create", "event_id": "e", "response": response}
    assert up(Beta(), event)["response"] == {
        "conversation": "none", "input": [], "modalities": ["text"], "max_response_output_tokens": 9,
        "tool_choice": "f", "voice": "ash",
    }  # fmt: skip
    assert up(VoiceLive(hears=True), event)["response"] == {
        "commit": False, "input_items": [], "modalities": ["text"], "max_output_tokens": 9,
        "tool_choice": "f", "voice": {"type": "openai", "name": "ash"},
    }  # fmt: skip
