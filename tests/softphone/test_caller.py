"""Who holds the telephone waits for the agent, speaks over it, and hangs up."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.softphone.caller import Act, BargeIn, Caller, Ear, Press, Speak, Wait
from gateway.softphone.course import Course, Event
from gateway.softphone.orders import Broken
from gateway.softphone.report import by_line, by_object, summed_up
from gateway.softphone.sound import Utterance

pytestmark = pytest.mark.unit

FRAME = 320
LOUD = (np.sin(np.arange(160) / 3) * 8000).astype("<i2").tobytes()
QUIET = bytes(FRAME)
WORD = Utterance("word.wav", (LOUD,) * 10 + (QUIET,) * 5, (True,) * 10 + (False,) * 5)


class Room:
    """Caller and agent, 20 ms at a time."""

    def __init__(self, caller: Caller) -> None:
        self.events: list[Event] = []
        self.course = Course("Twilio", 0.0, self.events.append)
        self.course.streaming(0.0, 0.0, "")
        self.caller, self.ear, self.now = caller, Ear(), 0.0
        self.acts: list[tuple[float, Act]] = []

    def go(self, seconds: float, *, agent: bool) -> Room:
        for _ in range(round(seconds * 50)):
            self.now = round(self.now + 0.02, 3)
            if self.ear.hear(LOUD if agent else QUIET, 0.02, self.now):
                self.course.agent(self.now, self.ear)
            act = self.caller.tick(self.now, self.ear)
            self.course.caller(self.now, act, self.ear)
            self.acts.append((self.now, act))
            if act.hangs_up:
                break
        return self

    def when(self, what: str) -> list[float]:
        return [at for at, act in self.acts if getattr(act, what)]


def test_a_patient_caller_speaks_after_the_agent_and_hangs_up_after_its_reply() -> None:
    room = Room(Caller([Speak(WORD)])).go(2, agent=True).go(1.5, agent=False)
    [began] = room.when("begins")
    assert 2.9 <= began <= 3.0
    room.go(1, agent=True).go(3, agent=False)
    [hung_up] = room.when("hangs_up")
    assert 4.9 <= hung_up - 1.0 <= 5.1


def test_an_impatient_caller_speaks_at_once() -> None:
    room = Room(Caller([Speak(WORD), Speak(WORD)], patient=False)).go(1, agent=False)
    assert room.when("begins") == [0.02, 0.32]


def test_a_caller_is_not_patient_for_ever() -> None:
    room = Room(Caller([Speak(WORD)])).go(30, agent=False)
    assert room.when("begins")[0] == pytest.approx(10, abs=0.1)
    assert room.when("hangs_up")[0] == pytest.approx(20.3, abs=0.1)


def test_barging_in_waits_until_the_agent_speaks_long_enough() -> None:
    room = Room(Caller([BargeIn(WORD, 1.5)])).go(1, agent=True).go(1, agent=False).go(2, agent=True)
    [began] = room.when("begins")
    assert began == pytest.approx(3.5, abs=0.05)


def test_barging_in_that_is_not_possible_is_told() -> None:
    room = Room(Caller([BargeIn(WORD, 5)])).go(1, agent=True).go(30, agent=False)
    assert room.course.summary.skipped == ["word.wav: the agent never spoke for 5 s"]
    assert not room.course.summary.good
    assert room.when("hangs_up")


def test_keys_are_pressed_one_after_the_other_once_the_agent_is_done() -> None:
    room = Room(Caller([Wait(0.5), Press("1#")])).go(2, agent=True).go(2, agent=False)
    first, second = room.when("key")
    assert first >= 2.9
    assert second - first == pytest.approx(0.2, abs=0.03)
    assert room.course.summary.keys == "1#"


def test_short_pauses_do_not_end_the_agents_turn() -> None:
    room = Room(Caller([]))
    for _ in range(3):
        room.go(1, agent=True).go(0.4, agent=False)
    assert room.ear.turns == 1
    assert room.ear.heard_s == pytest.approx(3)


class Microphone:
    def frame(self) -> bytes | None:
        return LOUD


def test_with_a_microphone_nobody_hangs_up_and_recordings_go_before() -> None:
    room = Room(Caller([Speak(WORD)], patient=False, microphone=Microphone())).go(60, agent=False)
    assert not room.when("hangs_up")
    assert all(act.frame is not None for _, act in room.acts)


# ── what it comes to ──────────────────────────────────────────────────────────────────────────────────────


def test_the_wait_for_a_reply_is_from_the_last_word_to_the_first_sound() -> None:
    room = Room(Caller([Speak(WORD)])).go(1, agent=True)
    room.go(1, agent=False)  # says 200 ms, the last 100 ms of the recording are silent
    [began] = room.when("begins")
    room.go(0.9, agent=False).go(1, agent=True)
    [wait] = room.course.summary.reply_ms
    assert wait == pytest.approx((1.9 + 1.0 - began - 0.2) * 1000, abs=45)
    assert room.course.summary.greeting_ms == pytest.approx(0, abs=1)


def test_an_interruption_is_from_the_first_word_to_the_clear() -> None:
    room = Room(Caller([BargeIn(WORD, 1)])).go(1.2, agent=True)
    [began] = room.when("begins")
    room.course.clear(began + 0.1, 0.2, 3)
    assert room.course.summary.interruption_ms == [pytest.approx(100)]
    assert (room.course.summary.clears, room.course.summary.marks_cleared) == (1, 3)
    room.course.clear(room.now, 0.2, 0)
    assert len(room.course.summary.interruption_ms) == 1


def test_a_broken_rule_makes_the_call_a_bad_one_and_stands_in_the_summary() -> None:
    course = Course("Twilio", 0.0, lambda _: None)
    course.streaming(0.0, 0.0, "")
    course.summary.heard_s = 1
    assert course.summary.good
    for _ in range(60):
        course.broken(1.0, Broken("a binary message", "31950"))
    assert not course.summary.good
    told = summed_up(course.summary)
    assert "a binary message (31950), at 1.00 s" in told
    assert "and 10 more" in told


def test_a_call_in_which_nothing_was_heard_is_no_good_one() -> None:
    course = Course("Twilio", 0.0, lambda _: None)
    course.streaming(0.0, 0.0, "")
    assert not course.summary.good
    assert "the caller heard nothing" in summed_up(course.summary)


def test_lines_leave_the_chatter_out_unless_asked() -> None:
    shown: list[str] = []
    event = Event(1.5, "mark", "mark m1 was played", {"name": "m1"})
    by_line(shown.append)(event)
    assert shown == []
    by_line(shown.append, verbose=True)(event)
    by_object(shown.append)(event)
    assert shown == [
        "    1.50  · mark m1 was played",
        '{"at": 1.5, "event": "mark", "text": "mark m1 was played", "name": "m1"}',
    ]
