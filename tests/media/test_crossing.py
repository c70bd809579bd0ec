"""One direction between two telephones, and the sound of hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import PCM24
from media.crossing import DRY, GATHERED, MOST, Crossing
from media.hold_sound import LOOP_MS, HoldSound
from media.level import dbfs

pytestmark = pytest.mark.unit


def test_frames_go_over_in_order_once_some_are_gathered() -> None:
    crossing = Crossing(PCM24, PCM24)
    for frame in (b"0", b"1"):
        crossing.push(frame)
        assert crossing.pull() is None
    crossing.push(b"2")
    assert [crossing.pull() for _ in range(4)] == [b"0", b"1", b"2", None]
    crossing.push(b"3")
    assert crossing.pull() == b"3", "what was gathered is in the other's hands now"
    assert [crossing.pull() for _ in range(DRY)] == [None] * DRY
    crossing.push(b"4")
    assert crossing.pull() is None, "gathered again after it ran dry"


@given(st.lists(st.booleans(), max_size=200))
def test_nothing_is_doubled_and_delay_is_bounded(steps: list[bool]) -> None:
    crossing, given, taken = Crossing(PCM24, PCM24), 0, []
    for push in steps:
        if push:
            crossing.push(str(given).encode())
            given += 1
        elif (frame := crossing.pull()) is not None:
            taken.append(int(frame))
            assert given - int(frame) <= MOST
    assert taken == sorted(set(taken))
    waiting = given - len(taken) - crossing.dropped_ms // 20
    assert 0 <= waiting <= MOST
    assert GATHERED <= MOST


def test_hold_is_quiet_pleasant_and_never_silent_for_long() -> None:
    hold = HoldSound(PCM24)
    frames = [hold.pull() for _ in range(2 * LOOP_MS // 20)]
    assert {len(frame) for frame in frames} == {PCM24.frame_bytes}
    assert frames[: len(frames) // 2] == frames[len(frames) // 2 :], "a loop"
    line = np.frombuffer(b"".join(frames), "<i2").astype(int)
    assert np.abs(line).max() < 3300, "20 dB below full scale"
    assert np.abs(np.diff(line)).max() < 1000, "no clicks, at the loop's seam neither"
    quiet = longest = 0
    for frame in frames:
        quiet = quiet + 20 if dbfs(frame) < -50 else 0
        longest = max(longest, quiet)
    assert longest < 3000
    assert not hold.over
