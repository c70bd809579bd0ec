"""Each rule of a session that lasts, one by one."""

from __future__ import annotations

import pytest

from gateway.realtime.response import BRIDGING, is_bridging, was_lost
from personas.prompt import CARRY_ON, said_exactly, say_exactly
from tests.continuity.bench import Bench

pytestmark = pytest.mark.unit


def talking() -> Bench:
    """One turn was taken and answered."""
    bench = Bench()
    bench.turn("hello")
    bench.reply()
    return bench


def test_while_nothing_breaks_events_pass_as_they_are() -> None:
    bench = talking()
    assert [event["type"] for event in bench.listener.events] == [
        "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed",
        "conversation.item.added", "conversation.item.done", "response.created",
        "conversation.item.input_audio_transcription.delta", "conversation.item.input_audio_transcription.completed",
        "response.output_item.added", "conversation.item.added", "response.content_part.added",
        *["response.output_audio_transcript.delta", "response.output_audio.delta"] * 4,
        "response.output_audio.done", "response.output_audio_transcript.done", "response.content_part.done",
        "conversation.item.done", "response.output_item.done", "response.done",
    ]  # fmt: skip
    assert len(bench.opens) == 1
    assert bench.proven == [1]


def test_a_quiet_loss_is_not_noticed() -> None:
    bench = talking()
    told = len(bench.listener.events)
    bench.lose()
    bench.deliver()
    assert bench.link == 2
    assert len(bench.listener.events) == told
    assert bench.peer.told() == ["user: hello", "assistant: w1p1_ w2p1_ w3p1_ w4p1_"]
    assert bench.closed == {1: "lost"}
    bench.turn("again")
    bench.reply()
    assert bench.listener.order[-1] == bench.listener.of("conversation.item.added")[-1]["item"]["id"]


def test_a_reply_that_breaks_off_is_ended_and_bridged_and_carried_on() -> None:
    bench = talking()
    bench.turn("and then?")
    bench.peer.open_message()
    bench.peer.speak(3)
    bench.deliver()
    broken = bench.listener.active
    bench.lose()
    bench.deliver()
    done, bridge = bench.listener.of("response.done")[-2:]
    assert done["response"]["id"] == broken
    assert was_lost(done["response"])
    assert done["response"]["output"][0]["status"] == "incomplete"
    assert is_bridging(bridge["response"])
    assert bridge["response"]["metadata"] == BRIDGING
    assert bench.peer.told()[-3:] == [
        "user: and then?",
        "assistant: w5p1_ w6p1_ w7p1_",
        f"system: {CARRY_ON}",
    ]
    bench.ask()
    bench.reply(2)
    bench.deliver()
    assert bench.peer.told()[-2:] == ["assistant: w5p1_ w6p1_ w7p1_", "assistant: w1p2_ w2p2_"], (
        "what told it to carry on is gone again"
    )


def test_words_whose_audio_had_not_come_were_not_said() -> None:
    bench = talking()
    bench.turn("and then?")
    bench.peer.open_message()
    bench.peer.speak(2)
    bench.peer.speak(20, audio=False)
    bench.deliver()
    bench.lose()
    said = bench.peer.told()[-2]
    assert said.startswith("assistant: w5p1_ w6p1_")
    assert "w15p1_" not in said


def test_a_reply_whose_audio_was_complete_counts_as_said() -> None:
    bench = talking()
    bench.turn("and then?")
    bench.peer.open_message()
    bench.peer.speak(3)
    bench.peer.audio_done()
    bench.deliver()
    bench.lose()
    bench.deliver()
    assert bench.listener.of("response.done")[-1]["response"]["status"] == "completed"
    assert bench.listener.types().count("response.created") == 2, "no phrase"
    assert bench.peer.told()[-1] == "assistant: w5p1_ w6p1_ w7p1_"


def test_a_reply_that_was_cancelled_is_not_failed() -> None:
    bench = talking()
    bench.turn("and then?")
    bench.peer.open_message()
    bench.peer.speak(3)
    bench.deliver()
    bench.send("response.cancel")
    bench.lose()
    assert bench.listener.of("response.done")[-1]["response"]["status"] == "cancelled"


