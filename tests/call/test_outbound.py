"""Calls that we place: how they begin, and what an answering machine gets to hear."""

from __future__ import annotations

import pytest

from gateway.call.effects import End
from gateway.call.inputs import DigitPressed, MachineVerdict
from gateway.call.journal import plain, restored
from gateway.errors import FAX, LEFT_MESSAGE, MODEL_LOST
from personas.prompt import said_exactly
from tests.call.harness import Bench, persona

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("outbound", "words"), [(False, "Hello there."), (True, "Good day, this is Tester.")]
)
def test_a_call_that_we_place_has_a_greeting_of_its_own(outbound: bool, words: str) -> None:
    who = persona(outbound={"greeting": "Good day, this is Tester."})
    bench = Bench(who, outbound=outbound)
    bench.connect()
    assert [said_exactly(asked["response"]["instructions"]) for asked in bench.asked] == [words]


def test_a_verdict_is_written_down_and_read_again() -> None:
    verdict = MachineVerdict("beep", "local")
    assert restored(plain(verdict)) == verdict


WHO = persona(voicemail="Please call us back.")


MACHINE = MachineVerdict("machine", "twilio")


def taken_for_a_machine(*, verdict: MachineVerdict = MACHINE) -> Bench:
    bench = Bench(WHO, outbound=True, recalls=True)
    bench.connect()
    bench.reply(ms=3000)
    bench.run(0.5)
    bench.leg(verdict)
    return bench


def words_asked(bench: Bench) -> list[str | None]:
    return [said_exactly((asked.get("response") or {}).get("instructions")) for asked in bench.asked]


def test_a_machine_is_told_after_its_beep() -> None:
    bench = taken_for_a_machine()
    assert words_asked(bench) == ["Hello there.", "Please call us back."]
    bench.reply(ms=2000)
    bench.run(1.0)
    assert bench.paused
    bench.leg(MachineVerdict("beep", "local"))
    assert not bench.paused
    bench.run(2.5)
    assert bench.ended == End(LEFT_MESSAGE)


def test_a_machine_without_a_beep_is_told_once_it_is_silent() -> None:
    bench = taken_for_a_machine()
    bench.reply(ms=2000)
    bench.speak(4.0)
    assert bench.paused
    bench.run(2.0)
    assert bench.paused
    bench.run(0.8)
    assert not bench.paused


def test_sounds_do_not_interrupt_a_message() -> None:
    bench = taken_for_a_machine(verdict=MachineVerdict("beep", "twilio"))
    bench.reply(ms=4000)
    bench.run(0.5)
    bench.speak(0.4)
    bench.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    bench.leg(DigitPressed("1"))
    assert not bench.paused
    bench.run(4.0)
    assert bench.ended == End(LEFT_MESSAGE)


def test_somebody_who_speaks_over_the_message_gets_the_agent_back() -> None:
    bench = taken_for_a_machine(verdict=MachineVerdict("beep", "twilio"))
    bench.reply(ms=9000)
    bench.run(1.5)
    bench.speak(0.6)
    bench.turn("u1", "hello? who is this?")
    assert bench.ended is None
    bench.run(0.2)
    assert words_asked(bench)[2:] == ["Hello there."]
    assert bench.items == {}


def test_a_carrier_that_thinks_better_of_it_is_believed() -> None:
    bench = taken_for_a_machine()
    bench.reply(ms=2000)
    bench.leg(MachineVerdict("human", "twilio"))
    bench.run(0.2)
    assert words_asked(bench)[2:] == ["Hello there."]


def test_a_fax_is_hung_up_on() -> None:
    assert taken_for_a_machine(verdict=MachineVerdict("fax", "local")).ended == End(FAX)


def test_a_message_that_fails_is_tried_again_and_never_called_left() -> None:
    bench = taken_for_a_machine(verdict=MachineVerdict("beep", "local"))
    for number in range(2):
        bench.begin_reply(f"resp_bad{number}")
        bench.finish_reply(f"resp_bad{number}", "failed")
        bench.run(0.1)
    assert bench.ended == End(MODEL_LOST)


def test_a_verdict_before_there_is_anybody_greets_nobody() -> None:
    bench = Bench(WHO, outbound=True, recalls=True)
    bench.leg(MachineVerdict("machine", "twilio"))
    bench.connect()
    assert words_asked(bench) == ["Please call us back."]


def test_on_a_call_that_came_in_a_verdict_says_nothing() -> None:
    bench = Bench(WHO)
    bench.connect()
    assert bench.leg(MachineVerdict("machine", "twilio")) == []
    assert bench.leg(MachineVerdict("beep", "local")) == []
    assert bench.leg(MachineVerdict("fax", "local")) == []
