"""The engine's core: orders of events as in the specification, and everything a client can get wrong."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway.engine.core import LIFE_S
from gateway.engine.replies import ASIDES
from gateway.speech.ports import Heard
from personas.prompt import say_exactly
from tests.providers.bench import Bench, silence, sound

pytestmark = pytest.mark.unit

TRANSCRIBE = {"model": "gpt-4o-mini-transcribe"}
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}

TURN_ENDS = [
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]
REPLY_BEGINS = ["response.output_item.added", "conversation.item.added", "response.content_part.added"]
REPLY_ENDS = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]
DELTAS = [
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.delta",
]


def audio_in(**fields: Any) -> dict[str, Any]:
    return {"audio": {"input": fields}}


def vad(**fields: Any) -> dict[str, Any]:
    return audio_in(turn_detection={"type": "server_vad", **fields})


def spoken_turn(bench: Bench, text: str, ms: int = 600) -> list[str]:
    """The caller says something and is quiet; the ears are quick."""
    types = bench.audio(sound(ms) + silence(300))
    types += bench.hear(text)
    return types + bench.audio(silence(300))


# ── a voice turn ──


def test_a_voice_turn_goes_in_the_order_of_the_specification() -> None:
    bench = Bench(session=audio_in(transcription=TRANSCRIBE))
    types = spoken_turn(bench, "good morning")
    heard = [
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert types == [
        "input_audio_buffer.speech_started",
        *TURN_ENDS,
        *heard,
        "response.created",
        *REPLY_BEGINS,
    ]
    assert bench.speak() == [*DELTAS, *REPLY_ENDS]
    done = bench.last("response.done")["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"] == [
        {"type": "output_audio", "transcript": "You said: good morning."}
    ]
    assert (
        done["usage"]["total_tokens"] == done["usage"]["input_tokens"] + done["usage"]["output_tokens"] > 0
    )
    assert done["usage"]["input_token_details"]["audio_tokens"] > 0


def test_the_events_of_a_turn_fit_together() -> None:
    bench = Bench()
    bench.audio(silence(1000))
    spoken_turn(bench, "hello")
    bench.speak()
    started = bench.last("input_audio_buffer.speech_started")
    stopped = bench.last("input_audio_buffer.speech_stopped")
    committed = bench.last("input_audio_buffer.committed")
    assert (started["audio_start_ms"], stopped["audio_end_ms"]) == (700, 2100)
    assert started["item_id"] == stopped["item_id"] == committed["item_id"]
    user, agent = (e for e in bench.events if e["type"] == "conversation.item.added")
    assert (user["item"]["id"], user["previous_item_id"]) == (started["item_id"], None)
    assert agent["previous_item_id"] == started["item_id"]
    assert agent["item"]["content"] == []
    assert bench.last("response.created")["response"]["audio"]["output"]["format"]["rate"] == 24000
    ids = {e["response_id"] for e in bench.events if "response_id" in e}
    assert ids == {bench.last("response.done")["response"]["id"]}


def test_without_transcription_the_mind_still_hears() -> None:
    bench = Bench()
    types = spoken_turn(bench, "hello")
    assert not any("transcription" in kind for kind in types)
    request = bench.mind.requests[0]
    assert request.conversation[0]["content"][0]["transcript"] == "hello"
    assert next(iter(request.heard.values())).score == 0.9
    bench.send("conversation.item.retrieve", item_id=request.conversation[0]["id"])
    assert bench.events[-1]["item"]["content"][0]["transcript"] is None


def test_words_of_a_clause_come_just_before_its_audio_and_pauses_between() -> None:
    bench = Bench(session={"output_modalities": ["audio"]})
    bench.say("one thing. And another")
    bench.send("response.create")
    types = bench.speak(chunks=1)
    assert types[:5] == [*DELTAS[:2], "response.output_audio.delta", *DELTAS[:2]]
    deltas = [e["delta"] for e in bench.events if e["type"] == "response.output_audio_transcript.delta"]
    assert "".join(deltas) == bench.last("response.output_audio_transcript.done")["transcript"]
    assert deltas[1].startswith(" ")


def test_the_guess_made_in_the_pause_is_used() -> None:
    bench = Bench(session=vad(create_response=False))
    bench.audio(sound(400) + silence(220))
    assert [job.final for job in bench.jobs.values()] == [False]
    guess = next(iter(bench.jobs))
    bench.audio(silence(400))
    assert list(bench.jobs) == [guess]
    bench.hear("late but in time")
    bench.send("response.create")
    assert bench.mind.requests[0].conversation[0]["content"][0]["transcript"] == "late but in time"


def test_a_guess_is_void_when_the_caller_goes_on() -> None:
    bench = Bench(session=vad(create_response=False))
    bench.audio(sound(400) + silence(220))
    first = next(iter(bench.jobs))
    bench.audio(sound(200))
    assert bench.jobs == {}
    assert bench.run(bench.core.heard(first, Heard("stale", 0.9, "open"), bench.now)) == []
    bench.audio(silence(600))
    assert len(bench.jobs) == 1
    assert len(next(iter(bench.jobs.values())).pcm) > len(sound(600))


def test_a_failed_guess_is_tried_again_for_good() -> None:
    bench = Bench(session=vad(create_response=False))
    bench.audio(sound(400) + silence(220))
    guess = next(iter(bench.jobs))
    del bench.jobs[guess]
    bench.run(bench.core.deaf(guess, bench.now))
    bench.audio(silence(400))
    assert [job.final for job in bench.jobs.values()] == [True]


def test_failing_ears_cost_the_words_only() -> None:
    bench = Bench(session=vad(silence_duration_ms=100) | {})
    bench.send("session.update", session={"type": "realtime", **audio_in(transcription=TRANSCRIBE)})
    bench.audio(sound(400) + silence(120))
    job = next(iter(bench.jobs))
    assert bench.jobs[job].final
    types = bench.run(bench.core.deaf(job, bench.now))
    assert types[0] == "conversation.item.input_audio_transcription.failed"
    assert bench.mind.requests[0].conversation[0]["content"][0]["transcript"] == ""
    assert "response.content_part.added" in types


def test_a_response_waits_for_the_ears() -> None:
    bench = Bench(session=vad(silence_duration_ms=100))
    types = bench.audio(sound(400) + silence(120))
    assert types[-1] == "response.created"
    assert bench.mind.requests == []
    assert bench.hear("slow")[0] == "response.output_item.added"


def test_settled_words_do_not_wait_for_the_ears() -> None:
    bench = Bench(session=vad(silence_duration_ms=100, create_response=False))
    bench.audio(sound(400) + silence(120))
    types = bench.send("response.create", response={"instructions": say_exactly("Please call us back.")})
    assert "response.output_item.added" in types
    assert len(bench.mind.requests) == 1


def test_the_minds_clock_is_the_callers() -> None:
    bench = Bench()
    bench.now += 3600 - 60
    bench.say("time")
    bench.send("response.create")
    assert bench.mind.requests[0].now.isoformat() == "2026-05-04T08:59:00-04:00"


# ── interruptions ──


def test_speech_interrupts_a_running_response() -> None:
    bench = Bench()
    spoken_turn(bench, "hello")
    bench.speak(finish=False)
    types = bench.audio(sound(40))
    assert types == ["input_audio_buffer.speech_started", *REPLY_ENDS]
    done = bench.last("response.done")["response"]
    assert (done["status"], done["status_details"]) == (
        "cancelled",
        {"type": "cancelled", "reason": "turn_detected"},
    )
    assert done["output"][0]["status"] == "incomplete"
    assert bench.speaks == {}
    assert bench.run(bench.core.spoke(done["id"], 0, sound(20), bench.now)) == []
    assert bench.run(bench.core.said(done["id"], 0, bench.now)) == []
    assert bench.run(bench.core.mute(done["id"], bench.now)) == []


def test_interrupt_response_false_leaves_it_running_and_the_turn_is_answered_after_it() -> None:
    bench = Bench(session=vad(interrupt_response=False))
    spoken_turn(bench, "first")
    bench.speak(finish=False)
    types = spoken_turn(bench, "second")
    assert "response.done" not in types
    assert "response.created" not in types
    types = bench.speak(chunks=0)
    assert types[-4:] == ["response.created", *REPLY_BEGINS]
    assert len(bench.mind.requests) == 2


def test_create_response_false_leaves_it_to_the_client() -> None:
    bench = Bench(session=vad(create_response=False))
    assert spoken_turn(bench, "hello")[-1] == "conversation.item.done"


def test_truncation_cuts_the_words_that_were_not_heard() -> None:
    bench = Bench()
    bench.say("a b c d e f. And then more")
    bench.send("response.create")
    bench.speak(chunk_ms=500, chunks=1)
    item = bench.last("response.done")["response"]["output"][0]
    assert bench.send(
        "conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=250
    ) == ["conversation.item.truncated"]
    bench.send("conversation.item.retrieve", item_id=item["id"])
    cut = bench.events[-1]["item"]["content"][0]["transcript"]
    assert item["content"][0]["transcript"].startswith(cut)
    assert 0 < len(cut) < 20
    bench.send("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=251)
    assert bench.error()["code"] == "invalid_value"
    bench.send("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=0)
    bench.send("response.create")
    assert bench.mind.requests[-1].conversation[-1]["content"][0]["transcript"] == ""


def test_truncating_what_is_still_being_said_holds_when_it_ends() -> None:
    bench = Bench()
    bench.say("a b c d")
    bench.send("response.create")
    bench.speak(finish=False)
    item_id = bench.last("response.content_part.added")["item_id"]
    bench.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=200)
    bench.send("response.cancel")
    words = bench.last("response.done")["response"]["output"][0]["content"][0]["transcript"]
    assert words == "You"


def test_what_cannot_be_truncated() -> None:
    bench = Bench()
    item_id = bench.say("text")
    bench.send(
        "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=0, event_id="mine"
    )
    assert (bench.error()["code"], bench.error()["event_id"]) == ("unsupported_content_type", "mine")
    bench.send("conversation.item.truncate", item_id="nothing", content_index=0, audio_end_ms=0)
    assert bench.error()["code"] == "item_truncate_invalid_item_id"


# ── push to talk ──


def test_push_to_talk() -> None:
    bench = Bench(session=audio_in(turn_detection=None))
    assert bench.audio(sound(800)) == []
    assert bench.send("input_audio_buffer.commit") == TURN_ENDS[1:]
    assert bench.send("response.create") == ["response.created"]
    assert bench.hear("pressed")[-1] == "response.content_part.added"


def test_less_than_100_ms_is_nothing_to_commit() -> None:
    bench = Bench(session=audio_in(turn_detection=None))
    bench.audio(sound(99))
    bench.send("input_audio_buffer.commit", event_id="mine")
    assert (bench.error()["code"], bench.error()["event_id"]) == ("input_audio_buffer_commit_empty", "mine")
    bench.audio(sound(20))
    assert bench.send("input_audio_buffer.commit")[0] == "input_audio_buffer.committed"


def test_clear_forgets_what_was_said() -> None:
    bench = Bench(session=audio_in(turn_detection=None))
    bench.audio(sound(800))
    assert bench.send("input_audio_buffer.clear") == ["input_audio_buffer.cleared"]
    bench.send("input_audio_buffer.commit")
    assert bench.error()["code"] == "input_audio_buffer_commit_empty"


def test_the_buffer_is_bounded() -> None:
    bench = Bench(session=audio_in(turn_detection=None))
    minute = base64.b64encode(sound(60_000)).decode()
    for _ in range(5):
        assert bench.send("input_audio_buffer.append", audio=minute) == []
    bench.send("input_audio_buffer.append", audio=minute)
    assert bench.error()["code"] == "input_audio_buffer_full"


def test_a_commit_in_the_midst_of_speech_takes_it_so_far() -> None:
    bench = Bench(session=vad(create_response=False))
    bench.audio(sound(400))
    item_id = bench.last("input_audio_buffer.speech_started")["item_id"]
    bench.send("input_audio_buffer.commit")
    assert bench.last("input_audio_buffer.committed")["item_id"] == item_id
    assert bench.audio(sound(200) + silence(600))[0] == "input_audio_buffer.speech_started"
    assert bench.last("input_audio_buffer.committed")["item_id"] != item_id


def test_clear_in_the_midst_of_speech_drops_the_turn() -> None:
    bench = Bench()
    bench.audio(sound(400) + silence(220))
    bench.send("input_audio_buffer.clear")
    assert bench.jobs == {}
    assert bench.audio(silence(1000)) == []


def test_audio_in_one_piece_or_in_crumbs_is_the_same() -> None:
    pcm = silence(400) + sound(500) + silence(600) + sound(300) + silence(600)
    told = []
    for size in (len(pcm), 7, 960):
        bench = Bench(session=vad(create_response=False, prefix_padding_ms=100))
        for at in range(0, len(pcm), size):
            bench.run(bench.core.audio(pcm[at : at + size], bench.now))
        told.append([(e["type"], e.get("audio_start_ms"), e.get("audio_end_ms")) for e in bench.events])
    assert told[0] == told[1] == told[2]
    assert told[0][0] == ("input_audio_buffer.speech_started", 300, None)


def test_turn_detection_may_change_at_any_time() -> None:
    bench = Bench(session=vad(create_response=False))
    bench.audio(sound(200))
    bench.send("session.update", session={"type": "realtime", **vad(silence_duration_ms=1000)})
    assert bench.audio(silence(900)) == []
    assert bench.audio(silence(200))[0] == "input_audio_buffer.speech_stopped"
    bench.audio(sound(200))
    bench.send("session.update", session={"type": "realtime", **audio_in(turn_detection=None)})
    assert bench.audio(silence(900)) == []
    bench.send(
        "session.update", session={"type": "realtime", **audio_in(turn_detection={"type": "semantic_vad"})}
    )
    bench.send("input_audio_buffer.clear")
    assert bench.audio(sound(200) + silence(680)) == ["input_audio_buffer.speech_started"]
    assert bench.audio(silence(40))[0] == "input_audio_buffer.speech_stopped"


# ── text, tools, out-of-band ──


def test_text_out() -> None:
    bench = Bench(session={"output_modalities": ["text"]})
    bench.say("hello. you")
    types = bench.send("response.create", response={"metadata": {"a": "b"}})
    assert types == [
        "response.created",
        *REPLY_BEGINS,
        "response.output_text.delta",
        "response.output_text.done",
        *REPLY_ENDS[2:],
    ]
    done = bench.last("response.done")["response"]
    assert done["output"][0]["content"] == [{"type": "output_text", "text": "You said: hello. you."}]
    assert done["metadata"] == {"a": "b"}
    assert done["usage"]["output_token_details"]["audio_tokens"] == 0


def test_a_function_call_and_its_output() -> None:
    bench = Bench(session={"tools": [WEATHER], "output_modalities": ["text"]})
    bench.say("call weather in Rome")
    types = bench.send("response.create")
    assert types == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    call = bench.last("response.done")["response"]["output"][0]
    assert (call["type"], call["name"], call["arguments"]) == (
        "function_call",
        "weather",
        '{"text":"in Rome"}',
    )
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    assert bench.send("conversation.item.create", item=output)[0] == "conversation.item.added"
    bench.send("response.create")
    assert bench.last("response.output_text.done")["text"] == "You said: sunny."


def test_speech_and_a_call_in_one_response() -> None:
    bench = Bench(session={"tools": [WEATHER]})
    bench.say("say and call weather")
    bench.send("response.create")
    types = bench.speak()
    assert types[-1] == "response.done"
    assert [e["output_index"] for e in bench.events if e["type"] == "response.output_item.done"] == [0, 1]


def test_tools_that_were_not_offered_are_not_called() -> None:
    bench = Bench(session={"output_modalities": ["text"]})
    bench.say("call weather now")
    bench.send("response.create")
    assert bench.last("response.done")["response"]["output"] == []
    bench.send("response.create", response={"tools": [WEATHER], "tool_choice": "none"})
    assert bench.last("response.done")["response"]["output"] == []
    bench.send(
        "response.create",
        response={"tools": [WEATHER], "tool_choice": {"type": "function", "name": "other"}},
    )
    assert bench.error()["param"] == "response.tool_choice.name"
    chosen = {"tools": [WEATHER], "tool_choice": {"type": "function", "name": "weather"}}
    bench.send("response.create", response=chosen)
    assert bench.mind.requests[-1].tool_choice == {"type": "function", "name": "weather"}


def test_a_choice_that_no_tool_answers_is_told_when_a_turn_ends() -> None:
    bench = Bench(session={"tool_choice": {"type": "function", "name": "gone"}})
    spoken_turn(bench, "hello")
    assert bench.error()["param"] == "response.tool_choice.name"


def test_a_clause_without_a_sound_is_in_the_transcript() -> None:
    bench = Bench()
    bench.say("one. Two. Three")
    bench.send("response.create")
    assert bench.speak(chunks=0)[-1] == "response.done"
    assert (
        bench.last("response.done")["response"]["output"][0]["content"][0]["transcript"]
        == "You said: one. Two. Three."
    )


def test_chunks_that_come_late_or_empty_do_nothing() -> None:
    bench = Bench()
    bench.say("one")
    bench.send("response.create")
    response_id = bench.last("response.created")["response"]["id"]
    assert bench.run(bench.core.spoke(response_id, 0, b"", bench.now)) == []
    aside = {"conversation": "none", "output_modalities": ["audio"]}
    bench.send("response.create", response=aside)
    bench.speak()


def test_speech_from_before_a_waiting_response_is_no_part_of_it() -> None:
    bench = Bench(session=vad(silence_duration_ms=100))
    bench.audio(sound(400) + silence(120))
    response_id = bench.last("response.created")["response"]["id"]
    assert bench.run(bench.core.spoke(response_id, 0, sound(20), bench.now)) == []
    assert bench.run(bench.core.said(response_id, 0, bench.now)) == []


def test_history_without_audio_cannot_be_truncated() -> None:
    bench = Bench()
    said = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_audio", "transcript": "hi"}],
    }
    bench.send("conversation.item.create", item=said)
    item_id = bench.events[-1]["item"]["id"]
    bench.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=0)
    assert bench.error()["code"] == "unsupported_content_type"


def test_out_of_band_responses_leave_no_trace() -> None:
    bench = Bench()
    bench.say("in the conversation")
    bench.send("response.create")
    aside: dict[str, Any] = {
        "conversation": "none",
        "output_modalities": ["text"],
        "metadata": {"topic": "x"},
    }
    types = bench.send("response.create", response=aside)
    assert not any(kind.startswith("conversation.") for kind in types)
    done = bench.last("response.done")["response"]
    assert (done["conversation_id"], done["metadata"]) == (None, {"topic": "x"})
    item_id = done["output"][0]["id"]
    bench.send("conversation.item.retrieve", item_id=item_id)
    assert bench.error()["code"] == "item_retrieve_invalid_item_id"
    bench.speak()


def test_input_replaces_the_context() -> None:
    bench = Bench()
    first = bench.say("first")
    bench.say("second")
    given = [
        {"type": "item_reference", "id": first},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "own"}]},
    ]
    bench.send(
        "response.create", response={"input": given, "conversation": "none", "instructions": "Short."}
    )
    request = bench.mind.requests[-1]
    assert [item["content"][0]["text"] for item in request.conversation] == ["first", "own"]
    assert (request.instructions, request.response_instructions) == ("Short.", "Short.")
    bench.send("response.create", response={"input": [{"type": "item_reference", "id": "gone"}]})
    assert bench.error()["param"] == "response.input[0].id"
    bench.send("response.create", response={"input": [], "conversation": "none"})
    assert bench.mind.requests[-1].conversation == ()


def test_asides_run_beside_each_other_up_to_a_bound() -> None:
    bench = Bench()
    for _ in range(ASIDES):
        assert bench.send("response.create", response={"conversation": "none"})[0] == "response.created"
    bench.send("response.create", response={"conversation": "none"})
    assert bench.error()["code"] == "rate_limit_exceeded"
    second = list(bench.speaks)[1]
    assert bench.send("response.cancel", response_id=second)[-1] == "response.done"
    assert second not in bench.speaks


def test_one_response_at_a_time() -> None:
    bench = Bench()
    bench.say("x")
    bench.send("response.create")
    running = bench.last("response.created")["response"]["id"]
    bench.send("response.create", event_id="agents_py_response_create_2")
    assert bench.error()["code"] == "conversation_already_has_active_response"
    assert running in bench.error()["message"]
    assert bench.error()["event_id"] == "agents_py_response_create_2"


def test_cancel() -> None:
    bench = Bench()
    bench.send("response.cancel", event_id="mine")
    assert (bench.error()["code"], bench.error()["event_id"]) == ("response_cancel_not_active", "mine")
    bench.say("x")
    bench.send("response.create")
    assert bench.send("response.cancel", response_id="resp_other") == ["error"]
    assert bench.send("response.cancel")[-1] == "response.done"
    assert bench.last("response.done")["response"]["status_details"]["reason"] == "client_cancelled"
    assert bench.send("response.create")[0] == "response.created"


def test_cancel_while_the_ears_work() -> None:
    bench = Bench(session=vad(silence_duration_ms=100))
    bench.audio(sound(400) + silence(120))
    assert bench.send("response.cancel") == ["response.done"]
    assert bench.last("response.done")["response"]["output"] == []
    assert bench.hear("too late") == []


def test_an_empty_reply_is_a_response_too() -> None:
    bench = Bench()
    assert bench.send("response.create", response={"instructions": "Be silent."}) == [
        "response.created",
        "response.done",
    ]


def test_a_mind_or_a_voice_that_fails_fails_the_response_only() -> None:
    bench = Bench()
    bench.mind.fails = True
    bench.send("response.create")
    failed = bench.last("response.done")["response"]
    assert (failed["status"], failed["status_details"]["error"]["code"]) == ("failed", "mind_failed")
    bench.mind.fails = False
    bench.send("response.create")
    response_id = next(iter(bench.speaks))
    assert bench.run(bench.core.mute(response_id, bench.now)) == REPLY_ENDS
    failed = bench.last("response.done")["response"]
    assert failed["status_details"]["error"]["code"] == "speech_failed"
    assert bench.send("response.create")[0] == "response.created"


# ── items ──


def test_items_go_where_they_are_put() -> None:
    bench = Bench()
    second = bench.say("two")
    content = [{"type": "input_text", "text": "one"}]
    item = {"id": "mine", "type": "message", "role": "user", "content": content}
    bench.send("conversation.item.create", item=item, previous_item_id="root")
    assert (bench.events[-1]["item"]["id"], bench.events[-1]["previous_item_id"]) == ("mine", None)
    bench.send(
        "conversation.item.create", item=item | {"id": "x"}, previous_item_id="nowhere", event_id="e"
    )
    assert (bench.error()["param"], bench.error()["event_id"]) == ("previous_item_id", "e")
    assert bench.send("conversation.item.delete", item_id=second) == ["conversation.item.deleted"]
    bench.send("conversation.item.delete", item_id=second)
    assert bench.error()["code"] == "item_delete_invalid_item_id"


def test_audio_given_as_an_item_is_heard_and_can_be_retrieved() -> None:
    bench = Bench(session=audio_in(transcription=TRANSCRIBE))
    pcm = base64.b64encode(sound(500)).decode()
    item = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": pcm}]}
    bench.send("conversation.item.create", item=item)
    item_id = bench.events[-1]["item"]["id"]
    assert "audio" not in bench.events[-1]["item"]["content"][0]
    assert bench.send("response.create") == ["response.created"]
    assert bench.hear("from a file")[1] == "conversation.item.input_audio_transcription.completed"
    bench.send("conversation.item.retrieve", item_id=item_id)
    assert bench.events[-1]["item"]["content"][0] == {
        "type": "input_audio",
        "transcript": "from a file",
        "audio": pcm,
    }
    item["content"] = [{"type": "input_audio", "audio": "?"}]
    bench.send("conversation.item.create", item=item)
    assert bench.error()["param"] == "item.content[0].audio"


def test_audio_with_its_words_needs_no_ears() -> None:
    bench = Bench()
    pcm = base64.b64encode(sound(500)).decode()
    content = [{"type": "input_audio", "audio": pcm, "transcript": "known"}]
    bench.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    assert bench.jobs == {}
    bench.send("response.create")
    assert bench.mind.requests[0].conversation[0]["content"][0]["transcript"] == "known"


def test_the_oldest_audio_is_forgotten_first() -> None:
    bench = Bench(session=vad(create_response=False), keep_audio_ms=2000)
    ids = []
    for _ in range(2):
        spoken_turn(bench, "hello")
        ids.append(bench.last("input_audio_buffer.committed")["item_id"])
    for item_id, kept in zip(ids, (False, True), strict=True):
        bench.send("conversation.item.retrieve", item_id=item_id)
        assert ("audio" in bench.events[-1]["item"]["content"][0]) is kept


def test_a_deleted_item_is_not_waited_for() -> None:
    bench = Bench(session=vad(silence_duration_ms=100))
    bench.audio(sound(400) + silence(120))
    item_id = bench.last("input_audio_buffer.committed")["item_id"]
    types = bench.send("conversation.item.delete", item_id=item_id)
    assert types[:2] == ["conversation.item.deleted", "response.output_item.added"]
    assert bench.jobs == {}


def test_an_item_deleted_while_it_is_said_ends_quietly() -> None:
    bench = Bench()
    bench.send("response.create")
    item_id = bench.last("response.content_part.added")["item_id"]
    bench.send("conversation.item.delete", item_id=item_id)
    types = bench.speak()
    assert "conversation.item.done" not in types
    assert types[-1] == "response.done"


def test_history_in_text_and_calls_is_accepted() -> None:
    bench = Bench()
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}
    assert bench.send("conversation.item.create", item=said)[0] == "conversation.item.added"
    bench.send("conversation.item.create", item={"type": "function_call", "name": "f", "arguments": "{}"})
    assert bench.events[-1]["item"]["call_id"].startswith("call_")
    bench.send(
        "conversation.item.create", item={"type": "function_call_output", "call_id": "who", "output": ""}
    )
    assert bench.error()["code"] == "invalid_tool_call_id"


# ── session ──


def test_session_created_is_first_and_whole() -> None:
    bench = Bench()
    bench.run(bench.core.start())
    created = bench.events[-1]
    assert created["type"] == "session.created"
    assert created["session"]["audio"]["output"]["voice"] == "marin"


def test_a_session_cannot_be_altered_through_an_event() -> None:
    bench = Bench()
    bench.send("session.update", session={"type": "realtime", "instructions": "a"})
    bench.events[-1]["session"]["instructions"] = "changed"
    assert bench.core.session["instructions"] == "a"


def test_faulty_updates_change_nothing() -> None:
    bench = Bench()
    before = dict(bench.core.session)
    bench.send("session.update", session={"type": "realtime", "voice": "ash"}, event_id="mine")
    assert (bench.error()["param"], bench.error()["event_id"]) == ("session.voice", "mine")
    mcp = {"type": "mcp", "server_label": "x", "server_url": "https://example.com"}
    bench.send("session.update", session={"type": "realtime", "tools": [mcp]})
    assert bench.error()["param"] == "session.tools[0].type"
    bench.send("response.create", response={"audio": {"output": {"format": {"type": "audio/pcmu"}}}})
    assert bench.error()["param"] == "response.audio.output.format.type"
    assert bench.core.session == before


def test_the_voice_is_fixed_once_it_was_heard() -> None:
    bench = Bench()
    bench.send("response.create")
    bench.send("session.update", session={"type": "realtime", "audio": {"output": {"speed": 1.2}}})
    assert bench.error()["param"] == "session.audio.output.speed"
    bench.speak()
    bench.send("session.update", session={"type": "realtime", "audio": {"output": {"voice": "ash"}}})
    assert bench.error()["code"] == "cannot_update_voice"


def test_the_voice_of_one_response() -> None:
    bench = Bench()
    bench.send("response.create", response={"audio": {"output": {"voice": {"id": "voice_1"}}}})
    assert next(iter(bench.speaks.values()))[0].voice == "voice_1"
    assert bench.last("response.created")["response"]["audio"]["output"]["voice"] == "voice_1"


def test_output_audio_buffer_clear_is_for_other_wires() -> None:
    bench = Bench()
    bench.send("output_audio_buffer.clear", event_id="mine")
    assert bench.error()["event_id"] == "mine"


def test_a_session_ends_after_an_hour() -> None:
    bench = Bench()
    assert bench.core.deadline == bench.now + LIFE_S
    bench.now += LIFE_S
    assert bench.run(bench.core.tick(bench.now)) == ["error"]
    assert (bench.error()["code"], bench.closed) == ("session_expired", True)
    assert (
        bench.send("response.create")
        == bench.audio(sound(40))
        == bench.run(bench.core.tick(bench.now))
        == []
    )


def test_a_silent_caller_is_asked_after_the_idle_timeout() -> None:
    bench = Bench(session=vad(idle_timeout_ms=5000))
    spoken_turn(bench, "hello")
    position = 1200
    bench.speak(chunk_ms=1000, chunks=1)
    clauses = len([e for e in bench.events if e["type"] == "response.output_audio_transcript.delta"])
    expected = bench.now + clauses * 1.0 + 5
    assert bench.core.deadline == pytest.approx(expected, abs=0.5)
    bench.audio(silence(4000))
    assert bench.run(bench.core.tick(bench.now)) == []
    bench.now = bench.core.deadline
    types = bench.run(bench.core.tick(bench.now))
    assert types[:5] == [
        "input_audio_buffer.timeout_triggered",
        *TURN_ENDS[1:],
        "response.created",
    ]
    timeout = bench.last("input_audio_buffer.timeout_triggered")
    assert (timeout["audio_start_ms"], timeout["audio_end_ms"]) == (position, position + 4000)
    assert bench.mind.requests[-1].conversation[-1]["content"][0]["transcript"] == ""


def test_speech_ends_the_wait_for_speech() -> None:
    bench = Bench(session=vad(idle_timeout_ms=5000))
    spoken_turn(bench, "hello")
    bench.speak()
    assert bench.core.deadline < 3600
    bench.audio(sound(100))
    assert bench.core.deadline == 100 + LIFE_S


def test_a_full_conversation_is_told_not_suffered(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(session=vad(idle_timeout_ms=5000))
    bench.say("one")
    bench.send("response.create")
    bench.speak()
    monkeypatch.setattr("gateway.realtime.items.MAX_ITEMS", 2)
    bench.now = bench.core.deadline
    bench.run(bench.core.tick(bench.now))
    assert bench.error()["code"] == "conversation_full"
    assert bench.audio(sound(200) + silence(600)) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "error",
    ]
    bench.send("response.create")
    assert bench.last("response.done")["response"]["status"] == "failed"
    bench.send("response.create", response={"output_modalities": ["text"]})
    assert bench.last("response.done")["response"]["status"] == "failed"


def test_a_call_that_has_no_room_fails_the_response(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(session={"tools": [WEATHER], "output_modalities": ["text"]})
    bench.say("say and call weather")
    monkeypatch.setattr("gateway.realtime.items.MAX_ITEMS", 2)
    bench.send("response.create")
    done = bench.last("response.done")["response"]
    assert (done["status"], len(done["output"])) == ("failed", 1)


def test_a_closed_core_does_nothing() -> None:
    bench = Bench()
    bench.core.close()
    assert bench.send("response.create") == []