def test_a_reply_asked_for_and_not_begun_is_asked_for_again_by_itself() -> None:
    bench = talking()
    bench.send("response.create", event_id="mine", response={"instructions": "Be brief."})
    bench.lose()
    bench.deliver()
    asked = [event for event in bench.peer.received if event["type"] == "response.create"]
    assert [(event["event_id"], event["response"]) for event in asked] == [
        ("mine", {"instructions": "Be brief."})
    ]
    bench.reply()
    assert bench.listener.done[bench.listener.of("response.done")[-1]["response"]["id"]] == "completed"


def test_a_turn_that_the_provider_would_have_answered_is_answered_by_the_next() -> None:
    bench = talking()
    bench.peer.onset()
    bench.pass_time(1)
    bench.peer.offset()
    bench.peer.out = [event for event in bench.peer.out if event["type"] != "response.created"]
    bench.peer.transcribe("are you there?")
    bench.deliver()
    bench.lose()
    bench.deliver()
    assert is_bridging(bench.listener.of("response.created")[1]["response"])
    assert len([e for e in bench.peer.received if e["type"] == "response.create"]) == 1
    assert bench.peer.told()[-1] == "user: are you there?"
    assert bench.listener.active is not None


def test_committed_speech_without_words_is_heard_again_and_stays_the_same_item() -> None:
    bench = talking()
    bench.turn(None)
    item = bench.listener.committed[-1]
    told = len(bench.listener.events)
    bench.lose()
    bench.deliver()
    assert "input_audio_buffer.committed" not in bench.listener.types()[told:]
    turns = [
        event["session"]["audio"]["input"]["turn_detection"]
        for event in bench.peer.received
        if event["type"] == "session.update"
    ]
    assert turns[0] is None
    assert turns[1]["type"] == "server_vad"
    assert bench.given[2][0] == ("replay", 1000, 2000)
    bench.peer.transcribe("what I said")
    bench.deliver()
    assert bench.listener.transcripts[item] == "what I said"
    bench.ask()
    bench.reply()
    bench.lose()
    assert "user: what I said" in bench.peer.told()


def test_the_caller_in_the_midst_of_a_sentence_is_heard_from_its_beginning() -> None:
    bench = talking()
    bench.peer.onset()
    bench.deliver()
    began = bench.listener.of("input_audio_buffer.speech_started")[-1]
    bench.pass_time(2)
    bench.lose()
    assert bench.given[2] == [("live", 1000 - 200, 3000)]
    assert "response.created" not in bench.listener.types()[-1:], "nothing was owed, so no phrase"
    bench.peer.onset()
    bench.deliver()
    assert len(bench.listener.of("input_audio_buffer.speech_started")) == 2
    bench.pass_time(1)
    bench.peer.offset()
    bench.peer.transcribe("a whole sentence")
    bench.deliver()
    stopped = bench.listener.of("input_audio_buffer.speech_stopped")[-1]
    assert stopped["item_id"] == began["item_id"] == bench.listener.committed[-1]
    assert stopped["audio_end_ms"] == 4000, "on the call's own clock"
    assert bench.listener.transcripts[began["item_id"]] == "a whole sentence"


def test_otherwise_the_last_second_is_heard_again() -> None:
    bench = talking()
    bench.pass_time(5)
    bench.peer.say("rate_limits.updated", rate_limits=[])
    bench.deliver()
    bench.pass_time(0.5)
    bench.lose()
    assert bench.given[2] == [("live", 6000 - 1000, 6500)]


def test_push_to_talk_hears_again_what_was_appended_since_the_last_commit() -> None:
    bench = Bench()
    bench.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    bench.deliver()
    bench.pass_time(2)
    bench.send("input_audio_buffer.commit")
    bench.deliver()
    bench.peer.transcribe("one")
    bench.deliver()
    bench.pass_time(3)
    bench.lose()
    assert bench.given[2] == [("live", 2000, 5000)]
    assert bench.opens[-1].session["audio"]["input"]["turn_detection"] is None
    bench.send("input_audio_buffer.commit", event_id="c2")
    bench.lose()
    bench.deliver()
    assert bench.given[3][0] == ("replay", 2000, 5000)
    assert bench.listener.committed[-1].startswith("item_p3")
    assert [e["event_id"] for e in bench.peer.received if e["type"] == "input_audio_buffer.commit"] == [
        "c2"
    ]
    assert not bench.listener.errors


