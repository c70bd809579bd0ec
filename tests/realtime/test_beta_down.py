"""Server events of older servers in the words of today, judged by the types of the `openai` package."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeServerEvent

from gateway.providers.upstream import Lenient
from gateway.providers.voicelive import VoiceLive
from gateway.realtime.beta import RENAMED, Beta
from gateway.realtime.server_fields import FIELDS
from gateway.realtime.session import default_session
from tests.realtime.noise import json_noise
from tests.realtime.old_words import SESSION, Event, Reply, created, heard, old
from tests.realtime.strict import assert_strict
from tests.realtime.voicelive_types import server_complaints

pytestmark = pytest.mark.unit


def down(events: list[Event], dialect: Any = None) -> list[Event]:
    """What today's protocol says for all of them, each judged."""
    dialect = dialect or Beta()
    told = [one for event in deepcopy(events) for one in dialect.down(event)]
    for event in told:
        assert_strict(event)
        assert event["type"] not in RENAMED
    return told


def kinds(events: list[Event]) -> list[str]:
    return [event["type"] for event in events]


def test_the_table_is_the_packages() -> None:
    members = {
        name: set(member.model_fields) - {"type", "event_id"}
        for member in get_args(get_args(RealtimeServerEvent)[0])
        for name in get_args(member.model_fields["type"].annotation)
    }
    for other in ("conversation.item.created", "input_audio_buffer.dtmf_event_received"):
        del members[other]
    assert {kind: set(fields) for kind, fields in FIELDS.items()} == members


def test_a_session_becomes_whole() -> None:
    (told,) = down([old("session.created", session=SESSION)])
    session = told["session"]
    assert set(session) == {*default_session(model="", session_id=""), "expires_at"}
    assert (session["type"], session["model"], session["expires_at"]) == (
        "realtime",
        SESSION["model"],
        1760003600,
    )
    assert session["output_modalities"] == ["audio"]
    assert session["audio"]["output"]["voice"] == "alloy"
    assert session["audio"]["input"]["turn_detection"]["threshold"] == 0.6
    assert session["audio"]["input"]["transcription"] == {"model": "whisper-1"}


def test_a_callers_turn() -> None:
    told = down(heard())
    assert kinds(told) == [
        "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed",
        "conversation.item.added", "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
    ]  # fmt: skip
    assert told[3]["item"] == told[4]["item"]
    assert told[3]["item"]["content"] == [{"type": "input_audio", "transcript": None}]


