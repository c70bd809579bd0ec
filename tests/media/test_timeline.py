from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.timeline import AHEAD, DRIFT, LATE, WAITING, Timeline

pytestmark = pytest.mark.unit

SAMPLES = 480


def tone(place: int, count: int = SAMPLES) -> bytes:
    """A piece of one long tone of 307.137 Hz, so that no two frames are alike, with a pause every second."""
    time = (np.arange(count) + place) / 24000
    wave = np.sin(2 * np.pi * 307.137 * time) * np.where(time % 1 < 0.75, 10000, 100)
    samples: bytes = np.rint(wave).astype("<i2").tobytes()
    return samples


def loud(frames: list[bytes]) -> int:
    return sum(1 for frame in frames if np.abs(np.frombuffer(frame, dtype="<i2")).max() > 5000)


class Drive:
    """Runs a timeline against packets with times of arrival."""

    def __init__(self, arrivals: list[tuple[float, int, bytes]], seconds: float) -> None:
        self.timeline = Timeline()
        self.timeline.begin(0.0)
        self.frames: list[tuple[float, bytes]] = []
        self.most = 0
        ticks = [(0.02 * n, None) for n in range(1, int(seconds * 50) + 1)]
        for now, packet in sorted(
            [*ticks, *((now, (place, pcm)) for now, place, pcm in arrivals if now <= seconds)],
            key=lambda e: e[0],
        ):
            out = (
                self.timeline.tick(now)
                if packet is None
                else self.timeline.arrive(packet[1], packet[0], now)
            )
            assert all(len(frame) == 2 * SAMPLES for frame in out)
            self.frames += [(now, frame) for frame in out]
            ahead_s = len(self.frames) * 0.02 - now
            assert ahead_s <= AHEAD * 0.02 + DRIFT * now + 1e-6, "time was counted twice"
            lag = int(now / 0.02 + 1e-6) - len(self.frames)
            self.most = max(self.most, lag)

    @property
    def pcm(self) -> list[bytes]:
        return [frame for _, frame in self.frames]


def stream(seconds: float, delay: float = 0.025) -> list[tuple[float, int, bytes]]:
    return [(0.02 * n + delay, SAMPLES * n, tone(SAMPLES * n)) for n in range(int(seconds * 50))]


def test_a_steady_stream_passes_untouched() -> None:
    run = Drive(stream(2), 2)
    assert b"".join(run.pcm[:80]) == b"".join(tone(SAMPLES * n) for n in range(80))
    assert run.timeline.concealed_ms == run.timeline.dropped_ms == 0
    assert run.most <= 2


@pytest.mark.parametrize("begun", [0.0, 0.012, 0.034, -0.2])
@pytest.mark.parametrize("late", [0.0, 0.015, 0.035])
def test_frames_pass_at_once_though_the_first_was_late(begun: float, late: float) -> None:
    """Time that begins anywhere in a frame, and a first frame that our loop was late to read."""
    timeline = Timeline()
    timeline.begin(begun)
    times = [0.04 + late] + [max(0.04 + 0.02 * n, 0.04 + late) for n in range(1, 50)]
    for n, now in enumerate(times):
        assert timeline.arrive(tone(SAMPLES * n), SAMPLES * n, now) == [tone(SAMPLES * n)], n
        assert timeline.tick(now) == []
    assert timeline.concealed_ms == timeline.dropped_ms == 0


def test_what_was_concealed_is_not_given_again_because_a_burst_is_early() -> None:
    held = [(1.3 if 1.0 < now < 1.3 else now, place, pcm) for now, place, pcm in stream(3)]
    held[0] = (0.04, 0, tone(0))
    run = Drive(held, 3)
    early = [int(now / 0.02 + 1e-6) - count for count, (now, _) in enumerate(run.frames, 1)]
    assert min(early) >= -1
    assert run.timeline.dropped_ms >= run.timeline.concealed_ms - 20 * LATE >= 100


def test_a_flood_is_let_through_for_three_frames() -> None:
    timeline = Timeline()
    timeline.begin(0.0)
    given = [frame for n in range(100) for frame in timeline.arrive(tone(SAMPLES * n), SAMPLES * n, 0.001)]
    assert len(given) == AHEAD
    assert len(timeline._waiting) == WAITING


def test_after_another_beginning_nothing_waits_either() -> None:
    timeline = Timeline()
    timeline.begin(0.0)
    for n in range(20):
        timeline.arrive(tone(SAMPLES * n), SAMPLES * n, 0.02 * n + 0.02)
    for n in range(21, 60):
        timeline.tick(0.02 * n)
    timeline.again()
    for n in range(20, 40):
        now = 0.809 + 0.02 * n
        assert timeline.arrive(tone(SAMPLES * n), SAMPLES * n, now) == [tone(SAMPLES * n)] or n == 20


def test_silence_where_nothing_comes() -> None:
    run = Drive([], 1)
    assert len(run.frames) == 50 - LATE
    assert set(run.pcm) == {bytes(960)}


def test_late_packets_within_60_ms_cost_nothing() -> None:
    held = [(0.5 if 0.44 < now < 0.5 else now, place, pcm) for now, place, pcm in stream(1)]
    run = Drive(held, 1)
    assert run.timeline.concealed_ms == run.timeline.dropped_ms == 0
    assert len(run.frames) >= 50 - 2
    assert run.most <= 2 + LATE