def test_a_tool_call_goes_to_the_next_provider_with_its_result_and_only_then_a_reply_is_asked_for() -> None:
    bench = talking()
    bench.turn("look it up")
    bench.peer.call()
    bench.peer.finish()
    bench.deliver()
    (call_id,) = bench.listener.calls
    bench.lose()
    bench.deliver()
    assert bench.peer.told()[-1] == "user: look it up"
    bench.ask()
    assert all(e["type"] != "response.create" for e in bench.peer.received)
    item = {"type": "function_call_output", "call_id": call_id, "output": "found"}
    bench.send("conversation.item.create", item=item)
    bench.deliver()
    assert bench.peer.told()[-2:] == ['call: look {"a":1}', "output: found"]
    assert [e["type"] for e in bench.peer.received][-1] == "response.create"
    bench.reply()
    assert bench.listener.calls == [call_id]
    bench.lose()
    assert bench.peer.told()[-3:-1] == ['call: look {"a":1}', "output: found"]


def test_a_tool_call_whose_arguments_were_complete_is_run_and_not_made_again() -> None:
    bench = talking()
    bench.turn("look it up")
    bench.peer.call()
    at = next(
        i for i, e in enumerate(bench.peer.out) if e["type"] == "response.function_call_arguments.done"
    )
    bench.deliver(at + 1)
    bench.lose()
    assert len(bench.listener.calls) == 1
    assert bench.listener.of("response.done")[-1]["response"]["status"] == "completed"


def test_a_tool_call_that_was_cut_off_is_never_run() -> None:
    bench = talking()
    bench.turn("look it up")
    bench.peer.call(whole=False)
    bench.deliver()
    bench.lose()
    assert bench.listener.calls == []
    done = bench.listener.of("response.done")[-2]["response"]
    assert was_lost(done)
    assert done["output"][0]["status"] == "incomplete"
    assert bench.peer.told()[-1] == "user: look it up"


def test_what_is_settled_of_a_greeting_is_said_only_as_far_as_it_was_not_heard() -> None:
    bench = Bench()
    bench.ask(instructions=say_exactly("w1p1_ w2p1_, w3p1_ and four five."))
    bench.peer.open_message()
    bench.peer.speak(3)
    bench.deliver()
    bench.lose()
    bench.ask(instructions=say_exactly("w1p1_ w2p1_, w3p1_ and four five."))
    asked = bench.peer.received[-1]
    assert said_exactly(asked["response"]["instructions"]) == "and four five."


def test_a_stall_is_a_loss_but_silence_that_owes_nothing_is_not() -> None:
    bench = talking()
    bench.pass_time(60)
    assert bench.link == 1
    bench.ask()
    bench.pass_time(7.75)
    assert bench.link == 1
    bench.pass_time(0.25)
    assert bench.link == 2
    assert bench.closed == {1: "stalled"}
    assert bench.peer.received[-1]["type"] == "response.create"


def test_a_commit_that_is_not_answered_is_a_stall_too() -> None:
    bench = Bench()
    bench.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    bench.deliver()
    bench.pass_time(2)
    bench.send("input_audio_buffer.commit")
    bench.pass_time(8)
    assert bench.closed == {1: "stalled"}


def test_events_that_come_late_are_dropped() -> None:
    bench = talking()
    bench.turn("and then?")
    bench.peer.open_message()
    bench.peer.speak(3)
    old = bench.peer
    bench.do(bench.core.lost(1, bench.now))
    told = len(bench.listener.events)
    assert old.out
    bench.deliver(link=1)
    assert len(bench.listener.events) == told


def test_the_session_in_force_goes_along_but_not_what_was_refused() -> None:
    bench = talking()
    bench.send("session.update", event_id="u1", session={"type": "realtime", "instructions": "Be brief."})
    bench.send("session.update", event_id="u2", session={"type": "realtime", "instructions": "refuse"})
    bench.deliver()
    assert [error["event_id"] for error in bench.listener.errors] == ["u2"]
    bench.lose()
    assert bench.opens[-1].session["instructions"] == "Be brief."
    assert bench.opens[-1].session["audio"]["output"]["voice"] == "marin"


