"""A call at its budget: what runs is finished, no reply is begun but the farewell, and the call ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant

from gateway.call.effects import Effect, Remark
from gateway.call.inputs import ClientSent, HangUpAsked, SpeechStarted, ToolFinished
from gateway.errors import AGENT_HUNG_UP, OVER_BUDGET
from gateway.pricing.tariff import Rates, Tariff
from personas.persona import Limits
from personas.prompt import said_exactly, say_exactly
from tests.call.harness import WEATHER, Bench, persona
from tests.call.relay_bench import RelayBench
from tests.call.test_core_properties import CallMachine
from tests.call.test_relay_properties import RelayMachine

pytestmark = pytest.mark.unit

TARIFF = Tariff({("openai", "m"): Rates(text_in=1.0, text_out=1.0, date="2026-11-21")})
DOLLAR = {"input_tokens": 1_000_000, "output_tokens": 0}
FAREWELL = say_exactly(persona().farewell)


def costing(dollars: float) -> dict[str, Any]:
    return {"input_tokens": round(dollars * 1_000_000), "output_tokens": 0}


class Spender(Bench):
    """Each response costs `each` dollars of a budget of one."""

    each = 0.4
    asked_when_spent: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.core.answering("m", "openai")

    def do(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            super().do([effect])
            if isinstance(effect, Remark) and effect.event["type"] == "BudgetSpent":
                self.asked_when_spent = len(self.asked)
        return effects

    def finish_reply(self, response_id: str, status: str = "completed") -> None:
        usage = costing(self.each)
        done = {"id": response_id, "status": status, "output": [], "usage": usage}
        self.model("response.done", response=done)

    def remarks(self) -> list[str]:
        return [effect.event["type"] for effect in self.effects if isinstance(effect, Remark)]

    def instructions(self) -> list[str | None]:
        return [said_exactly((event.get("response") or {}).get("instructions")) for event in self.asked]

    def errors(self) -> list[str]:
        return [event["error"]["code"] for event in self.client if event["type"] == "error"]


def spender(**fields: Any) -> Spender:
    return Spender(tariff=TARIFF, budget_usd=1.0, **fields)


def greeted(bench: Spender) -> None:
    """The greeting is said: 0.4."""
    bench.connect()
    bench.reply()
    bench.run(3)


def turn(bench: Spender, item: str) -> None:
    bench.speak(1.0)
    bench.turn(item, "what does it cost")
    bench.run(0.7)


def test_it_warns_then_says_what_it_says_then_the_farewell_and_ends() -> None:
    bench = spender()
    greeted(bench)
    turn(bench, "u1")
    bench.reply()
    assert "BudgetNearlySpent" in bench.remarks()
    bench.run(3)
    turn(bench, "u2")
    said = bench.reply(ms=2000)
    assert "BudgetSpent" in bench.remarks()
    bench.run(1)
    assert bench.items[said].sent < 2000, "it is being said to its end"
    assert bench.truncated == {}
    asked = len(bench.asked)
    bench.run(2)
    assert bench.items[said].sent == 2000
    assert bench.instructions()[asked:] == [persona().farewell]
    bench.reply("thank you goodbye", 1000)
    assert bench.ended is None
    bench.run(2)
    assert bench.ended is not None
    assert bench.ended.ending == OVER_BUDGET


def test_the_caller_cannot_talk_it_out_of_the_end() -> None:
    bench = spender()
    bench.each = 2.0
    greeted(bench)
    assert bench.instructions()[-1] == persona().farewell
    bench.reply("thank you goodbye", 3000)
    bench.run(0.5)
    bench.speak(1.5)
    bench.turn("u1", "wait one more thing please")
    asked = len(bench.asked)
    bench.run(3)
    assert len(bench.asked) == asked, "no reply is begun"
    assert bench.ended is not None
    assert bench.ended.ending == OVER_BUDGET


def test_a_farewell_that_never_comes_does_not_hold_the_call() -> None:
    bench = spender()
    bench.each = 2.0
    greeted(bench)
    bench.run(45)
    assert bench.ended is not None
    assert bench.ended.ending == OVER_BUDGET


def test_a_client_is_refused_with_a_code() -> None:
    bench = spender()
    bench.each = 2.0
    greeted(bench)
    for reply in ({}, {"conversation": "none"}):
        ask = {"type": "response.create", "event_id": "mine", "response": reply}
        bench.leg(ClientSent(json.dumps(ask)))
    told = [event["error"] for event in bench.client if event["type"] == "error"]
    assert [(error["code"], error["event_id"]) for error in told] == [("budget_exceeded", "mine")] * 2


def test_a_clients_reply_that_waits_for_a_tool_is_given_up_with_a_code() -> None:
    bench = spender(tools=(WEATHER,))
    bench.each = 0.0
    greeted(bench)
    turn(bench, "u1")
    bench.begin_reply("resp_t")
    call = {
        "id": "fc_1",
        "type": "function_call",
        "name": "weather",
        "call_id": "call_1",
        "status": "completed",
    }
    bench.model(
        "response.output_item.done", response_id="resp_t", output_index=0, item={**call, "arguments": "{}"}
    )
    bench.finish_reply("resp_t")
    bench.leg(ClientSent(json.dumps({"type": "response.create"})))
    bench.model(
        "conversation.item.input_audio_transcription.completed", item_id="u1", content_index=0, transcript="x",
        usage=DOLLAR,
    )  # fmt: skip
    assert bench.errors() == [], "what transcribes has no price here"
    bench.each = 2.0
    bench.model("response.created", response={"id": "aside", "conversation_id": None, "output": []})
    bench.finish_reply("aside")
    assert bench.errors() == ["budget_exceeded"]
    asked = len(bench.asked)
    bench.run(1)
    assert len(bench.asked) == asked, "the tool still runs"
    bench.do(bench.core.tool(ToolFinished("call_1", "{}", True), bench.now))
    assert bench.instructions()[asked:] == [persona().farewell]


def test_transcription_counts_too() -> None:
    bench = Spender(
        tariff=Tariff({("openai", "gpt-4o-mini-transcribe"): Rates(minute=60.0)}), budget_usd=1.0
    )
    greeted(bench)
    bench.speak(1.0)
    bench.model("input_audio_buffer.committed", item_id="u1", previous_item_id=None)
    bench.model(
        "conversation.item.input_audio_transcription.completed", item_id="u1", content_index=0,
        transcript="what does it cost", usage={"type": "duration", "seconds": 1.0},
    )  # fmt: skip
    assert bench.remarks()[-1] == "BudgetSpent"


def test_a_reply_of_the_models_own_accord_is_cancelled() -> None:
    bench = spender(who=persona(turns="provider"))
    bench.each = 2.0
    greeted(bench)
    bench.reply("thank you goodbye", 3000)
    bench.begin_reply("resp_own")
    assert bench.cancelled == ["resp_own"]
    assert "resp_own" not in bench.gates


def test_a_call_that_ends_anyway_gets_no_second_farewell() -> None:
    bench = spender()
    bench.each = 0.0
    greeted(bench)
    turn(bench, "u1")
    bench.do(bench.core.control(HangUpAsked(), bench.now))
    bench.each = 2.0
    bench.reply("goodbye", 1000)
    asked = len(bench.asked)
    bench.run(3)
    assert len(bench.asked) == asked
    assert bench.ended is not None
    assert bench.ended.ending == OVER_BUDGET


def test_within_the_budget_nothing_changes() -> None:
    bench = spender()
    bench.each = 0.01
    greeted(bench)
    turn(bench, "u1")
    bench.do(bench.core.control(HangUpAsked(), bench.now))
    bench.reply("goodbye", 1000)
    bench.run(3)
    assert bench.ended is not None
    assert bench.ended.ending == AGENT_HUNG_UP


def test_the_personas_budget_is_a_limit_of_it() -> None:
    assert Limits(budget_usd=0.5).budget_usd == 0.5
    with pytest.raises(ValueError, match="budget_usd"):
        Limits(budget_usd=0)


# ── a client that plays for itself ──


class RelaySpender(RelayBench):
    each = 2.0
    asked_when_spent: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.core.answering("m", "openai")

    def do(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            super().do([effect])
            if isinstance(effect, Remark) and effect.event["type"] == "BudgetSpent":
                self.asked_when_spent = len(self.asked())
        return effects

    def finish(self, response_id: str, status: str = "completed", **fields: Any) -> None:
        super().finish(response_id, status, usage=costing(self.each), **fields)

    def codes(self) -> list[str]:
        return [event["error"]["code"] for event in self.leg_events if event["type"] == "error"]


def relay(**fields: Any) -> RelaySpender:
    bench = RelaySpender(tariff=TARIFF, budget_usd=1.0, **fields)
    bench.open()
    return bench


def test_the_client_is_told_after_the_response_and_the_call_ends_when_it_was_played() -> None:
    bench = relay()
    bench.client("response.create")
    bench.reply(ms=2000)
    kinds = bench.types()
    assert kinds.index("error") > kinds.index("response.done")
    assert bench.codes() == ["budget_exceeded"]
    bench.run(1)
    assert bench.ended is None, "the client still plays"
    bench.run(3)
    assert bench.ended is not None
    assert bench.ended.ending == OVER_BUDGET
    assert len(bench.asked()) == 1, "there is no farewell"


def test_text_has_no_playing_to_wait_for() -> None:
    bench = relay()
    bench.client("response.create")
    bench.finish(bench.begin())
    assert bench.codes() == ["budget_exceeded"]
    assert bench.ended is not None
    assert bench.ended.ending == OVER_BUDGET


def test_nothing_more_is_asked_for_nor_let_run() -> None:
    bench = relay()
    bench.client("response.create")
    bench.reply(ms=5000)
    bench.client("response.create", event_id="more")
    bench.client("response.create", event_id="aside", response={"conversation": "none"})
    assert bench.errors() == [("budget_exceeded", "more"), ("budget_exceeded", "aside")]
    own = bench.begin()
    assert [event["response_id"] for event in bench.sent if event["type"] == "response.cancel"] == [own]
    bench.finish(own, "cancelled")
    assert len(bench.asked()) == 1
    bench.run(10)
    assert bench.ended is not None


def test_a_client_that_never_finishes_playing_is_not_waited_for() -> None:
    bench = relay()
    bench.client("response.create")
    bench.reply(ms=60_000)
    bench.run(25)
    assert bench.ended is not None
    assert bench.ended.ending == OVER_BUDGET


# ── properties ──


class SpentMachine(CallMachine):
    """Everything that must hold of a call, with a budget that some of its replies use up."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = self.spender = spender(tools=(WEATHER,))

    @invariant()
    def nothing_is_asked_for_but_the_farewell(self) -> None:
        if self.spender.asked_when_spent is not None:
            said = self.spender.instructions()[self.spender.asked_when_spent :]
            assert said in ([], [persona().farewell])

    def teardown(self) -> None:
        super().teardown()
        bench = self.spender
        if bench.core._spending.over and self.connected and self.live():
            bench.run(60)
            assert bench.ended is not None
            assert bench.ended.ending == OVER_BUDGET


TestSpentCall = SpentMachine.TestCase
TestSpentCall.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)


class SpentRelayMachine(RelayMachine):
    def __init__(self) -> None:
        super().__init__()
        self.bench = self.spender = RelaySpender(
            who=persona(policy="open"), tools=(WEATHER,), tariff=TARIFF, budget_usd=1.0
        )
        self.spender.each = 0.4

    @invariant()
    def nothing_is_asked_for_any_more(self) -> None:
        if self.spender.asked_when_spent is not None:
            assert len(self.spender.asked()) == self.spender.asked_when_spent


TestSpentRelay = SpentRelayMachine.TestCase
TestSpentRelay.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)


def test_the_end_comes_even_while_the_caller_speaks() -> None:
    bench = spender()
    bench.each = 2.0
    bench.connect()
    bench.reply()
    bench.run(1)
    bench.leg(SpeechStarted(60))
    bench.run(45, speech_ms=60)
    assert bench.ended is not None
    assert bench.ended.ending == OVER_BUDGET
