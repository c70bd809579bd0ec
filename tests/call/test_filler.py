"""What callers hear while a tool takes its time, and when they hear nothing of the kind."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.call.filler import FIRST_S, NEXT_S, Filler
from gateway.call.inputs import HoldAsked, SpeechEnded, SpeechStarted, ToolFinished, TransferAsked
from personas.prompt import said_exactly
from tests.call.harness import WEATHER, Bench, persona

pytestmark = pytest.mark.unit

WORDS = ("One moment.", "It takes longer.")


def at_work(tool: str = "weather", words: tuple[str, ...] = WORDS, preamble_ms: int = 0) -> Bench:
    """A call in which the server runs a tool, after the model has said a few words or none."""
    bench = Bench(persona(filler=words), tools=(WEATHER, WEATHER | {"name": "press_keys"}))
    bench.connect()
    bench.reply(ms=100)
    bench.run(1)
    bench.turn("u1", "how is the weather")
    if preamble_ms:
        bench.reply("let me look", preamble_ms, done=False)
        response_id = f"resp_{bench.count}"
    else:
        response_id = "resp_t"
        bench.begin_reply(response_id)
    call = {
        "id": "item_t", "type": "function_call", "name": tool, "call_id": "call_t", "arguments": "{}",
        "status": "completed",
    }  # fmt: skip
    bench.model("response.output_item.added", response_id=response_id, output_index=1, item=call)
    bench.model("response.output_item.done", response_id=response_id, output_index=1, item=call)
    for item in bench.items.values():
        item.finished = True
    bench.finish_reply(response_id)
    assert [run.name for run in bench.tool_runs] == [tool]
    return bench


def fillers(bench: Bench) -> list[str]:
    asked = [event.get("response") or {} for event in bench.asked]
    return [said_exactly(one["instructions"]) or "" for one in asked if one.get("tool_choice") == "none"]


def finish(bench: Bench) -> list[Any]:
    return bench.do(bench.core.tool(ToolFinished("call_t", '{"sun": true}', True), bench.now))


def test_a_silent_line_is_filled_twice_and_the_answer_follows() -> None:
    bench = at_work()
    bench.run(FIRST_S - 0.1)
    assert fillers(bench) == []
    bench.run(0.2)
    assert fillers(bench) == ["One moment."]
    bench.reply("One moment.", 800)
    bench.run(0.8 + NEXT_S - 0.2)
    assert len(fillers(bench)) == 1
    bench.run(0.4)
    bench.reply("It takes longer.", 800)
    bench.run(30)
    assert fillers(bench) == list(WORDS)
    asked = len(bench.asked)
    finish(bench)
    assert len(bench.asked) == asked + 1
    assert "tool_choice" not in (bench.asked[-1].get("response") or {})


def test_a_result_waits_until_the_filler_is_heard() -> None:
    bench = at_work()
    bench.run(FIRST_S + 0.1)
    bench.reply("One moment.", 1000)
    bench.run(0.3)
    asked = len(bench.asked)
    finish(bench)
    assert len(bench.asked) == asked
    bench.run(0.9)
    assert len(bench.asked) == asked + 1
    assert bench.clears == 0


def test_silence_counts_from_the_last_word() -> None:
    bench = at_work(preamble_ms=3000)
    bench.run(3.0 + FIRST_S - 0.2)
    assert fillers(bench) == []
    bench.run(0.4)
    assert fillers(bench) == ["One moment."]


def test_the_caller_interrupts_it_and_the_tool_goes_on() -> None:
    bench = at_work()
    bench.run(FIRST_S + 0.1)
    item = bench.reply("One moment.", 2000)
    bench.run(0.5)
    bench.speak(1.0)
    bench.turn("u2", "actually make that tomorrow please")
    assert item not in bench.items
    assert "call_t" in bench.core._tools.running
    bench.run(0.5)
    assert len(fillers(bench)) == 1
    finish(bench)
    bench.run(3)
    assert (bench.asked[-1].get("response") or {}) == {}, "one answer to both"


def test_whoever_speaks_is_not_talked_over() -> None:
    bench = at_work()
    bench.run(1.5)
    bench.leg(SpeechStarted(60))
    bench.run(3, speech_ms=60)
    assert fillers(bench) == []
    bench.leg(SpeechEnded(200))
    bench.run(FIRST_S - 0.1)
    assert fillers(bench) == []
    bench.run(0.3)
    assert fillers(bench) == ["One moment."]


@pytest.mark.parametrize("why", ["quick", "no words", "heard itself", "hold", "transfer"])
def test_nothing_is_said(why: str) -> None:
    tool = "press_keys" if why == "heard itself" else "weather"
    bench = at_work(tool, () if why == "no words" else WORDS)
    if why == "hold":
        bench.do(bench.core.control(HoldAsked(True), bench.now))
    elif why == "transfer":
        bench.do(bench.core.control(TransferAsked("front desk", warm=False), bench.now))
    bench.run(FIRST_S - 0.2)
    if why == "quick":
        finish(bench)
    bench.run(9)
    assert fillers(bench) == []


def test_what_the_model_failed_to_say_is_not_tried_again() -> None:
    bench = at_work()
    bench.run(FIRST_S + 0.1)
    bench.begin_reply("resp_f")
    bench.finish_reply("resp_f", "failed")
    bench.run(20)
    assert len(fillers(bench)) == 1
    assert bench.ended is None
    finish(bench)
    bench.reply("It is sunny.", 500)
    bench.run(1)
    assert bench.ended is None


def test_tools_one_after_the_other_are_counted_anew() -> None:
    filler = Filler(WORDS)
    for start in (0.0, 100.0):
        assert filler.due(start, {"a"}, silent=True) is None
        assert filler.due(start + FIRST_S, {"a"}, silent=True) == "One moment."
        assert filler.due(start + FIRST_S + 1, set(), silent=True) is None