def test_an_update_that_is_under_way_is_in_force_at_the_next_provider_and_answered() -> None:
    bench = talking()
    bench.open_at_once = False
    bench.send("session.update", session={"type": "realtime", "instructions": "One."})
    bench.lose()
    bench.send("session.update", session={"type": "realtime", "instructions": "Two."})
    bench.open()
    assert bench.opens[-1].session["instructions"] == "One."
    assert bench.peer.session["instructions"] == "Two."
    bench.deliver()
    assert bench.listener.updates == 2


def test_truncating_what_the_next_provider_knows_as_text_shortens_the_text() -> None:
    bench = talking()
    item = bench.listener.order[-1]
    bench.turn("go on")
    bench.reply()
    bench.lose()
    bench.deliver()
    bench.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=600)
    bench.deliver()
    assert bench.listener.of("conversation.item.truncated")[-1]["audio_end_ms"] == 600
    assert bench.peer.told()[:3] == ["user: hello", "assistant: w1p1_ w2p1_", "user: go on"]
    assert not bench.listener.of("conversation.item.deleted")
    bench.lose()
    assert bench.peer.told()[:2] == ["user: hello", "assistant: w1p1_ w2p1_"]


def test_truncating_beyond_the_end_is_an_error_here_as_there() -> None:
    bench = talking()
    item = bench.listener.order[-1]
    bench.lose()
    bench.send(
        "conversation.item.truncate", event_id="t", item_id=item, content_index=0, audio_end_ms=99_999
    )
    assert bench.listener.errors[-1]["event_id"] == "t"
    user = bench.listener.order[0]
    bench.send("conversation.item.truncate", event_id="t2", item_id=user, content_index=0, audio_end_ms=0)
    assert bench.listener.errors[-1]["code"] == "unsupported_content_type"


def test_what_was_truncated_before_the_loss_stays_truncated() -> None:
    bench = talking()
    item = bench.listener.order[-1]
    bench.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=300)
    bench.lose()
    bench.deliver()
    assert bench.listener.of("conversation.item.truncated")
    assert bench.peer.told() == ["user: hello", "assistant: w1p1_"]


def test_items_of_before_can_be_retrieved_and_deleted() -> None:
    bench = talking()
    user, agent = bench.listener.order
    bench.lose()
    bench.deliver()
    bench.send("conversation.item.retrieve", item_id=agent)
    item = bench.listener.of("conversation.item.retrieved")[-1]["item"]
    assert item["content"] == [{"type": "output_audio", "transcript": "w1p1_ w2p1_ w3p1_ w4p1_"}]
    bench.send("conversation.item.delete", item_id=user)
    bench.deliver()
    assert bench.listener.order == [agent]
    assert bench.peer.told() == ["assistant: w1p1_ w2p1_ w3p1_ w4p1_"]
    bench.send("conversation.item.retrieve", event_id="r", item_id="nothing")
    bench.deliver()
    assert bench.listener.errors[-1]["event_id"] == "r"


def test_what_was_just_created_is_retrieved_and_deleted_in_that_order() -> None:
    bench = talking()
    content = [{"type": "input_text", "text": "typed"}]
    typed = {"id": "item_typed", "type": "message", "role": "user", "content": content}
    bench.send("conversation.item.create", item=typed)
    bench.send("conversation.item.retrieve", item_id="item_typed")
    bench.send("conversation.item.delete", item_id="item_typed")
    bench.deliver()
    about = [
        event["type"]
        for event in bench.listener.events
        if "item_typed" in (event.get("item_id"), (event.get("item") or {}).get("id"))
    ]
    assert about == [
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.retrieved",
        "conversation.item.deleted",
    ]


def test_what_a_client_creates_while_nobody_answers_is_created_afterwards() -> None:
    bench = talking()
    bench.open_at_once = False
    bench.lose()
    content = [{"type": "input_text", "text": "typed"}]
    bench.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    bench.ask()
    bench.fail()
    bench.open()
    bench.deliver()
    assert bench.peer.told()[-1] == "user: typed"
    assert [e["type"] for e in bench.peer.received][-1] == "response.create"
    assert bench.listener.items[bench.listener.order[-1]]["content"] == content