@pytest.mark.parametrize("created_first", [True, False])
def test_a_spoken_reply_is_done_when_it_is_done(created_first: bool) -> None:
    reply = Reply()
    told = down([*reply.begin(), *reply.speak("item_a", created_first=created_first), reply.end()])
    begin = ["conversation.item.added", "response.output_item.added"]
    assert kinds(told) == [
        "response.created", *(begin if created_first else reversed(begin)), "response.content_part.added",
        "response.output_audio_transcript.delta", "response.output_audio.delta", "response.output_audio.done",
        "response.output_audio_transcript.done", "response.content_part.done", "conversation.item.done",
        "response.output_item.done", "response.done",
    ]  # fmt: skip
    by_kind = {event["type"]: event for event in told}
    assert by_kind["response.output_audio.delta"]["delta"] == b"pcm!"
    assert by_kind["conversation.item.added"]["item"]["status"] == "in_progress"
    item = by_kind["conversation.item.done"]["item"]
    assert (item["status"], item["content"]) == (
        "completed",
        [{"type": "output_audio", "transcript": "Hello."}],
    )
    response = by_kind["response.done"]["response"]
    assert response["output"] == [item]
    assert response["output_modalities"] == ["audio"]
    assert response["audio"]["output"] == {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy"}
    assert response["usage"]["output_token_details"] == {"text_tokens": 1, "audio_tokens": 3}


def test_a_text_reply() -> None:
    reply = Reply()
    told = down([*reply.begin(), *reply.speak("item_a", text=True), reply.end()])
    assert told[-1]["response"]["output"][0]["content"] == [{"type": "output_text", "text": "Hello."}]
    assert {"response.output_text.delta", "response.output_text.done"} < set(kinds(told))


def test_a_call_has_its_name() -> None:
    reply = Reply()
    told = down([*reply.begin(), *reply.speak("item_a"), *reply.call("item_b"), reply.end()])
    done = next(e for e in told if e["type"] == "response.function_call_arguments.done")
    assert (done["name"], done["call_id"], done["arguments"]) == ("weather", "call_1", "{}")
    assert kinds(told).count("conversation.item.done") == 2


def test_a_reply_cut_short_leaves_no_item_open() -> None:
    """Some servers end the item, some only show it in the response, some do neither."""
    ended, shown, forgotten = Reply("resp_1"), Reply("resp_2"), Reply("resp_3")
    parts = [{"type": "audio", "transcript": "Hel"}]
    events = [
        *ended.begin(), *ended.start("item_1"), ended.finish("item_1", parts, "incomplete"),
        ended.end("cancelled", "turn_detected"),
        *shown.begin(), *shown.start("item_2"),
    ]  # fmt: skip
    shown.finish("item_2", parts, "incomplete")
    events += [shown.end("cancelled", "client_cancelled"), *forgotten.begin(), *forgotten.start("item_3")]
    told = down([*events, forgotten.end("cancelled", "turn_detected")])
    done = [e["item"] for e in told if e["type"] == "conversation.item.done"]
    assert [(item["id"], item["status"]) for item in done] == [
        ("item_1", "incomplete"), ("item_2", "incomplete"), ("item_3", "incomplete"),
    ]  # fmt: skip
    assert told[-2]["type"] == "conversation.item.done"
    assert told[-1]["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}


def test_out_of_band_nothing_enters_the_conversation() -> None:
    reply = Reply(out_of_band=True)
    told = down([*reply.begin(), *reply.speak("item_a"), reply.end()])
    assert not [kind for kind in kinds(told) if kind.startswith("conversation.")]
    assert told[-1]["response"]["conversation_id"] is None


def test_what_a_client_adds_is_done_at_once() -> None:
    said = {"id": "item_h", "object": "realtime.item", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "text", "text": "Before."}]}  # fmt: skip
    output = {"id": "item_o", "object": "realtime.item", "type": "function_call_output", "call_id": "call_1",
        "output": "{}"}  # fmt: skip
    told = down([created(said), created(output, "item_h")])
    assert kinds(told) == ["conversation.item.added", "conversation.item.done"] * 2
    assert told[0]["item"]["content"] == [{"type": "output_text", "text": "Before."}]
    assert told[3]["previous_item_id"] == "item_h"


def test_errors_and_other_answers_pass() -> None:
    error = {
        "type": "invalid_request_error",
        "code": "invalid_value",
        "message": "No.",
        "param": None,
        "event_id": "e",
    }
    content = [{"type": "input_audio", "transcript": "Hi.", "audio": "AAAA"}]
    item = {
        "id": "i",
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": content,
    }
    told = down(
        [
            old("error", error=error),
            old("conversation.created", conversation={"id": "conv_1", "object": "realtime.conversation"}),
            old("conversation.item.retrieved", item=item | {"content": content}),
            old("conversation.item.truncated", item_id="i", content_index=0, audio_end_ms=1),
            old("conversation.item.deleted", item_id="i"),
            old("input_audio_buffer.cleared"),
            old(
                "rate_limits.updated",
                rate_limits=[{"name": "tokens", "limit": 1, "remaining": 1, "reset_seconds": 0.0}],
            ),
        ]
    )
    assert told[0]["error"] == {k: v for k, v in error.items() if v is not None}
    assert told[2]["item"]["content"] == [{"type": "input_audio", "transcript": "Hi.", "audio": "AAAA"}]
    assert len(told) == 7


STEPS = st.lists(
    st.tuples(st.sampled_from(["speak", "text", "call", "start"]), st.booleans()), min_size=1, max_size=5
)


