"""Putting callers through, and hold: what the core wants done, whatever comes in whatever order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from gateway.call.effects import Effect, Hold, Join, Reach, TransferFailed
from gateway.call.inputs import (
    DigitPressed,
    HoldAsked,
    Joined,
    Lost,
    SpeechEnded,
    SpeechStarted,
    ToolFinished,
    TransferAnswered,
    TransferAsked,
)
from gateway.call.transfer import CONSULTING_S, LEAVING_S, OBJECTED, TABLE, Act, Cue, Stage
from gateway.errors import HUNG_UP, TRANSFERRED
from tests.call.harness import WEATHER, Bench, persona
from tests.call.test_core_properties import PhoneMachine

pytestmark = pytest.mark.unit


class TransferBench(Bench):
    """Keeps what the core wants of the carrier."""

    held = False
    joined = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reaches: list[Reach] = []
        self.failures: list[str] = []
        self.asks = 0

    def do(self, effects: list[Effect]) -> list[Effect]:
        super().do(effects)
        for effect in effects:
            match effect:
                case Hold(on):
                    assert on is not self.held, "put on hold twice, or brought back twice"
                    self.held = on
                case Reach():
                    self.reaches.append(effect)
                case TransferFailed(reason):
                    self.failures.append(reason)
                case Join():
                    self.joined = True
                case _:
                    pass
        return effects

    def control(self, wish: Any) -> list[Effect]:
        return self.do(self.core.control(wish, self.now))

    def ask(self, *, warm: bool = False) -> None:
        self.asks += 1
        self.control(TransferAsked("front desk", warm=warm))

    def calling(self, *, spoken: bool = True, warm: bool = False) -> None:
        """A reply that says something, or not, and calls the tool that asks for a transfer."""
        self.turn("u1", "can i speak to the front desk")
        self.run(0.1)
        self.count += 1
        response, item = f"resp_{self.count}", f"item_{self.count}"
        self.begin_reply(response)
        if spoken:
            message = {"id": item, "type": "message", "role": "assistant", "status": "in_progress"}
            self.model("response.output_item.added", response_id=response, output_index=0, item=message)
            self.audio(response, item, 1000)
        call = {"id": "fc_1", "type": "function_call", "name": "weather", "call_id": "call_1"}
        self.model(
            "response.output_item.done",
            response_id=response,
            output_index=1,
            item={**call, "status": "completed", "arguments": "{}"},
        )
        self.ask(warm=warm)
        if spoken and item in self.items:
            self.items[item].finished = True
        self.finish_reply(response)

    def tool_ends(self) -> None:
        self.do(self.core.tool(ToolFinished("call_1", "{}", ok=False), self.now))


def connected(**more: Any) -> TransferBench:
    bench = TransferBench(persona(greeting=None), tools=(WEATHER,), recalls=True, **more)
    bench.connect()
    return bench


def test_the_agent_is_heard_out_then_the_carrier_is_commanded_once() -> None:
    bench = connected()
    bench.calling()
    bench.run(0.9)
    assert bench.reaches == []
    bench.run(0.3)
    assert bench.reaches == [Reach("front desk", warm=False)]
    assert bench.held
    bench.run(1)
    bench.control(TransferAnswered(ok=True))
    assert bench.ended is not None
    assert bench.ended.ending == TRANSFERRED
    assert len(bench.reaches) == 1


def test_a_silent_tool_call_is_announced_first() -> None:
    bench = connected()
    bench.calling(spoken=False)
    bench.run(0.1)
    assert bench.reaches == []
    assert "put you through" in str(bench.asked[-1])
    bench.reply("one moment please", 800)
    bench.run(1)
    assert len(bench.reaches) == 1


def test_refused_the_agent_is_back_and_the_model_is_told() -> None:
    bench = connected()
    bench.calling()
    bench.run(1.2)
    bench.control(TransferAnswered(ok=False, reason="Nobody there."))
    assert bench.failures == ["Nobody there."]
    assert not bench.held
    asked = len(bench.asked)
    bench.tool_ends()
    bench.run(0.2)
    assert len(bench.asked) == asked + 1, "the model goes on with the tool's error"
    assert bench.ended is None


def test_a_caller_who_speaks_up_is_not_put_through() -> None:
    bench = connected()
    bench.calling()
    bench.run(0.3)
    bench.speak(1.0)
    assert bench.failures == [OBJECTED]
    bench.run(LEAVING_S + 1)
    assert bench.reaches == []


def test_a_caller_who_says_thank_you_is() -> None:
    bench = connected()
    bench.calling()
    bench.run(0.6)
    bench.speak(0.3)
    bench.turn("u2", "okay thank you")
    bench.run(2)
    assert bench.failures == []
    assert len(bench.reaches) == 1


@pytest.mark.parametrize(("ok", "ending"), [(True, TRANSFERRED), (False, HUNG_UP)])
def test_a_line_that_is_over_before_the_carrier_answers_waits_for_the_answer(
    ok: bool, ending: object
) -> None:
    bench = connected()
    bench.calling()
    bench.run(1.2)
    bench.leg(Lost(HUNG_UP))
    assert bench.ended is None
    bench.control(TransferAnswered(ok=ok, reason=""))
    assert bench.ended is not None
    assert bench.ended.ending == ending


def test_while_the_other_is_asked_the_caller_is_on_hold_and_nobody_asks_whether_they_are_there() -> None:
    bench = connected()
    bench.calling(warm=True)
    bench.run(1.2)
    assert bench.reaches == [Reach("front desk", warm=True)]
    asked = len(bench.asked)
    bench.run(CONSULTING_S - 5)
    bench.leg(DigitPressed("5"))
    assert len(bench.asked) == asked
    assert bench.held
    bench.control(TransferAnswered(ok=True))
    assert bench.joined
    assert not bench.held
    bench.run(1000)
    assert bench.ended is None, "two people talk for as long as they like"
    bench.leg(Lost(HUNG_UP))
    assert bench.ended is not None
    assert bench.ended.ending == TRANSFERRED


def test_a_caller_who_hangs_up_on_hold_has_hung_up() -> None:
    bench = connected()
    bench.calling(warm=True)
    bench.run(1.2)
    bench.leg(Lost(HUNG_UP))
    assert bench.ended is not None
    assert bench.ended.ending == HUNG_UP


def test_the_call_of_the_person_ends_with_what_the_two_say() -> None:
    bench = connected()
    bench.reply()
    bench.control(Joined())
    bench.run(2000)
    assert bench.ended is None
    bench.leg(Lost(HUNG_UP))
    assert bench.ended is not None
    assert bench.ended.ending == TRANSFERRED


def test_on_hold_no_time_passes() -> None:
    bench = connected()
    bench.control(HoldAsked(on=True))
    bench.control(HoldAsked(on=True))
    assert bench.held
    bench.run(700)
    assert bench.asked == []
    assert bench.ended is None
    bench.control(HoldAsked(on=False))
    assert not bench.held
    bench.run(19)
    assert bench.asked == []
    bench.run(2)
    assert "still there" in str(bench.asked)


def test_every_way_out_of_hold_leads_to_the_agent_a_person_or_the_end() -> None:
    for (stage, _), (after, acts) in TABLE.items():
        if stage in (Stage.COMMANDED, Stage.CONSULTING) and after is Stage.NONE:
            assert Act.UNHOLD in acts
            assert Act.TELL in acts
        if after in (Stage.COMMANDED, Stage.CONSULTING):
            assert acts == (Act.HOLD, Act.REACH)
        if after is Stage.GONE:
            assert Act.END in acts or Act.LOSE in acts
        assert acts.count(Act.REACH) <= 1
    assert not any(stage is Stage.GONE for stage, _ in TABLE), "nothing follows the end"
    assert {cue for _, cue in TABLE} == set(Cue)


class TransferMachine(PhoneMachine):
    """Transfers asked for by tools at any moment, and answered at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.bench: TransferBench = TransferBench(tools=(WEATHER,), recalls=True)
        self.answered = 0
        self.lost = False

    def outstanding(self) -> bool:
        return len(self.bench.reaches) > self.answered

    @precondition(lambda self: self.live() and bool(self.running))
    @rule(warm=st.booleans())
    def transfer(self, warm: bool) -> None:
        self.bench.report()
        self.bench.ask(warm=warm)

    @precondition(lambda self: self.live() and self.outstanding())
    @rule(ok=st.booleans())
    def answer(self, ok: bool) -> None:
        self.answered = len(self.bench.reaches)
        self.bench.control(TransferAnswered(ok=ok, reason="no"))

    @precondition(lambda self: self.live())
    @rule(on=st.booleans())
    def hold(self, on: bool) -> None:
        self.bench.control(HoldAsked(on))

    @precondition(lambda self: self.live() and self.outstanding())
    @rule()
    def line_lost(self) -> None:
        self.lost = True
        self.bench.leg(Lost(HUNG_UP))

    @invariant()
    def one_command_a_wish(self) -> None:
        assert len(self.bench.reaches) + len(self.bench.failures) <= 2 * self.bench.asks
        assert len(self.bench.reaches) <= self.bench.asks

    @invariant()
    def nobody_is_left_alone(self) -> None:
        """While the carrier is being asked the caller is on hold; then with a person, or the agent is back."""
        if self.live() and self.outstanding() and not self.lost and not self.gave_up():
            assert self.bench.held

    def gave_up(self) -> bool:
        return self.bench.core._transfer.stage is Stage.NONE

    def teardown(self) -> None:
        if self.live() and self.outstanding():
            self.bench.control(TransferAnswered(ok=False, reason="no"))
        if self.live() and self.bench.held:
            self.bench.control(HoldAsked(on=False))
        if self.live() and self.bench.core._transfer.stage is Stage.LEAVING:
            self.bench.leg(DigitPressed("#"))
        if self.live() and not self.bench.joined:
            assert not self.bench.held
            super().teardown()


TestTransfers = TransferMachine.TestCase
TestTransfers.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


def test_speech_on_hold_never_reaches_the_core() -> None:
    """What the shell takes care of: here only that a stray one does no harm."""
    bench = connected()
    bench.calling(warm=True)
    bench.run(1.2)
    bench.leg(SpeechStarted(60))
    bench.leg(SpeechEnded(200))
    bench.run(3)
    assert bench.held
    assert bench.failures == []
