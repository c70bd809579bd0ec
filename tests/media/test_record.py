"""Two channels of a call on one timeline."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import AudioFormat
from media.record import Chunk, TwoChannels

pytestmark = pytest.mark.unit

SOUND = AudioFormat(8000)
FRAME = 160
BEGAN = 1000.0


def frame(value: int, ms: int = 20) -> bytes:
    return np.full(8 * ms, value, "<i2").tobytes()


class Reel:
    """What came out, in one piece, and whether it came without a hole."""

    def __init__(self) -> None:
        self.caller = b""
        self.agent = b""

    def add(self, chunk: Chunk | None) -> None:
        if chunk is not None:
            assert chunk.position == len(self.caller) // 2
            assert len(chunk.caller) == len(chunk.agent)
            self.caller += chunk.caller
            self.agent += chunk.agent

    @staticmethod
    def runs(pcm: bytes) -> list[tuple[int, int, int]]:
        """From, to (in ms), and the value, of everything that is not silence."""
        samples = np.frombuffer(pcm, "<i2")
        edges = [0, *(np.flatnonzero(np.diff(samples)) + 1).tolist(), len(samples)]
        return [(a // 8, b // 8, int(samples[a])) for a, b in pairwise(edges) if b > a and samples[a]]


def test_both_sides_stand_where_they_were_said() -> None:
    call, reel = TwoChannels(SOUND, BEGAN), Reel()
    for number in range(200):
        now = BEGAN + 0.5 + 0.02 * number
        call.hear(frame(7 if 50 <= number < 100 else 0), now)
        if 100 <= number < 150:
            call.speak(frame(9), now)
        reel.add(call.take(now))
    reel.add(call.take(BEGAN + 4.6, last=True))
    assert reel.runs(reel.caller) == [(1480, 2480, 7)]
    assert reel.runs(reel.agent) == [(2500, 3500, 9)]
    assert len(reel.agent) // 16 == 4600


def test_a_timer_that_trembles_makes_no_hole() -> None:
    call, reel = TwoChannels(SOUND, BEGAN), Reel()
    for number in range(100):
        late = 0.015 if number % 3 else 0.0
        call.hear(frame(5), BEGAN + 0.02 * number + late)
        call.speak(frame(6), BEGAN + 0.02 * number + late)
    reel.add(call.take(BEGAN + 2.0, last=True))
    assert len(reel.runs(reel.caller)) == 1
    assert len(reel.runs(reel.agent)) == 1


def test_a_process_that_was_held_up_makes_no_hole_in_the_caller() -> None:
    call, reel = TwoChannels(SOUND, BEGAN), Reel()
    for number in range(300):
        now = BEGAN + 0.02 * max(number, 60 if 20 < number < 60 else 0) + 0.02
        call.hear(frame(5), now)
    reel.add(call.take(BEGAN + 6.0, last=True))
    assert reel.runs(reel.caller) == [(0, 6000, 5)]


def test_time_that_the_caller_lost_is_given_back() -> None:
    call, reel = TwoChannels(SOUND, BEGAN), Reel()
    for number in range(400):
        if not 100 <= number < 125:  # half a second never came
            call.hear(frame(1 + number // 300), BEGAN + 0.02 * number + 0.02)
    reel.add(call.take(BEGAN + 8.0, last=True))
    assert reel.runs(reel.caller)[-1] == (6000, 8000, 2)


def test_a_caller_whose_clock_is_fast_stays_in_time() -> None:
    call, reel = TwoChannels(SOUND, BEGAN), Reel()
    for number in range(2100):
        call.hear(frame(1 + number // 2000), BEGAN + 0.0198 * number + 0.02)
    reel.add(call.take(BEGAN + 2100 * 0.0198, last=True))
    (begin, _, _) = reel.runs(reel.caller)[-1]
    assert begin == pytest.approx(2000 * 19.8, abs=60)


def test_what_was_taken_back_is_not_heard() -> None:
    call, reel = TwoChannels(SOUND, BEGAN), Reel()
    for number in range(10):
        call.send(frame(number + 1))
    call.heard(50, BEGAN + 1.05)
    call.recall(70, BEGAN + 1.07)
    call.send(frame(90))
    call.heard(90, BEGAN + 3.0)
    reel.add(call.take(BEGAN + 4.0, last=True))
    assert reel.runs(reel.agent) == [
        (1000, 1020, 1), (1020, 1040, 2), (1040, 1060, 3), (1060, 1070, 4), (2980, 3000, 90),
    ]  # fmt: skip


def test_what_cannot_be_taken_back_is_heard_after_what_was_before() -> None:
    call, reel = TwoChannels(SOUND, BEGAN), Reel()
    for number in range(5):
        call.send(frame(number + 1))
    call.heard(20, BEGAN + 1.02)
    call.recall(100, BEGAN + 1.02)
    reel.add(call.take(BEGAN + 2.0, last=True))
    assert reel.runs(reel.agent)[0][0] == 1000
    assert reel.runs(reel.agent)[-1][1] == 1100


def test_a_pause_is_silence_of_the_same_length() -> None:
    call, reel = TwoChannels(SOUND, BEGAN), Reel()
    for number in range(150):
        call.paused = 50 <= number < 100
        now = BEGAN + 0.02 * number + 0.02
        call.hear(frame(3), now)
        call.speak(frame(4), now - 0.02)
    reel.add(call.take(BEGAN + 3.0, last=True))
    assert reel.runs(reel.caller) == [(0, 1000, 3), (2000, 3000, 3)]
    assert reel.runs(reel.agent) == [(0, 1000, 4), (2000, 3000, 4)]


def test_g711_has_its_own_silence() -> None:
    call = TwoChannels(AudioFormat(8000, "mu"), BEGAN)
    call.hear(b"\x10" * 160, BEGAN + 0.5)
    chunk = call.take(BEGAN + 1.0, last=True)
    assert chunk is not None
    assert chunk.caller == b"\xff" * 3840 + b"\x10" * 160 + b"\xff" * 4000
    assert chunk.agent == b"\xff" * 8000


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["hear", "speak", "send", "heard", "recall", "take", "wait"]), st.integers(0, 400)
    ),
    max_size=120,
)


@given(MOVES)
def test_whatever_comes_the_timeline_has_no_hole_and_little_is_held(moves: list[tuple[str, int]]) -> None:
    call, reel, now, heard = TwoChannels(SOUND, BEGAN), Reel(), BEGAN, 0
    for what, ms in moves:
        match what:
            case "hear":
                call.hear(frame(1), now)
            case "speak":
                call.speak(frame(1), now)
            case "send":
                call.send(frame(1))
            case "heard":
                heard += ms
                call.heard(heard, now)
            case "recall":
                call.recall(heard, now)
            case "take":
                reel.add(call.take(now))
            case _:
                now += ms / 100
    reel.add(call.take(now, last=True))
    assert len(reel.caller) // 16 >= round((now - BEGAN) * 1000) - 1
