"""What must hold of a call whatever happens, in whatever order: Hypothesis plays caller, model, tools and time."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.call.effects import Clear, ToModel
from gateway.call.inputs import (
    DigitPressed,
    HandOverAsked,
    HangUpAsked,
    MachineVerdict,
    SpeechEnded,
    SpeechStarted,
    ToneEnded,
    ToneStarted,
    ToolDecided,
    ToolFinished,
)
from gateway.call.reply import STALL_S
from gateway.call.turn import TABLE, Act, Cue, Floor, is_backchannel, step
from tests.call.harness import WEATHER, Bench, persona

pytestmark = pytest.mark.unit


CLIENT_MESSAGES = [
    "{",
    "[]",
    '{"type": "response.create"}',
    '{"type": "response.cancel"}',
    '{"type": "response.create", "response": {"conversation": "none"}}',
    '{"type": "output_audio_buffer.clear"}',
    '{"type": "session.update", "session": {"type": "realtime", "instructions": "x"}}',
    '{"type": "conversation.item.retrieve", "item_id": "item_2"}',
    '{"type": "input_audio_buffer.append", "audio": ""}',
]


class CallMachine(RuleBasedStateMachine):
    recalls = False
    outbound = False

    def __init__(self) -> None:
        super().__init__()
        words = ("One moment.", "It takes longer.")
        who = persona(filler=words, voicemail="Please call us back." if self.outbound else None)
        self.bench = Bench(who, tools=(WEATHER,), recalls=self.recalls, outbound=self.outbound)
        self.speaking = False
        self.connected = False
        self.items = 0
        self.open_responses: dict[str, str] = {}
        """Responses the model makes: id → item id."""
        self.unanswered = 0
        self.cut: set[str] = set()
        """Items that were interrupted: nothing of them may ever be queued again."""
        self.running: list[str] = []
        self.undecided: list[str] = []
        self.tools = 0

    def live(self) -> bool:
        return self.bench.ended is None

    @precondition(lambda self: not self.live())
    @rule()
    def over(self) -> None:
        """Nothing follows the end."""
        assert self.bench.leg(SpeechStarted(60)) == []
        assert self.bench.core.tick(self.bench.now + 100) == []

    @precondition(lambda self: self.live() and not self.connected)
    @rule()
    def connect(self) -> None:
        self.connected = True
        self.bench.connect()

    @precondition(lambda self: self.live())
    @rule(seconds=st.sampled_from([0.05, 0.2, 0.5, 1.0, 3.0, 25.0]), speech=st.integers(1, 900))
    def time_passes(self, seconds: float, speech: int) -> None:
        self.bench.run(seconds, speech_ms=speech if self.speaking else 0)

    @precondition(lambda self: self.live() and self.connected and not self.speaking)
    @rule()
    def onset(self) -> None:
        self.speaking = True
        self.bench.report()
        self.bench.leg(SpeechStarted(60))

    @precondition(lambda self: self.live() and self.connected)
    @rule()
    def the_model_hears_something(self) -> None:
        self.bench.report()
        self.bench.model("input_audio_buffer.speech_started", item_id="hint", audio_start_ms=0)

    @precondition(lambda self: self.live() and self.speaking)
    @rule()
    def offset(self) -> None:
        self.speaking = False
        self.bench.leg(SpeechEnded(200))

    @precondition(lambda self: self.live() and self.connected)
    @rule(digit=st.sampled_from("015*#D"))
    def key(self, digit: str) -> None:
        self.bench.report()
        self.bench.leg(DigitPressed(digit))

    @precondition(lambda self: self.live() and self.connected)
    @rule(
        text=st.sampled_from(["", "uh huh", "okay", "stop", "i want to book an appointment"]),
        words=st.booleans(),
    )
    def caller_turn(self, text: str, words: bool) -> None:
        self.items += 1
        item = f"u{self.items}"
        self.bench.model("input_audio_buffer.speech_started", item_id=item, audio_start_ms=0)
        self.bench.model("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        if words:
            self.bench.words(item, text)

    @precondition(lambda self: self.live() and self.waiting_for_reply())
    @rule()
    def reply_begins(self) -> None:
        self.items += 1
        response, item = f"resp_{self.items}", f"item_{self.items}"
        self.unanswered = len(self.bench.asked)
        self.open_responses[response] = item
        self.bench.begin_reply(response)
        shape = {"id": item, "type": "message", "role": "assistant", "status": "in_progress"}
        self.bench.model("response.output_item.added", response_id=response, output_index=0, item=shape)

    def waiting_for_reply(self) -> bool:
        return len(self.bench.asked) > self.unanswered and not self.open_responses

    @precondition(lambda self: self.live() and bool(self.open_responses))
    @rule(ms=st.integers(20, 4000))
    def reply_audio(self, ms: int) -> None:
        response, item = next(iter(self.open_responses.items()))
        if response in self.bench.gates:
            assert item not in self.cut, "audio of an interrupted reply would be played"
        self.bench.audio(response, item, ms)
        self.bench.model(
            "response.output_audio_transcript.delta",
            response_id=response,
            item_id=item,
            delta="some words ",
        )

    @precondition(lambda self: self.live() and bool(self.open_responses))
    @rule(tool=st.booleans(), failed=st.sampled_from([False, False, True]))
    def reply_ends(self, tool: bool, failed: bool) -> None:
        response, item = next(iter(self.open_responses.items()))
        del self.open_responses[response]
        if tool and response not in self.bench.cancelled:
            self.tools += 1
            call = {
                "id": f"fc_{self.tools}",
                "type": "function_call",
                "name": "weather",
                "call_id": f"call_{self.tools}",
            }
            before = len(self.bench.tool_runs)
            self.bench.model(
                "response.output_item.done",
                response_id=response,
                output_index=1,
                item={**call, "status": "completed", "arguments": "{}"},
            )
            self.running += [run.tool_call_id for run in self.bench.tool_runs[before:]]
        if item in self.bench.items and response in self.bench.gates:
            self.bench.items[item].finished = True
        status = "cancelled" if response in self.bench.cancelled else "failed" if failed else "completed"
        if self.live():
            self.bench.finish_reply(response, status)

    @precondition(lambda self: self.live() and bool(self.running))
    @rule(
        ok=st.booleans(),
        pending=st.booleans(),
        control=st.sampled_from([None, None, HangUpAsked(), HandOverAsked()]),
    )
    def tool_ends(self, ok: bool, pending: bool, control: Any) -> None:
        call = self.running.pop(0)
        if control is not None:
            self.bench.do(self.bench.core.control(control, self.bench.now))
        self.bench.do(self.bench.core.tool(ToolFinished(call, "{}", ok, pending), self.bench.now))
        self.undecided += [call] * pending

    @precondition(lambda self: self.live() and bool(self.undecided))
    @rule(ok=st.booleans())
    def a_person_decides(self, ok: bool) -> None:
        call = self.undecided.pop(0)
        self.bench.do(self.bench.core.decided(ToolDecided(call, "weather", "{}", ok), self.bench.now))

    @precondition(lambda self: self.live())
    @rule(message=st.sampled_from(CLIENT_MESSAGES))
    def client(self, message: str) -> None:
        from gateway.call.inputs import ClientSent

        self.bench.leg(ClientSent(message))

    @invariant()
    def interruptions_are_clean(self) -> None:
        """Every truncation stands right with a clear, at what was sent; what was cut stays cut."""
        cleared = False
        for effect in self.bench.effects:
            cleared = cleared or isinstance(effect, Clear)
            if isinstance(effect, ToModel) and effect.event["type"] == "conversation.item.truncate":
                assert cleared, "a truncation without a clear"
                self.cut.add(effect.event["item_id"])
        self.bench.effects = []
        for entry in self.bench.entries.values():
            if entry.interrupted:
                assert entry.final
                assert entry.heard_ms is not None

    @invariant()
    def one_reply_at_a_time(self) -> None:
        """A second one is asked for only when the model let the first one lie."""
        waiting = self.bench.asked_at[self.unanswered :]
        for before, after in itertools.pairwise(waiting):
            assert after - before >= STALL_S

    @invariant()
    def cancelled_replies_have_no_gate(self) -> None:
        assert not self.bench.gates & set(self.bench.cancelled)

    @invariant()
    def buffer_events_come_in_pairs(self) -> None:
        sounding: str | None = None
        for event in (e for e in self.bench.client if e["type"].startswith("output_audio_buffer.")):
            if event["type"].endswith("started"):
                assert sounding is None
                sounding = event["response_id"]
            else:
                assert sounding == event["response_id"]
                sounding = None

    @invariant()
    def tools_of_the_server_are_never_function_calls_to_the_client(self) -> None:
        for event in self.bench.client:
            item = event.get("item") or {}
            assert item.get("type") not in ("function_call", "function_call_output")

    def teardown(self) -> None:
        """However it stood, the caller gets an answer or the call an end."""
        bench = self.bench
        if not self.live() or not self.connected:
            return
        if self.speaking:
            bench.leg(SpeechEnded(200))
        for call in self.running:
            bench.do(bench.core.tool(ToolFinished(call, "{}", True), bench.now))
        for response, item in list(self.open_responses.items()):
            if item in bench.items and response in bench.gates:
                bench.items[item].finished = True
            if bench.ended is None:
                bench.finish_reply(response)
        self.open_responses.clear()
        # Whatever was committed and not a backchannel is answered, or the call ends.
        before = len(bench.asked)
        bench.model("input_audio_buffer.speech_started", item_id="last", audio_start_ms=0)
        if bench.ended is None:
            bench.model("input_audio_buffer.committed", item_id="last", previous_item_id=None)
        if bench.ended is None:
            bench.words("last", "i want to book an appointment")
        unsaid_ms = sum(item.queued - item.sent for item in bench.items.values())
        for _ in range(6 + unsaid_ms // 4000):
            bench.run(4)
            while bench.ended is None and self.waiting_for_reply():
                self.unanswered = len(bench.asked)
                bench.reply()
        assert bench.ended is not None or len(bench.asked) > before, "the last words were never answered"
        assert bench.ended is not None or not bench.paused, "nobody speaks, and the agent is still held"


TestCall = CallMachine.TestCase
TestCall.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


class PhoneMachine(CallMachine):
    """The same on a leg whose far end gives back what it has not played."""

    recalls = True


class OutboundMachine(PhoneMachine):
    """The same on a call that we placed, answered by whatever it may be."""

    outbound = True

    def teardown(self) -> None:
        """A machine's last words are not answered, and a person's first ones by the greeting."""

    @precondition(lambda self: self.live())
    @rule(
        event=st.sampled_from(
            [
                ToneStarted(),
                ToneEnded(),
                MachineVerdict("beep", "local"),
                MachineVerdict("beep", "twilio"),
                MachineVerdict("machine", "twilio"),
                MachineVerdict("human", "twilio"),
                MachineVerdict("unknown", "twilio"),
            ]
        )
    )
    def somebody_answers(self, event: MachineVerdict | ToneStarted | ToneEnded) -> None:
        self.bench.report()
        self.bench.leg(event)

    @precondition(lambda self: self.live() and self.connected)
    @rule()
    def a_machine_speaks(self) -> None:
        self.items += 1
        item = f"u{self.items}"
        self.bench.model("input_audio_buffer.speech_started", item_id=item, audio_start_ms=0)
        self.bench.model("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        self.bench.words(item, "please leave a message after the tone")


TestPhone = PhoneMachine.TestCase
TestOutbound = OutboundMachine.TestCase
TestOutbound.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPhone.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


def test_the_table_is_total_and_pauses_before_it_interrupts() -> None:
    for floor in Floor:
        for cue in Cue:
            after, acts = step(floor, cue)
            assert isinstance(after, Floor)
            if (floor, cue) not in TABLE:
                assert (after, acts) == (floor, ())
            if Act.INTERRUPT in acts:
                assert cue is Cue.YIELD
            if after is Floor.HELD and floor is not Floor.HELD:
                assert acts == (Act.PAUSE,), "held means paused"
            if floor is Floor.HELD and after is not Floor.HELD:
                assert Act.RESUME in acts or Act.INTERRUPT in acts, "nothing stays paused that is not held"


@pytest.mark.parametrize(
    "text", ["", "uh huh", "Mm-hmm.", "yeah", "okay", "I see", "got it", "oh okay right"]
)
def test_backchannels(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text", ["stop", "wait a minute", "no", "yes please", "okay but not friday", "right right right right"]
)
def test_words_that_are_none(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize(
    ("text", "taken"), [("ahead", False), ("the head", False), ("stop", True), ("no", True), ("", False)]
)
def test_in_a_very_short_sound_only_a_word_that_stops_people_counts(text: str, taken: bool) -> None:
    assert is_backchannel(text, 300) is not taken