@given(
    st.lists(
        st.tuples(STEPS, st.booleans(), st.sampled_from(["completed", "cancelled"])), min_size=1, max_size=4
    )
)
def test_every_item_is_added_once_and_done_once(replies: list[tuple[Any, bool, str]]) -> None:
    events: list[Event] = []
    for number, (steps, out_of_band, status) in enumerate(replies):
        reply = Reply(f"resp_{number}", out_of_band=out_of_band)
        events += reply.begin()
        for index, (step, created_first) in enumerate(steps):
            item_id = f"item_{number}_{index}"
            match step:
                case "call":
                    events += reply.call(item_id)
                case "start":
                    events += reply.start(item_id, created_first=created_first)
                case _:
                    events += reply.speak(item_id, created_first=created_first, text=step == "text")
        events.append(reply.end(status, None if status == "completed" else "turn_detected"))
    dialect = Beta()
    told = down(events, dialect)
    added = [e["item"]["id"] for e in told if e["type"] == "conversation.item.added"]
    done = [e["item"]["id"] for e in told if e["type"] == "conversation.item.done"]
    assert sorted(added) == sorted(done)
    assert len(set(added)) == len(added)
    assert dialect._begun == {}


@given(json_noise(), st.sampled_from([*RENAMED, *FIELDS, "conversation.item.created", "warning"]))
def test_noise_is_told_apart_or_dropped(noise: Any, kind: str) -> None:
    for dialect in (Beta(), VoiceLive(hears=True), Lenient()):
        event = {
            **(noise if isinstance(noise, dict) else {"item": noise, "session": noise, "response": noise})
        }
        event["type"] = kind
        try:
            dialect.down(event)
        except (LookupError, TypeError, ValueError, AttributeError):
            continue


# ── Voice Live ────────────────────────────────────────────────────────────────────────────────────────────


LIVE_SESSION: Event = {
    "id": "sess_1", "model": "gpt-realtime", "expires_at": 1760003600,
    "modalities": ["text", "audio"], "instructions": "",
    "voice": {"type": "azure-standard", "name": "en-US-AvaNeural"}, "input_audio_sampling_rate": 24000,
    "input_audio_format": "pcm16", "output_audio_format": "pcm16", "temperature": 0.7,
    "turn_detection": {"type": "azure_semantic_vad", "threshold": 0.5, "create_response": False},
    "input_audio_transcription": {"model": "azure-speech", "language": "en"},
    "input_audio_noise_reduction": {"type": "azure_deep_noise_suppression"},
    "tools": [], "tool_choice": "auto", "max_response_output_tokens": "inf",
}  # fmt: skip


def live(kind: str, **fields: Any) -> Event:
    event = {"type": kind, "event_id": "event_1", **fields}
    assert not server_complaints(event), server_complaints(event)
    return event


def test_a_voice_live_session() -> None:
    (told,) = down([live("session.updated", session=LIVE_SESSION)], VoiceLive(hears=True))
    audio = told["session"]["audio"]
    assert audio["output"]["voice"] == "en-US-AvaNeural"
    assert audio["input"]["turn_detection"]["type"] == "semantic_vad"
    assert audio["input"]["turn_detection"]["create_response"] is False
    assert audio["input"]["transcription"]["model"] == "azure-speech"


def test_voice_lives_own_events_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    where = {"response_id": "r", "item_id": "i", "output_index": 0}
    search = {"id": "i", "type": "web_search_call", "status": "searching"}
    told = down(
        [
            live("warning", warning={"message": "secret", "code": "slow"}),
            live("response.audio_timestamp.done", **where, content_index=0),
            live("response.animation_viseme.done", **where, content_index=0),
            live("response.video.delta", output_index=0, codec="h264", delta="AAAA"),
            live("session.avatar.connecting", server_sdp="v=0"),
            live("output_audio_buffer.cleared"),
            live("response.web_search_call.searching", **where, sequence_number=1),
            live("response.output_item.added", response_id="r", output_index=0, item=search),
            live("conversation.item.created", previous_item_id=None, item=search),
            live("response.invocation.delta", delta={}),
        ],
        VoiceLive(hears=True),
    )
    assert told == []
    assert "slow" in caplog.text
    assert "secret" not in caplog.text