def test_a_lost_packet_is_filled_and_time_goes_on() -> None:
    packets = stream(2)
    del packets[30]
    run = Drive(packets, 2)
    assert run.timeline.concealed_ms == 20
    assert run.timeline.dropped_ms == 0
    joined = np.frombuffer(b"".join(run.pcm[20:37]), dtype="<i2").astype(int)
    assert np.abs(np.diff(joined)).max() < 2.5 * 10000 * 2 * np.pi * 307 / 24000
    later = b"".join(run.pcm[40:80])
    assert later == b"".join(tone(SAMPLES * n) for n in range(40, 80))


def test_a_stall_and_its_burst_count_no_time_twice_and_leave_no_delay() -> None:
    held = [(1.3 if 1.0 < now < 1.3 else now, place, pcm) for now, place, pcm in stream(12)]
    run = Drive(held, 12)
    assert run.timeline.concealed_ms >= 200
    last_now, last = run.frames[-1]
    place = next(place for _, place, pcm in stream(12) if pcm == last)
    assert last_now - place / 24000 < 0.025 + 0.04


def test_losses_do_not_add_delay() -> None:
    packets = [packet for n, packet in enumerate(stream(20)) if n % 37]
    run = Drive(packets, 20)
    last_now, last = run.frames[-1]
    place = next(place for _, place, pcm in packets if pcm == last)
    assert last_now - place / 24000 < 0.025 + 0.04


@pytest.mark.parametrize("pace", [1.002, 0.998])
def test_a_sender_whose_clock_is_off_does_not_drift_away(pace: float) -> None:
    packets = [(0.02 * n * pace + 0.025, SAMPLES * n, tone(SAMPLES * n)) for n in range(3000)]
    run = Drive(packets, 55)
    assert len(run.frames) >= 55 * 50 - 2 * LATE
    assert run.timeline.concealed_ms + run.timeline.dropped_ms <= 200


def test_a_jump_of_the_sender_s_clock_is_not_filled() -> None:
    packets = [(now, place if now < 1 else place + (1 << 31), pcm) for now, place, pcm in stream(2)]
    run = Drive(packets, 2)
    assert run.timeline.concealed_ms == 0
    assert loud(run.pcm) >= 74


def test_a_blocked_loop_waits_for_what_is_in_the_socket() -> None:
    timeline = Timeline()
    timeline.begin(0.0)
    assert len(timeline.arrive(tone(0), 0, 0.02)) == 1
    assert timeline.tick(0.52) == []
    rest = [frame for n in range(1, 26) for frame in timeline.arrive(tone(SAMPLES * n), SAMPLES * n, 0.52)]
    assert rest == [tone(SAMPLES * n) for n in range(1, 26)]
    assert timeline.concealed_ms == 0


def test_a_suspended_process_does_not_make_up_an_hour() -> None:
    timeline = Timeline()
    timeline.begin(0.0)
    timeline.tick(3600.0)
    assert len(timeline.tick(3600.02)) <= 50
    assert len(timeline.tick(3600.04)) <= 2


def test_what_came_before_the_beginning_is_dropped() -> None:
    timeline = Timeline()
    for n in range(1000):
        assert timeline.arrive(tone(SAMPLES * n), SAMPLES * n, 0.02 * n) == []
        assert timeline.tick(0.02 * n) == []
    timeline.begin(20.0)
    assert timeline.arrive(tone(SAMPLES * 1000), SAMPLES * 1000, 20.02) == [tone(SAMPLES * 1000)]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(0, 0.4), st.booleans(), st.sampled_from([60, 120, 240, 480, 960, 1440])),
        max_size=120,
    )
)
def test_whatever_the_network_does_time_is_counted_once(packets: list[tuple[float, bool, int]]) -> None:
    arrivals, place = [], 0
    for jitter, lost, count in packets:
        if not lost:
            arrivals.append((place / 24000 + 0.02 + jitter, place, tone(place, count)))
        place += count
    run = Drive(sorted(arrivals), 3)
    assert run.most <= 2 * LATE + 1
    assert len(run.timeline._waiting) <= WAITING


@pytest.mark.parametrize("ticked", [0.001, 0.01, 0.019])
@pytest.mark.parametrize("stall", [0.11, 0.13])
def test_what_a_stall_left_behind_is_let_go_wherever_ticks_fall(stall: float, ticked: float) -> None:
    """Frames that come late after some were concealed; ticks so long after each arrival."""
    timeline, given = Timeline(), dict[bytes, float]()
    timeline.begin(0.0)
    events = [(0.02 * n + ticked, -1) for n in range(300)]
    events += [
        (max(0.02 * n, 2 + stall) if 2 < 0.02 * n < 2 + stall else 0.02 * n, n) for n in range(1, 300)
    ]
    for now, n in sorted(events):
        out = timeline.tick(now) if n < 0 else timeline.arrive(tone(SAMPLES * n), SAMPLES * n, now)
        given |= dict.fromkeys(out, now)
    assert timeline.concealed_ms > 0
    late = [given[tone(SAMPLES * n)] - 0.02 * n for n in range(200, 300) if tone(SAMPLES * n) in given]
    assert len(late) == 100
    assert max(late) < 0.001
