"""Another agent takes over: once the one before was heard, with its own words, tools and voice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.call.beginning import beginning, core_of
from gateway.call.effects import Effect, Succeed
from gateway.call.inputs import SpeechEnded, SpeechStarted, SuccessorAsked, ToolFinished
from gateway.call.journal import plain, restored
from gateway.call.sessions import CoreSettings, succeeded_session, visible_session
from gateway.call.shorthand import shorthand
from gateway.call.succession import WAIT_S
from gateway.ports import Event
from personas.persona import Limits
from personas.prompt import said_exactly
from tests.call.harness import WEATHER, Bench, persona
from tests.call.relay_bench import RelayBench

pytestmark = pytest.mark.unit

LOOK_UP: dict[str, Any] = WEATHER | {"name": "look_up"}
NEXT = persona(
    id="next", display_name="Next", instructions="You are the next one.", default_voice="cedar",
    greeting="This is the next one.", farewell="Bye from the next one.", still_there="Next: are you there?",
    limits=Limits(silence_s=5, length_s=600), tools=("look_up",),
)  # fmt: skip
ASKED = SuccessorAsked(NEXT, (LOOK_UP,))


class SuccessionBench(Bench):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.succeeded: list[str] = []

    def do(self, effects: list[Effect]) -> list[Effect]:
        self.succeeded += [effect.persona_id for effect in effects if isinstance(effect, Succeed)]
        return super().do(effects)

    def ask(self) -> None:
        self.do(self.core.control(ASKED, self.now))

    def said(self) -> list[str | None]:
        return [said_exactly((ask.get("response") or {}).get("instructions")) for ask in self.asked]

    def calling(self, ms: int = 1000) -> None:
        """A reply that announces the next agent and calls the tool that asks for it."""
        self.turn("u1", "i would like somebody else")
        self.run(0.1)
        self.begin_reply("resp_1")
        message = {"id": "item_1", "type": "message", "role": "assistant", "status": "in_progress"}
        self.model("response.output_item.added", response_id="resp_1", output_index=0, item=message)
        self.audio("resp_1", "item_1", ms)
        call = {
            "id": "fc_1", "type": "function_call", "name": "weather", "call_id": "call_1",
            "arguments": "{}", "status": "completed",
        }  # fmt: skip
        self.model("response.output_item.done", response_id="resp_1", output_index=1, item=call)
        if "item_1" in self.items:
            self.items["item_1"].finished = True
        self.finish_reply("resp_1")


def bench(**more: Any) -> SuccessionBench:
    made = SuccessionBench(persona(greeting=""), (WEATHER,), **more)
    made.connect()
    return made


def updated(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = [event for event in bench.client if event["type"] == "session.updated"][-1]
    return found["session"]  # type: ignore[no-any-return]


def test_the_agent_before_is_heard_out_and_the_next_one_speaks_first() -> None:
    call = bench()
    call.calling()
    call.ask()
    call.do(call.core.tool(ToolFinished("call_1", "{}", ok=True), call.now))
    assert call.succeeded == []
    call.run(0.5)
    assert call.succeeded == [], "the agent before is still speaking"
    call.run(1.0)
    assert call.succeeded == ["next"]
    assert call.said()[1:] == ["This is the next one."], "nobody is asked to use the tool's result"
    session = updated(call)
    assert session["instructions"].startswith("You are the next one.")
    assert session["audio"]["output"]["voice"] == "cedar"
    assert session["tools"] == []


def test_its_tools_its_patience_and_its_farewell_are_its_own() -> None:
    call = bench()
    call.ask()
    assert call.succeeded == ["next"]
    call.reply("hello", 500)
    call.run(1.0)
    call.run(5.5)
    assert call.said()[-1] == "Next: are you there?"
    call.reply("are you there", 500)
    call.run(1.0)
    call.turn("u1", "look it up")
    call.run(0.1)
    call.begin_reply("resp_tool")
    for name in ("weather", "look_up"):
        item = {
            "id": f"fc_{name}", "type": "function_call", "name": name, "call_id": f"call_{name}",
            "arguments": "{}", "status": "completed",
        }  # fmt: skip
        call.model("response.output_item.done", response_id="resp_tool", output_index=0, item=item)
    assert [run.name for run in call.tool_runs] == ["look_up"], "the other one's tool is not run any more"


def test_what_the_caller_said_last_the_next_agent_answers() -> None:
    call = bench()
    call.calling(600)
    call.ask()
    call.do(call.core.tool(ToolFinished("call_1", "{}", ok=True), call.now))
    call.run(0.2)
    call.leg(SpeechStarted(60))
    call.run(1.2, speech_ms=60)
    assert call.succeeded == [], "the caller speaks"
    call.leg(SpeechEnded(200))
    call.turn("u2", "and please be quick")
    call.run(0.4)
    assert call.succeeded == ["next"]
    assert call.asked[-1].get("response") in (None, {}), "an answer, not a greeting"


def test_a_caller_who_never_stops_does_not_keep_it_away() -> None:
    call = bench()
    call.leg(SpeechStarted(60))
    call.ask()
    call.run(WAIT_S - 1, speech_ms=60)
    assert call.succeeded == []
    call.run(2.0, speech_ms=60_000)
    assert call.succeeded == ["next"]


def test_of_two_that_are_asked_for_the_later_one_takes_over_once() -> None:
    call = bench()
    call.calling()
    call.ask()
    other = persona(id="other", greeting="Other.")
    call.do(call.core.control(SuccessorAsked(other), call.now))
    call.do(call.core.tool(ToolFinished("call_1", "{}", ok=True), call.now))
    call.run(2.0)
    assert call.succeeded == ["other"]


# ── where the client plays the audio ──


def relay(**more: Any) -> RelayBench:
    made = RelayBench(persona(policy="open", greeting=""), (WEATHER,), **more)
    made.open()
    return made


def sent(made: RelayBench, kind: str) -> list[Event]:
    return [event for event in made.sent if event["type"] == kind]


def test_a_clients_own_settings_outlast_the_agent() -> None:
    tool = {"type": "function", "name": "mine", "parameters": {"type": "object", "properties": {}}}
    made = relay(
        wanted={
            "type": "realtime", "tools": [tool], "output_modalities": ["text"],
            "audio": {"input": {"format": {"type": "audio/pcmu"}, "turn_detection": None}},
        }
    )  # fmt: skip
    made.do(made.core.control(ASKED, made.now))
    session = [event for event in made.leg_events if event["type"] == "session.updated"][-1]["session"]
    assert [each["name"] for each in session["tools"]] == ["mine"]
    assert session["output_modalities"] == ["text"]
    assert session["audio"]["input"]["turn_detection"] is None
    assert session["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert session["audio"]["output"]["voice"] == "cedar"
    assert said_exactly(sent(made, "response.create")[-1]["response"]["instructions"]) == NEXT.greeting


def test_a_reply_that_runs_is_waited_for() -> None:
    made = relay()
    made.client("response.create")
    made.model("response.created", response={"id": "resp_1", "status": "in_progress"})
    made.do(made.core.control(ASKED, made.now))
    assert len(sent(made, "response.create")) == 1
    made.model("response.done", response={"id": "resp_1", "status": "completed", "output": []})
    assert len(sent(made, "response.create")) == 2


# ── written down ──


def test_it_is_journaled_whole_and_replayed() -> None:
    told = json.loads(json.dumps(plain(ASKED)))
    again = restored(told)
    assert again.tools == ASKED.tools
    assert again.persona.model_dump(exclude={"dialogue", "hear"}) == NEXT.model_dump(
        exclude={"dialogue", "hear"}
    )
    who = persona(greeting="")
    session = visible_session(who, "s-1", "test", (), expires_at=1)
    began = beginning(CoreSettings("rtc_1", who, session, ()), plays=True)
    first, second = core_of("rtc_1", began), core_of("rtc_1", began)
    assert shorthand(first.control(ASKED, 1.0)) == shorthand(second.control(again, 1.0))
    assert first.session == second.session


def test_whether_the_model_reasons_is_the_next_agents_to_say() -> None:
    reasoning = NEXT.model_copy(update={"reasoning_effort": "low"})
    before = visible_session(NEXT, "sess_1", "m", ())
    after = succeeded_session(before, reasoning, (), plays=True)
    assert after["reasoning"] == {"effort": "low"}
    assert "reasoning" not in succeeded_session(after, NEXT, (), plays=True)
