"""The core of client-played legs, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.call.inputs import AudioCame, HangUpAsked, Lost
from gateway.call.relay import SILENT_S
from gateway.call.toolwork import CLIENT_S
from gateway.errors import AGENT_HUNG_UP, CALLER_SILENT, HUNG_UP, TOO_LONG
from personas.prompt import say_exactly
from tests.call.harness import WEATHER, persona
from tests.call.relay_bench import RelayBench

pytestmark = pytest.mark.unit

MINE: dict[str, Any] = {
    "type": "function",
    "name": "mine",
    "description": "The client's",
    "parameters": {"type": "object", "properties": {}},
}


def bench(**fields: Any) -> RelayBench:
    made = RelayBench(**fields)
    made.open()
    return made


def locked(**fields: Any) -> RelayBench:
    return bench(who=persona(policy="locked", greeting=""), **fields)


# ── session ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_session_comes_first_and_complete() -> None:
    scene = bench(tools=(WEATHER,))
    first = scene.leg_events[0]
    assert first["type"] == "session.created"
    assert first["session"]["id"] == "s-1"
    assert first["session"]["tools"] == []
    assert first["session"]["audio"]["input"]["turn_detection"]["create_response"] is True
    assert "mcp_list_tools.completed" in scene.types()


def test_turn_detection_passes_as_the_client_asked() -> None:
    scene = bench()
    for vad in (
        None,
        {"type": "semantic_vad", "eagerness": "low"},
        {"type": "server_vad", "idle_timeout_ms": 6000},
    ):
        scene.client(
            "session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": vad}}}
        )
        told = scene.leg_events[-1]["session"]["audio"]["input"]["turn_detection"]
        sent = scene.sent[-1]["session"]["audio"]["input"]["turn_detection"]
        assert told == sent
        assert (told or {}).get("create_response", vad is not None) == (vad is not None)


def test_formats_are_between_the_client_and_its_leg() -> None:
    scene = bench()
    formats = {"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcma"}}}
    scene.client("session.update", session={"type": "realtime", "audio": formats})
    audio = scene.leg_events[-1]["session"]["audio"]
    assert (audio["input"]["format"]["type"], audio["output"]["format"]["type"]) == (
        "audio/pcmu",
        "audio/pcma",
    )
    assert scene.sent == []
    response_id = scene.begin()
    assert scene.leg_events[-1]["response"]["audio"]["output"]["format"] == {"type": "audio/pcma"}
    scene.finish(response_id)
    assert scene.leg_events[-1]["response"]["audio"]["output"]["format"] == {"type": "audio/pcma"}


def test_a_reply_may_have_a_format_of_its_own() -> None:
    scene = bench()
    scene.client("response.create", response={"audio": {"output": {"format": {"type": "audio/pcmu"}}}})
    assert scene.asked()[0].get("response", {}) == {}
    response_id = scene.begin()
    assert scene.leg_events[-1]["response"]["audio"]["output"]["format"] == {"type": "audio/pcmu"}
    scene.finish(response_id)
    scene.client("response.create")
    scene.begin()
    assert scene.leg_events[-1]["response"]["audio"]["output"]["format"]["type"] == "audio/pcm"


def test_the_packages_first_updates_are_answered() -> None:
    scene = locked()
    scene.client(
        "session.update",
        session={
            "type": "realtime",
            "model": "gpt-realtime-2.1",
            "instructions": "Be mine.",
            "tools": [MINE],
        },
    )
    updated = scene.leg_events[-1]
    assert updated["type"] == "session.updated"
    assert updated["session"]["model"] == "test"
    assert "Be mine." not in updated["session"]["instructions"]
    assert scene.remarks[-1]["type"] == "FieldsRefused"
    assert scene.remarks[-1]["fields"] == ["instructions", "tools"]
    scene.client("session.update", session={"type": "realtime", "tracing": "auto"})
    assert scene.leg_events[-1]["session"]["tracing"] == "auto"
    assert scene.errors() == []


def test_the_model_that_answers_is_shown() -> None:
    scene = bench()
    scene.core.answering("embedded-2")
    scene.client("session.update", session={"type": "realtime", "tracing": None})
    assert scene.leg_events[-1]["session"]["model"] == "embedded-2"


def test_what_the_client_wanted_from_the_start_applies() -> None:
    scene = bench(wanted={"type": "realtime", "instructions": "Be brief.", "tools": [MINE]})
    session = scene.leg_events[0]["session"]
    assert session["instructions"] == "Be brief."
    assert [tool["name"] for tool in session["tools"]] == ["mine"]


def test_transcription_that_only_the_record_needs_is_hidden() -> None:
    scene = bench()
    scene.client(
        "session.update", session={"type": "realtime", "audio": {"input": {"transcription": None}}}
    )
    assert scene.sent[-1]["session"]["audio"]["input"]["transcription"] is not None
    scene.model("input_audio_buffer.committed", item_id="u1", previous_item_id=None)
    scene.model(
        "conversation.item.input_audio_transcription.completed",
        item_id="u1",
        content_index=0,
        transcript="hi",
    )
    assert not any("transcription" in kind for kind in scene.types())
    assert scene.entries["u1"].text == "hi"


# ── errors find their sender ──────────────────────────────────────────────────────────────────────────────


def test_faults_echo_the_client_event() -> None:
    scene = bench()
    scene.raw("{")
    scene.client("conversation.item.truncate", event_id="e1", item_id="x", content_index=0)
    scene.client("output_audio_buffer.clear", event_id="e2")
    scene.client("nonsense", event_id="e3")
    assert scene.errors() == [
        ("invalid_event", None), ("missing_required_parameter", "e1"), ("invalid_value", "e2"),
        ("invalid_value", "e3"),
    ]  # fmt: skip
    assert scene.sent == []


def test_errors_of_the_model_go_to_whose_event_it_was() -> None:
    scene = bench()
    scene.join(1)
    scene.client("conversation.item.retrieve", event_id="same", item_id="a")
    scene.client("conversation.item.retrieve", origin=1, event_id="same", item_id="b")
    for event in scene.sent:
        scene.refuse(event, "item_retrieve_invalid_item_id")
    assert scene.errors(0) == scene.errors(1) == [("item_retrieve_invalid_item_id", "same")]
    scene.refuse({"event_id": "event_parley_x"}, "whatever")
    scene.refuse({"event_id": None}, "for_all")
    assert [e["error"]["code"] for e in scene.leg_events if e["type"] == "error"] == [
        "item_retrieve_invalid_item_id", "for_all",
    ]  # fmt: skip


def test_a_sideband_sees_the_session_and_acts_with_open_policy() -> None:
    scene = locked()
    scene.join(1)
    assert scene.told[1][0]["type"] == "session.created"
    scene.client("session.update", origin=1, session={"type": "realtime", "instructions": "Be mine."})
    assert scene.leg_events[-1]["session"]["instructions"] == "Be mine."
    scene.client("input_audio_buffer.append", origin=1, event_id="a", audio="AAAA")
    assert scene.errors(1) == [("invalid_value", "a")]
    assert scene.errors(0) == []


# ── replies ───────────────────────────────────────────────────────────────────────────────────────────────


def test_one_reply_at_a_time() -> None:
    scene = bench()
    scene.client("response.create", event_id="first")
    scene.client("response.create", event_id="second")
    response_id = scene.begin()
    scene.client("response.create", event_id="third")
    assert scene.errors() == [
        ("conversation_already_has_active_response", "second"),
        ("conversation_already_has_active_response", "third"),
    ]
    assert response_id in scene.told[0][-1]["error"]["message"]
    scene.finish(response_id)
    scene.client("response.create", event_id="fourth")
    assert len(scene.asked()) == 2


def test_a_reply_of_the_models_own_accord_is_the_active_one() -> None:
    scene = bench()
    response_id = scene.begin()
    scene.client("response.create", event_id="e")
    assert scene.errors() == [("conversation_already_has_active_response", "e")]
    scene.finish(response_id)


def test_replies_beside_the_conversation_run_in_parallel() -> None:
    scene = bench(tools=(WEATHER,))
    scene.client("response.create")
    for topic in ("a", "b"):
        reply = {"conversation": "none", "metadata": {"topic": topic}, "output_modalities": ["text"]}
        scene.client("response.create", response=reply)
    assert len(scene.asked()) == 3
    assert scene.asked()[1]["response"]["tools"] == []
    main = scene.begin()
    fields: dict[str, Any] = {"conversation_id": None, "output_modalities": ["text"]}
    second = scene.begin(metadata={"topic": "b"}, **fields)
    first = scene.begin(metadata={"topic": "a"}, **fields)
    scene.lose(second)
    assert scene.asked()[-1]["response"]["metadata"] == {"topic": "b"}
    scene.client("response.cancel", response_id=first)
    assert scene.sent[-1] | {"event_id": ""} == {
        "type": "response.cancel",
        "response_id": first,
        "event_id": "",
    }
    assert scene.gates == {main, second}
    assert scene.errors() == []


def test_a_cancelled_reply_sends_no_more_audio() -> None:
    scene = bench()
    scene.client("response.cancel", event_id="none")
    assert scene.errors() == [("response_cancel_not_active", "none")]
    scene.client("response.create")
    response_id = scene.begin()
    item_id = scene.item(response_id)
    scene.audio(response_id, item_id, 1000, "one two three four")
    scene.now += 0.4
    scene.client("response.cancel")
    assert scene.sent[-1]["type"] == "response.cancel"
    assert response_id not in scene.gates
    # The next may be asked for at once; it waits until this one is over.
    scene.client("response.create")
    assert len(scene.asked()) == 1
    scene.finish(response_id, "cancelled", details={"type": "cancelled", "reason": "client_cancelled"})
    assert len(scene.asked()) == 2
    entry = scene.entries[item_id]
    assert (entry.interrupted, entry.estimated, entry.heard_ms) == (True, True, 400)


def test_a_reply_cancelled_before_it_began_is_killed_on_arrival() -> None:
    scene = bench()
    scene.client("response.create")
    scene.client("response.cancel")
    response_id = scene.begin()
    assert scene.sent[-1]["response_id"] == response_id
    assert response_id not in scene.gates


def test_a_lost_reply_is_asked_for_once_more_as_it_was() -> None:
    scene = bench()
    asked = {"instructions": "Sing.", "audio": {"output": {"format": {"type": "audio/pcmu"}}}}
    scene.client("response.create", response=asked)
    scene.lose(scene.begin())
    assert [event.get("response") for event in scene.asked()] == [{"instructions": "Sing."}] * 2
    again = scene.begin()
    assert scene.leg_events[-1]["response"]["audio"]["output"]["format"] == {"type": "audio/pcmu"}
    scene.lose(again)
    assert len(scene.asked()) == 2
    assert scene.ended is None


def test_a_client_that_asks_while_a_lost_reply_is_asked_for_again_has_its_turn_afterwards() -> None:
    scene = bench()
    scene.client("response.create")
    scene.lose(scene.begin())
    again = scene.begin()
    scene.client("response.create", response={"instructions": "Next."}, event_id="mine")
    assert scene.errors() == []
    scene.finish(again)
    assert [event.get("response") for event in scene.asked()] == [None, None, {"instructions": "Next."}]


def test_a_refused_reply_is_told_and_leaves_the_way_free() -> None:
    scene = bench()
    scene.client("response.create", event_id="mine")
    scene.refuse(scene.asked()[0], "invalid_value")
    assert scene.errors() == [("invalid_value", "mine")]
    scene.client("response.create")
    assert len(scene.asked()) == 2


# ── tools ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tool_of_the_servers_is_run_and_its_result_spoken_about() -> None:
    scene = bench(tools=(WEATHER,))
    scene.client("response.create")
    response_id = scene.begin()
    scene.call_tool(response_id, "weather", "call_1")
    scene.finish(response_id)
    assert [run.tool_call_id for run in scene.tool_runs] == ["call_1"]
    assert "response.done" not in scene.types()
    scene.end_tool("call_1")
    assert scene.types()[-1] == "response.done"
    assert [event["type"] for event in scene.sent[-2:]] == ["conversation.item.create", "response.create"]
    assert not any("function_call" in kind for kind in scene.types())


def mixed() -> RelayBench:
    scene = bench(tools=(WEATHER,))
    scene.client("session.update", session={"type": "realtime", "tools": [MINE]})
    scene.client("response.create")
    response_id = scene.begin()
    scene.call_tool(response_id, "weather", "call_1")
    scene.call_tool(response_id, "mine", "call_2", index=2)
    scene.finish(response_id)
    return scene


def give(scene: RelayBench) -> None:
    item = {"type": "function_call_output", "call_id": "call_2", "output": "{}"}
    scene.client("conversation.item.create", item=item)


def test_both_kinds_of_tools_the_client_asks() -> None:
    scene = mixed()
    give(scene)
    scene.client("response.create", event_id="go on")
    assert len(scene.asked()) == 1, "the server's result is still to come"
    scene.end_tool("call_1")
    assert len(scene.asked()) == 2
    assert scene.errors() == []
    scene.begin()
    scene.run(CLIENT_S + 1)
    assert len(scene.asked()) == 2


def test_both_kinds_of_tools_and_a_client_that_does_not_ask() -> None:
    scene = mixed()
    scene.end_tool("call_1")
    scene.run(CLIENT_S + 1)
    assert len(scene.asked()) == 1, "the client's result is still to come"
    give(scene)
    scene.run(CLIENT_S - 1)
    assert len(scene.asked()) == 1
    scene.run(2)
    assert len(scene.asked()) == 2


def test_tools_of_the_clients_alone_are_its_own_business() -> None:
    scene = bench()
    scene.client("session.update", session={"type": "realtime", "tools": [MINE]})
    scene.client("response.create")
    response_id = scene.begin()
    scene.call_tool(response_id, "mine", "call_2")
    scene.finish(response_id)
    give(scene)
    scene.run(30)
    assert len(scene.asked()) == 1


def test_a_provider_lost_while_a_tool_runs() -> None:
    scene = bench(tools=(WEATHER,))
    scene.client("response.create")
    response_id = scene.begin()
    scene.call_tool(response_id, "weather", "call_1")
    scene.lose(response_id)
    assert len(scene.asked()) == 1, "its result asks for the rest"
    scene.end_tool("call_1")
    assert len(scene.asked()) == 2


def test_the_agent_hangs_up_once_it_was_heard() -> None:
    scene = bench(tools=(WEATHER,))
    scene.client("response.create")
    response_id = scene.begin()
    item_id = scene.item(response_id)
    scene.audio(response_id, item_id, 3000, "good bye then")
    scene.call_tool(response_id, "weather", "call_1")
    scene.do(scene.core.control(HangUpAsked(), scene.now))
    scene.end_tool("call_1")
    scene.finish(response_id)
    scene.run(2.5)
    assert scene.ended is None
    scene.run(1)
    assert scene.ended is not None
    assert scene.ended.ending == AGENT_HUNG_UP
    assert scene.entries[item_id].heard_ms == 3000


# ── what was heard ────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_heard_is_the_clients_word() -> None:
    scene = bench()
    scene.client("response.create")
    _, item_id = scene.reply(ms=2000)
    scene.now += 1.5
    scene.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    reckoned = scene.entries[item_id]
    assert (reckoned.heard_ms, reckoned.estimated, reckoned.interrupted) == (1500, True, True)
    scene.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1000)
    assert scene.sent[-1]["audio_end_ms"] == 1000
    told = scene.entries[item_id]
    assert (told.heard_ms, told.estimated, told.text, told.unheard) == (
        1000,
        False,
        "one two",
        "three four",
    )


def test_a_truncation_beyond_what_was_sent_is_refused() -> None:
    scene = bench()
    scene.client("response.create")
    _, item_id = scene.reply(ms=2000)
    sent = len(scene.sent)
    scene.client(
        "conversation.item.truncate", event_id="t", item_id=item_id, content_index=0, audio_end_ms=2001
    )
    assert scene.errors() == [("invalid_value", "t")]
    assert len(scene.sent) == sent
    scene.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=2000)
    scene.client("conversation.item.truncate", item_id="item_unknown", content_index=0, audio_end_ms=1)
    assert len(scene.sent) == sent + 2, "what has no audio here is the model's to judge"


def test_without_a_word_all_of_it_was_heard_in_time() -> None:
    scene = bench()
    scene.client("response.create")
    _, item_id = scene.reply(ms=2000)
    scene.run(1)
    assert not scene.entries[item_id].final
    scene.run(1.5)
    entry = scene.entries[item_id]
    assert (entry.final, entry.heard_ms, entry.estimated, entry.interrupted) == (True, 2000, True, False)


def test_an_interruption_by_the_model() -> None:
    scene = bench()
    response_id = scene.begin()
    item_id = scene.item(response_id)
    scene.audio(response_id, item_id, 4000, "one two three four")
    scene.now += 1.0
    scene.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    scene.finish(response_id, "cancelled", details={"type": "cancelled", "reason": "turn_detected"})
    entry = scene.entries[item_id]
    assert (entry.heard_ms, entry.text, entry.unheard) == (1000, "one", "two three four")
    scene.client("response.create", event_id="go")
    assert scene.errors() == []


def test_push_to_talk_does_not_interrupt() -> None:
    scene = bench()
    scene.client(
        "session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    )
    scene.client("response.create")
    _, item_id = scene.reply(ms=2000)
    scene.client("input_audio_buffer.commit")
    scene.model("input_audio_buffer.committed", item_id="u1", previous_item_id=item_id)
    scene.run(3)
    assert not scene.entries[item_id].interrupted


# ── items ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_items_stand_behind_the_list_of_tools() -> None:
    scene = bench(tools=(WEATHER,))
    scene.client("conversation.item.create", item=text("hello"))
    item = scene.sent[-1]["item"]
    scene.model("conversation.item.added", item=item, previous_item_id=None)
    assert scene.leg_events[-1]["previous_item_id"] == "item_parley_tools"
    scene.client("conversation.item.create", previous_item_id="root", item={**text("first"), "id": "a"})
    scene.model("conversation.item.added", item=scene.sent[-1]["item"], previous_item_id=None)
    assert scene.leg_events[-1]["previous_item_id"] is None
    scene.client("conversation.item.create", previous_item_id="item_parley_tools", item=text("second"))
    assert scene.sent[-1]["previous_item_id"] == "root"


def test_the_list_of_tools_can_be_retrieved_and_deleted() -> None:
    scene = bench(tools=(WEATHER,))
    scene.client("conversation.item.retrieve", item_id="item_parley_tools")
    assert scene.leg_events[-1]["item"]["type"] == "mcp_list_tools"
    scene.client("conversation.item.delete", item_id="item_parley_tools")
    assert scene.types()[-1] == "conversation.item.deleted"
    assert scene.sent == []
    scene.client("conversation.item.create", item=text("hello"))
    scene.model("conversation.item.added", item=scene.sent[-1]["item"], previous_item_id=None)
    assert scene.leg_events[-1]["previous_item_id"] is None


def text(words: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": words}]}


def test_a_locked_persona_takes_user_messages_only() -> None:
    scene = locked()
    scene.client("conversation.item.create", event_id="s", item={**text("obey"), "role": "system"})
    scene.client("conversation.item.delete", event_id="d", item_id="x")
    assert scene.errors() == [("not_allowed", "s"), ("not_allowed", "d")]


# ── greeting and limits ───────────────────────────────────────────────────────────────────────────────────


def greeter(**fields: Any) -> RelayBench:
    return bench(who=persona(policy="open"), **fields)


def test_the_greeting_of_a_silent_client() -> None:
    scene = greeter()
    scene.run(0.45)
    assert scene.asked() == []
    scene.run(0.1)
    assert scene.asked()[0]["response"]["instructions"] == say_exactly("Hello there.")
    # What is asked for over it waits for its end.
    scene.client("response.create", event_id="mine")
    assert scene.errors() == []
    assert len(scene.asked()) == 1
    scene.reply()
    assert len(scene.asked()) == 2


def test_the_greeting_soon_after_the_first_message() -> None:
    scene = greeter()
    scene.client("session.update", session={"type": "realtime", "tracing": "auto"})
    scene.run(0.2)
    assert len(scene.asked()) == 1


@pytest.mark.parametrize(
    "sent",
    [
        {"type": "response.create"},
        {"type": "conversation.item.create", "item": text("hello")},
        {"type": "session.update", "session": {"type": "realtime", "instructions": "You are Bob."}},
    ],
)
def test_no_greeting_where_the_client_leads(sent: dict[str, Any]) -> None:
    scene = greeter()
    scene.client(**{"kind": sent["type"], **{k: v for k, v in sent.items() if k != "type"}})
    scene.run(2)
    assert not any("instructions" in event.get("response", {}) for event in scene.asked())


def test_a_client_that_sends_nothing_at_all() -> None:
    scene = bench(who=persona(policy="open", greeting="", limits={"length_s": 3000}))
    scene.run(SILENT_S - 10)
    scene.do(scene.core.leg(AudioCame(), scene.now))
    scene.run(SILENT_S - 10)
    assert scene.ended is None
    scene.run(11)
    assert scene.ended is not None
    assert scene.ended.ending == CALLER_SILENT


def test_the_longest_call() -> None:
    scene = bench(who=persona(policy="open", greeting="", limits={"length_s": 60}))
    scene.run(61)
    assert scene.ended is not None
    assert scene.ended.ending == TOO_LONG


def test_the_end_closes_what_is_open() -> None:
    scene = bench()
    scene.client("response.create")
    _, item_id = scene.reply(ms=2000)
    scene.now += 1
    scene.do(scene.core.leg(Lost(HUNG_UP), scene.now))
    assert scene.ended is not None
    assert (scene.entries[item_id].heard_ms, scene.entries[item_id].final) == (1000, True)
    assert scene.core.tick(scene.now + 1) == []
