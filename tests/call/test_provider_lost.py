"""What the call does about a reply whose provider was lost: it asks for it once more, and drops nothing of it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.call.effects import OpenGate
from gateway.call.inputs import ClientSent, ToolFinished
from gateway.errors import MODEL_LOST
from gateway.realtime.response import BRIDGING, PROVIDER_LOST
from tests.call.harness import WEATHER, Bench, persona

pytestmark = pytest.mark.unit

PARAMS = {"instructions": "Be brief."}


def lose(bench: Bench, response_id: str, output: list[dict[str, Any]] | None = None) -> None:
    error = {"type": "server_error", "code": PROVIDER_LOST, "message": "The provider was lost."}
    bench.model(
        "response.done",
        response={
            "id": response_id, "status": "failed", "output": output or [],
            "status_details": {"type": "failed", "error": error},
        },
    )  # fmt: skip


def bridge(bench: Bench) -> str:
    """The phrase that covers the change, as one complete response."""
    bench.count += 1
    response_id, item_id = f"resp_{bench.count}", f"item_{bench.count}"
    bench.model(
        "response.created", response={"id": response_id, "status": "in_progress", "metadata": BRIDGING}
    )
    bench.model(
        "response.output_item.added", response_id=response_id, output_index=0,
        item={"id": item_id, "type": "message", "role": "assistant", "status": "in_progress", "content": []},
    )  # fmt: skip
    bench.audio(response_id, item_id, 1200)
    if item_id in bench.items:
        bench.items[item_id].finished = True
    bench.model(
        "response.done",
        response={"id": response_id, "status": "completed", "output": [], "metadata": BRIDGING},
    )
    return item_id


def speaking(bench: Bench) -> str:
    """A reply that a client asked for is being said."""
    bench.connect()
    bench.reply(ms=100)
    bench.run(1)
    bench.leg(ClientSent('{"type": "response.create", "response": {"instructions": "Be brief."}}'))
    return bench.reply(ms=2000, done=False)


def test_a_lost_reply_is_asked_for_once_more_as_it_was_and_what_was_made_is_heard() -> None:
    bench = Bench(who=persona(policy="open"))
    item = speaking(bench)
    clears, asked = bench.clears, len(bench.asked)
    lose(bench, "resp_2")
    bench.items[item].finished = True
    assert len(bench.asked) == asked + 1
    assert bench.asked[-1]["response"] == PARAMS
    bridge(bench)
    assert len(bench.asked) == asked + 1, "the phrase answers nobody's question"
    rest = bench.reply("five six", 500)
    assert OpenGate(f"resp_{bench.count}") in bench.effects
    bench.run(5)
    assert bench.clears == clears
    assert bench.entries[item].final
    assert not bench.entries[item].interrupted
    assert bench.entries[rest].final
    assert len(bench.asked) == asked + 1


def test_losing_the_provider_is_no_failure_of_the_model_but_losing_it_again_and_again_is() -> None:
    bench = Bench()
    speaking(bench)
    lose(bench, "resp_2")
    bench.begin_reply("resp_10")
    lose(bench, "resp_10")
    bench.run(5)
    assert bench.ended is None
    bench.begin_reply("resp_11")
    bench.finish_reply("resp_11", "failed")
    assert bench.ended is not None
    assert bench.ended.ending == MODEL_LOST


def test_a_reply_that_came_through_makes_good_for_the_loss() -> None:
    bench = Bench()
    speaking(bench)
    for number in range(4):
        lose(bench, f"resp_{bench.count}")
        bench.reply("whole", 100)
        bench.run(3)
        bench.turn(f"u{number}", "and then?")
        bench.reply("half", 100, done=False)
    assert bench.ended is None


def test_a_reply_whose_tool_runs_is_not_asked_for_again() -> None:
    bench = Bench(tools=(WEATHER,))
    bench.connect()
    bench.reply(ms=100)
    bench.run(1)
    bench.turn("u1", "how is the weather")
    bench.begin_reply("resp_7")
    call = {
        "id": "item_7", "type": "function_call", "name": "weather", "call_id": "call_7", "arguments": "{}",
        "status": "completed",
    }  # fmt: skip
    bench.model("response.output_item.added", response_id="resp_7", output_index=0, item=call)
    bench.model("response.output_item.done", response_id="resp_7", output_index=0, item=call)
    asked = len(bench.asked)
    lose(bench, "resp_7", [call])
    bench.run(3)
    assert len(bench.tool_runs) == 1
    assert len(bench.asked) == asked
    bench.do(bench.core.tool(ToolFinished("call_7", "sunny", ok=True), bench.now))
    assert len(bench.asked) == asked + 1


def test_a_reply_the_caller_interrupted_is_not_brought_back() -> None:
    bench = Bench()
    speaking(bench)
    bench.run(0.5)
    bench.speak(1.0)
    asked = len(bench.asked)
    lose(bench, "resp_2")
    bench.run(3)
    assert len(bench.asked) == asked


def test_a_caller_who_interrupts_during_the_change_hears_neither_phrase_nor_rest() -> None:
    bench = Bench()
    speaking(bench)
    bench.run(0.5)
    lose(bench, "resp_2")
    bench.speak(1.0)
    before = len(bench.gates)
    bridge(bench)
    bench.begin_reply("resp_30")
    assert len(bench.gates) == before
    assert bench.cancelled[-1] == "resp_30"