def test_ids_that_two_providers_use_alike_stay_apart() -> None:
    bench = Bench(names=lambda _: "x")
    bench.turn("hello")
    bench.reply()
    bench.lose()
    bench.turn("again")
    bench.reply()
    bench.turn("look")
    bench.peer.call()
    bench.peer.finish()
    bench.deliver()
    bench.lose()
    bench.turn("look again")
    bench.peer.call()
    bench.peer.finish()
    bench.deliver()
    assert len(bench.listener.order) == len(set(bench.listener.order)) == 8
    assert len(set(bench.listener.calls)) == 2
    last = bench.listener.order[-1]
    bench.send("conversation.item.delete", item_id=last)
    bench.deliver()
    assert last not in bench.listener.order


def test_providers_are_tried_in_turn_until_time_is_up() -> None:
    bench = talking()
    bench.open_at_once = False
    bench.lose()
    for _ in range(3):
        bench.fail()
    assert [wanted.after for wanted in bench.opens] == [
        None,
        "provider1",
        "provider2",
        "provider3",
        "provider4",
    ]
    assert [wanted.attempt for wanted in bench.opens] == [0, 0, 1, 2, 3]
    bench.pass_time(14.5)
    assert not bench.gave_up
    bench.pass_time(0.5)
    assert bench.gave_up


def test_a_provider_that_opens_and_breaks_at_once_does_not_reset_the_clock() -> None:
    bench = talking()
    bench.open_at_once = False
    bench.lose()
    for _ in range(15):
        bench.pass_time(1)
        if bench.gave_up:
            break
        bench.open()
        bench.do(bench.core.lost(bench.link, bench.now))
    bench.pass_time(1)
    assert bench.gave_up


def test_an_expired_session_speaks_against_nobody() -> None:
    bench = talking()
    bench.peer.say(
        "error", error={"type": "invalid_request_error", "code": "session_expired", "message": "60 min"}
    )
    bench.deliver()
    assert bench.closed == {1: "expired"}
    assert bench.link == 2
    assert not bench.listener.errors


def test_the_phrase_is_said_once_until_a_reply_came_through() -> None:
    bench = talking()
    bench.ask()
    bench.lose()
    bench.lose()
    bench.lose()
    assert [is_bridging(e["response"]) for e in bench.listener.of("response.created")].count(True) == 1
    bench.deliver()
    bench.reply()
    bench.ask()
    bench.lose()
    assert [is_bridging(e["response"]) for e in bench.listener.of("response.created")].count(True) == 2


def test_a_provider_that_answers_nothing_of_so_much_is_left_and_without_one_the_call_ends() -> None:
    bench = talking()
    bench.open_at_once = False
    for _ in range(501):
        bench.send("conversation.item.retrieve", item_id="nothing")
    assert bench.closed == {1: "stalled"}
    for _ in range(501):
        bench.send("session.update", session={"type": "realtime"})
    assert bench.gave_up


def test_no_phrase_without_a_voice_or_in_a_call_of_text() -> None:
    for bench in (Bench(phrase=None), Bench(session={"type": "realtime", "output_modalities": ["text"]})):
        bench.ask()
        bench.lose()
        bench.deliver()
        assert not any(is_bridging(e["response"]) for e in bench.listener.of("response.created"))


def test_a_response_beside_the_conversation_is_asked_for_again_or_failed() -> None:
    bench = talking()
    bench.send("response.create", event_id="o", response={"conversation": "none", "metadata": {"a": "b"}})
    bench.lose()
    bench.deliver()
    assert bench.listener.of("response.done")[-1]["response"]["metadata"] == {"a": "b"}
    assert not any(is_bridging(e["response"]) for e in bench.listener.of("response.created")), (
        "nobody waits for it"
    )


def test_faults_of_our_own_making_are_not_the_calls() -> None:
    bench = talking()
    bench.turn(None)
    item = bench.listener.committed[-1]
    bench.open_at_once = False
    bench.lose()
    bench.open()
    bench.peer.out = [e for e in bench.peer.out if e["type"] != "input_audio_buffer.committed"]
    commit = next(e for e in bench.peer.received if e["type"] == "input_audio_buffer.commit")
    told = {"type": "invalid_request_error", "code": "x", "message": "no", "event_id": commit["event_id"]}
    bench.peer.out.insert(0, {"type": "error", "event_id": "e", "error": told})
    bench.deliver()
    assert not bench.listener.errors
    assert bench.listener.transcripts[item] == "", "nobody need wait for its words any more"
