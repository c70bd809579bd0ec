"""The core of gateway-played legs and its clients: tools on both sides, sidebands, and whose fault is whose."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.call.effects import ToLeg
from gateway.call.inputs import ClientSent, SidebandJoined, ToolFinished
from gateway.call.toolwork import CLIENT_S, ToolWork
from tests.call.harness import WEATHER, Bench, persona
from tests.call.relay_bench import RelayBench
from tests.realtime.noise import json_noise

pytestmark = pytest.mark.unit

MINE: dict[str, Any] = {
    "type": "function",
    "name": "mine",
    "parameters": {"type": "object", "properties": {}},
}


def greeted() -> Bench:
    bench = Bench(who=persona(policy="open"), tools=(WEATHER,))
    bench.connect()
    bench.reply("Hello there.", 500)
    bench.run(1)
    return bench


def say(bench: Bench, kind: str, origin: int = 0, **fields: Any) -> list[ToLeg]:
    """What a client is told of one event."""
    effects = bench.leg(ClientSent(json.dumps({"type": kind, **fields}), origin))
    return [effect for effect in effects if isinstance(effect, ToLeg)]


def mixed() -> Bench:
    """The model called a tool of ours and one of the client's in one response."""
    bench = greeted()
    say(bench, "session.update", session={"type": "realtime", "tools": [MINE]})
    bench.turn("u1", "what is the weather")
    bench.begin_reply("resp_t")
    for call_id, name in (("call_1", "weather"), ("call_2", "mine")):
        item = {"id": f"fc_{call_id}", "type": "function_call", "name": name, "call_id": call_id}
        item |= {"status": "completed", "arguments": "{}"}
        bench.model("response.output_item.done", response_id="resp_t", output_index=0, item=item)
    bench.finish_reply("resp_t")
    return bench


def give(bench: Bench) -> None:
    say(
        bench, "conversation.item.create",
        item={"type": "function_call_output", "call_id": "call_2", "output": "{}"},
    )  # fmt: skip


def end_ours(bench: Bench) -> None:
    bench.do(bench.core.tool(ToolFinished("call_1", "{}", True), bench.now))


def test_the_client_asks_once_both_results_are_there() -> None:
    bench = mixed()
    asked = len(bench.asked)
    give(bench)
    assert say(bench, "response.create") == []
    assert len(bench.asked) == asked, "our result is still to come"
    end_ours(bench)
    assert len(bench.asked) == asked + 1
    bench.reply("It is sunny.", 500)
    bench.run(CLIENT_S)
    assert len(bench.asked) == asked + 1


def test_we_ask_when_the_client_does_not() -> None:
    bench = mixed()
    asked = len(bench.asked)
    end_ours(bench)
    bench.run(1)
    give(bench)
    bench.run(CLIENT_S - 1)
    assert len(bench.asked) == asked
    bench.run(1.5)
    assert len(bench.asked) == asked + 1


def test_whose_turn_it_is_after_tools() -> None:
    work = ToolWork()
    work.began("a", "r1", ours=True)
    work.began("b", "r1", ours=True)
    assert work.ended("a") is None
    assert work.ended("b") == 0.0
    work.began("c", "r2", ours=False)
    assert work.given("c") is None
    assert work.given("unknown") is None
    work.began("d", "r3", ours=True)
    work.began("e", "r3", ours=False)
    assert work.given("e") is None
    assert work.ended("d") == CLIENT_S
    with pytest.raises(KeyError):
        work.ended("d")


def test_a_sideband_beside_the_event_channel() -> None:
    bench = greeted()
    (created,) = bench.leg(SidebandJoined(1))
    assert isinstance(created, ToLeg)
    assert (created.to, created.event["type"]) == (1, "session.created")
    (refused,) = say(
        bench, "conversation.item.truncate", 1, event_id="t", item_id="x", content_index=0, audio_end_ms=1
    )
    assert (refused.to, refused.event["error"]["event_id"]) == (1, "t")
    say(bench, "conversation.item.retrieve", 1, event_id="r", item_id="x")
    sent = bench.model_sent[-1]
    assert sent["event_id"] != "r", "two clients may call their events the same"
    error = {"type": "invalid_request_error", "code": "c", "message": "m", "event_id": sent["event_id"]}
    told = bench.model("error", error=error)
    assert [(e.to, e.event["error"]["event_id"]) for e in told if isinstance(e, ToLeg)] == [(1, "r")]


@given(
    messages=st.lists(json_noise().map(json.dumps) | st.text(max_size=30), max_size=8),
    origin=st.integers(0, 2),
)
def test_noise_is_answered_and_hurts_nobody(messages: list[str], origin: int) -> None:
    played, relayed = greeted(), RelayBench(tools=(WEATHER,))
    relayed.open()
    for message in messages:
        effects = played.leg(ClientSent(message, origin))
        assert all(e.to in (None, origin) for e in effects if isinstance(e, ToLeg))
        relayed.raw(message, origin)
    assert played.ended is None
    assert relayed.ended is None
