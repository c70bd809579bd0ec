from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.carriage.hearing import Hearing
from gateway.wire import Audio, Codec, Encoding, StreamFault
from media.g711 import encode
from media.timeline import AHEAD

pytestmark = pytest.mark.unit

MULAW = Encoding(Codec.PCMU, 8000)


def tone(frame: int, length_ms: int = 20) -> bytes:
    at = np.arange(frame * 160, frame * 160 + 8 * length_ms) / 8000
    return encode(np.rint(np.sin(2 * np.pi * 400 * at) * 8000).astype("<i2").tobytes(), "mu")


def run(hearing: Hearing, arrivals: list[tuple[float, Audio]], seconds: float) -> list[tuple[float, bytes]]:
    """Beats every 20 ms; arrivals at their times. Frames with the time of each."""
    out = []
    waiting = sorted(arrivals, key=lambda one: one[0])
    hearing.begin(0.0)
    for beat in range(round(seconds * 50) + 1):
        now = beat * 0.02
        while waiting and waiting[0][0] <= now:
            at, audio = waiting.pop(0)
            out += [(at, frame) for frame in hearing.arrive(audio, at)]
        out += [(now, frame) for frame in hearing.tick(now)]
    return out


def loud(frames: list[tuple[float, bytes]]) -> int:
    return sum(int(np.abs(np.frombuffer(pcm, "<i2").astype(int)).mean() > 1000) for _, pcm in frames)


@given(
    kept=st.lists(st.booleans(), min_size=50, max_size=50),
    late=st.lists(st.sampled_from([0.0, 0.0, 0.01, 0.05]), min_size=50, max_size=50),
    twice=st.lists(st.booleans(), min_size=50, max_size=50),
)
def test_time_never_stands_still_and_never_runs(
    kept: list[bool], late: list[float], twice: list[bool]
) -> None:
    arrivals = []
    for frame in range(50):
        if kept[frame]:
            arrivals += [(frame * 0.02 + late[frame], Audio(tone(frame), frame * 20))] * (1 + twice[frame])
    frames = run(Hearing(MULAW), arrivals, 1.5)
    assert all(len(pcm) == 960 for _, pcm in frames)
    assert 68 <= len(frames) <= 75
    for count, (at, _) in enumerate(frames):
        assert (count + 1 - AHEAD) * 0.02 <= at + 0.0101, "ahead of the clock"


def test_good_audio_passes_at_once_and_whole() -> None:
    hearing = Hearing(MULAW)
    arrivals = [(0.025 + 0.02 * n, Audio(tone(n), 60 + 20 * n)) for n in range(50)]
    frames = run(hearing, arrivals, 1.02)
    assert loud(frames) >= 49
    assert hearing.lost == {"concealed_ms": 0, "dropped_ms": 0}


@pytest.mark.parametrize("late", [0.0, 0.004, 0.015])
@pytest.mark.parametrize("phase", [0.0, 0.005, 0.012, 0.019])
def test_nothing_waits_because_the_first_frame_was_late(phase: float, late: float) -> None:
    hearing = Hearing(MULAW)
    hearing.begin(0.0)
    for n in range(100):
        now = phase + 0.02 * n + (late if n == 0 else (0.0, 0.003, -0.002)[n % 3])
        assert len(hearing.arrive(Audio(tone(n), 20 * n), now)) == 1, n
        assert hearing.tick(now) == []
    assert hearing.lost == {"concealed_ms": 0, "dropped_ms": 0}


def test_a_pause_of_the_carrier_is_silence_that_goes_on() -> None:
    arrivals = [(0.02 * n, Audio(tone(n), 20 * n)) for n in (*range(25), *range(50, 75))]
    hearing = Hearing(MULAW)
    frames = run(hearing, arrivals, 1.5)
    assert 73 <= len(frames) <= 76
    assert 48 <= loud(frames) <= 52


def test_late_and_double_audio_is_not_heard_again() -> None:
    hearing = Hearing(MULAW)
    order = [0, 1, 2, 4, 3, 5, 5, 5, 6]
    arrivals = [(0.02 * n, Audio(tone(frame), 20 * frame)) for n, frame in enumerate(order)]
    run(hearing, arrivals, 0.5)
    assert hearing.lost["dropped_ms"] >= 60


def test_timestamps_that_only_wobble_lose_nothing() -> None:
    hearing = Hearing(MULAW)
    wobble = [0, 7, -6, 3, -8]
    arrivals = [(0.025 + 0.02 * n, Audio(tone(n), 20 * n + wobble[n % 5])) for n in range(100)]
    frames = run(hearing, arrivals, 2.02)
    assert loud(frames) >= 98
    assert hearing.lost["concealed_ms"] == 0


@pytest.mark.parametrize("first", [None, 0])
def test_without_timestamps_audio_just_follows(first: int | None) -> None:
    hearing = Hearing(MULAW)
    arrivals = [(0.02 * n, Audio(tone(n), first if n == 0 else None)) for n in range(50)]
    assert loud(run(hearing, arrivals, 0.98)) >= 49


def test_pieces_of_100_ms_are_waited_for() -> None:
    hearing = Hearing(MULAW)
    arrivals = [(0.1 * n, Audio(tone(5 * n, 100), 100 * n)) for n in range(20)]
    frames = run(hearing, arrivals, 1.96)
    assert loud(frames) >= 95
    assert hearing.lost["concealed_ms"] <= 40


def test_a_new_line_counts_anew() -> None:
    hearing = Hearing(MULAW)
    linear = Encoding(Codec.L16, 16000)
    before = [(0.02 * n, Audio(tone(n), 5000 + 20 * n)) for n in range(25)]
    frames = run(hearing, before, 0.5)
    hearing.attached(linear)
    wide = np.rint(np.sin(np.arange(320) / 8) * 8000).astype("<i2").tobytes()
    for n in range(25):
        frames += [(0.0, pcm) for pcm in hearing.arrive(Audio(wide, 20 * n), 0.52 + 0.02 * n)]
    assert loud(frames) >= 48


def test_a_second_at_once_is_the_most() -> None:
    with pytest.raises(StreamFault):
        Hearing(MULAW).arrive(Audio(bytes(8009), 0), 0.0)


@given(audio=st.lists(st.tuples(st.binary(max_size=400), st.none() | st.integers(-(10**9), 10**9))))
def test_no_timestamps_break_it(audio: list[tuple[bytes, int | None]]) -> None:
    hearing = Hearing(Encoding(Codec.L16, 8000))
    hearing.begin(0.0)
    for n, (data, at_ms) in enumerate(audio):
        assert all(len(pcm) == 960 for pcm in hearing.arrive(Audio(data, at_ms), n * 0.02))
        assert all(len(pcm) == 960 for pcm in hearing.tick(n * 0.02))