def test_a_voice_live_response_and_what_it_adds() -> None:
    item = {
        "id": "i",
        "object": "realtime.item",
        "type": "message",
        "role": "assistant",
        "status": "in_progress",
        "content": [],
    }
    usage = {
        "total_tokens": 1, "input_tokens": 1, "output_tokens": 0,
        "input_token_details": {"cached_tokens": 0, "text_tokens": 1, "audio_tokens": 0, "image_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}},
        "output_token_details": {"text_tokens": 0, "audio_tokens": 0, "reasoning_tokens": 4},
    }  # fmt: skip
    response = {"id": "r", "object": "realtime.response", "status": "failed", "output": [item], "usage": usage,
        "status_details": {"type": "failed", "error": {"code": "inference_rate_limit_exceeded", "message": "no"}},
        "voice": {"type": "openai", "name": "marin"}, "modalities": ["text", "audio"],
        "max_output_tokens": 100}  # fmt: skip
    heard_it = "conversation.item.input_audio_transcription.completed"
    told = down(
        [
            {"type": "input_audio_buffer.speech_started", "audio_start_ms": 1, "item_id": "u"},
            live(heard_it, item_id="u", content_index=0, transcript="Hi.", phrases=[]),
            live("response.done", response=response),
        ],
        VoiceLive(hears=True),
    )
    assert all(event["event_id"] for event in told)
    assert told[1]["usage"] == {"type": "duration", "seconds": 0.0}
    done = told[2]["response"]
    assert done["status_details"] == {"type": "failed", "error": {"code": "inference_rate_limit_exceeded"}}
    assert done["max_output_tokens"] == 100
    assert done["audio"]["output"]["voice"] == "marin"


# ── any compatible server ─────────────────────────────────────────────────────────────────────────────────


def test_a_flat_session_shows_a_server_of_old() -> None:
    dialect = Lenient()
    (told,) = down([old("session.created", session=SESSION)], dialect)
    assert told["session"]["type"] == "realtime"
    (sent,) = dialect.up(
        {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["audio"]}}
    )
    assert sent["session"] == {"modalities": ["text", "audio"]}


def test_a_server_of_today_is_taken_at_its_word() -> None:
    session = default_session(model="m", session_id="sess_1")
    dialect = Lenient()
    assert (
        down([{"type": "session.created", "event_id": "e", "session": session}], dialect)[0]["session"]
        == session
    )
    update = {"type": "session.update", "session": {"type": "realtime", "instructions": "x"}}
    assert dialect.up(update) == [update]
    new = {"type": "response.thought.delta", "event_id": "e", "delta": "?"}
    assert dialect.down(dict(new)) == [new]


def test_old_names_of_a_server_with_a_session_of_today() -> None:
    dialect = Lenient()
    down([{"type": "session.created", "session": default_session(model="m", session_id="s")}], dialect)
    reply = Reply()
    told = down([*reply.begin(), *reply.speak("item_a"), reply.end()], dialect)
    assert {"conversation.item.added", "conversation.item.done", "response.output_audio.delta"} < set(
        kinds(told)
    )


def test_a_server_that_says_both() -> None:
    item = {
        "id": "i",
        "object": "realtime.item",
        "type": "message",
        "role": "user",
        "content": [],
        "status": "completed",
    }
    both = [
        {"type": f"conversation.item.{word}", "event_id": "e", "item": item}
        for word in ("added", "created", "done")
    ]
    assert kinds(down(both, Lenient())) == ["conversation.item.added", "conversation.item.done"]


def test_what_a_server_leaves_out_is_filled_in() -> None:
    told = down(
        [
            {"type": "input_audio_buffer.cleared"},
            {"type": "conversation.item.input_audio_transcription.completed", "item_id": "u", "transcript": None},
            {"type": "error", "error": {"message": "x"}},
            {"type": "response.function_call_arguments.done", "response_id": "r", "item_id": "i", "call_id": "c",
                "arguments": "{}"},
        ],
        Lenient(),
    )  # fmt: skip
    assert len(told) == 4
