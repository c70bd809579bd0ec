from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from media.audio import PCM24
from media.fade import FADE_MS
from media.playout import ItemTotals, Playout, PlayoutFull

pytestmark = pytest.mark.unit

FRAME = PCM24.frame_bytes
FADE_BYTES = PCM24.to_bytes(FADE_MS)


def marked(number: int, count: int) -> bytes:
    """`count` samples that nobody else's audio has."""
    return np.full(count, number, dtype="<i2").tobytes()


def frame(number: int) -> bytes:
    return marked(number, FRAME // 2)


def only(totals: tuple[ItemTotals, ...]) -> ItemTotals:
    (total,) = totals
    return total


class PlayoutMachine(RuleBasedStateMachine):
    """Any order of verbs, at any times."""

    @initialize(downlink_ms=st.sampled_from([0, 60, 200]))
    def begin(self, downlink_ms: int) -> None:
        self.now = 100.0
        self.playout = Playout(downlink_ms)
        self.number = 0
        self.dead = 0
        self.before: dict[str, ItemTotals] = {}
        self.queued: dict[str, int] = {}
        self.finished: set[str] = set()

    @rule(count=st.integers(min_value=1, max_value=3000), fresh=st.booleans())
    def queue(self, count: int, fresh: bool) -> None:
        if fresh or not self.number or f"item{self.number}" in self.finished:
            self.finished.add(f"item{self.number}")
            self.number += 1
        name = f"item{self.number}"
        self.playout.queue(name, marked(self.number + 1000, count))
        self.queued[name] = self.queued.get(name, 0) + 2 * count

    @rule()
    def finish(self) -> None:
        self.playout.finish(f"item{self.number}")
        self.finished.add(f"item{self.number}")

    @rule(late=st.sampled_from([0.0, 0.0, 0.003, 0.5]))
    def pull(self, late: float) -> None:
        self.now += 0.02 + late
        paused = self.playout.paused
        out = self.playout.pull(self.now)
        assert out is None or len(out) == FRAME
        if out is not None:
            middle = int(np.frombuffer(out, dtype="<i2")[FADE_BYTES // 2])
            assert middle == 0 or middle - 1000 > self.dead, "cleared audio was played"
            assert not paused or middle == 0, "audio during a pause"

    @rule()
    def pause(self) -> None:
        self.playout.pause(self.now)
        assert self.playout.paused

    @rule(back_ms=st.sampled_from([0, 200, 5000]))
    def resume(self, back_ms: int) -> None:
        self.playout.resume(self.now, back_ms)
        assert not self.playout.paused

    @rule()
    def clear(self) -> None:
        self.playout.clear(self.now)
        self.dead = self.number
        self.finished.add(f"item{self.number}")
        assert not self.playout.paused

    @invariant()
    def heard_sent_queued(self) -> None:
        totals = self.playout.totals(self.now)
        for total in totals:
            assert 0 <= total.heard_ms <= total.sent_ms <= total.queued_ms
            assert total.queued_ms == self.queued[total.item_id] // 48
            assert not total.drained or (total.finished and total.heard_ms == total.sent_ms)
            before = self.before.get(total.item_id, total)
            assert total.heard_ms >= before.heard_ms
            assert total.sent_ms >= before.sent_ms
            assert total.finished or not before.finished
            self.before[total.item_id] = total
        if self.number:
            assert totals[-1].item_id == f"item{self.number}"
        assert totals == tuple(sorted(totals, key=lambda total: int(total.item_id[4:])))

    def teardown(self) -> None:
        """Left alone, everything that was not cleared is heard to the end."""
        if not self.number:
            return
        self.playout.resume(self.now)
        self.playout.finish(f"item{self.number}")
        for _ in range(200_000):
            self.now += 0.02
            totals = self.playout.totals(self.now)
            if all(total.drained for total in totals):
                break
            self.playout.pull(self.now)
        else:
            pytest.fail("the playout never drained")
        for total in totals:
            if int(total.item_id[4:]) > self.dead:
                assert total.heard_ms == total.queued_ms


PlayoutMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPlayout = PlayoutMachine.TestCase


def test_audio_comes_out_as_it_went_in() -> None:
    playout = Playout(60)
    voice = np.arange(2000, dtype="<i2").tobytes()
    for start in range(0, len(voice), 700):
        playout.queue("a", voice[start : start + 700])
    playout.finish("a")
    pulled = [playout.pull(0.02 * n) for n in range(6)]
    assert b"".join(out for out in pulled if out) == voice + bytes(5 * FRAME - len(voice))
    assert pulled[5] is None


def test_heard_lags_by_the_downlink() -> None:
    playout = Playout(60)
    playout.queue("a", frame(1) * 3)
    for n in range(3):
        playout.pull(0.02 * n)
    assert only(playout.totals(0.059)).heard_ms == 0
    assert only(playout.totals(0.061)).heard_ms == 20
    assert only(playout.totals(0.101)).heard_ms == 60
    playout.downlink_ms = 500
    assert only(playout.totals(0.102)).heard_ms == 60


def test_a_partial_frame_waits_for_more_or_for_the_end() -> None:
    playout = Playout(0)
    playout.queue("a", marked(5, 100))
    assert playout.pull(0.0) is None
    playout.finish("a")
    assert playout.pull(0.02) == marked(5, 100) + bytes(FRAME - 200)
    assert only(playout.totals(0.02)).drained


def test_resume_repeats_the_last_200_ms_of_the_same_item() -> None:
    playout = Playout(0)
    for n in range(30):
        playout.queue("a", frame(1000 + n))
    for n in range(20):
        playout.pull(0.02 * n)
    playout.pause(0.385)
    assert playout.pull(0.4) is not None  # the tail
    assert playout.pull(0.42) is None
    playout.resume(0.43)
    first = playout.pull(0.44)
    assert first is not None
    assert first[FADE_BYTES:] == frame(1010)[FADE_BYTES:]
    assert only(playout.totals(0.44)).sent_ms == 400
    rest = [playout.pull(0.46 + 0.02 * n) for n in range(19)]
    assert rest == [frame(1011 + n) for n in range(19)]
    assert only(playout.totals(1.0)).heard_ms == 600


def test_resume_does_not_reach_into_an_item_that_is_over() -> None:
    playout = Playout(0)
    playout.queue("a", frame(1) * 5)
    playout.queue("b", frame(2) * 5)
    for n in range(5):
        playout.pull(0.02 * n)
    playout.pause(0.1)
    playout.pull(0.1)
    playout.resume(0.12)
    assert playout.pull(0.14) == frame(2)


def test_a_pause_that_nobody_could_hear_repeats_nothing() -> None:
    playout = Playout(0)
    for n in range(10):
        playout.queue("a", frame(n))
    playout.pull(0.0)
    playout.pull(0.02)
    playout.pause(0.03)
    playout.resume(0.035)
    assert playout.pull(0.04) == frame(2)


def test_edges_do_not_click() -> None:
    playout = Playout(0)
    time = np.arange(24000) / 24000
    voice = np.rint(np.sin(2 * np.pi * 200 * time) * 12000).astype("<i2").tobytes()
    playout.queue("a", voice[: FRAME * 20])
    heard = b""
    for n in range(60):
        if n == 9:
            playout.pause(0.02 * n)
        if n == 15:
            playout.resume(0.02 * n)
        if n == 40:
            playout.queue("a", voice[FRAME * 20 :])
        if n == 50:
            playout.clear(0.02 * n)
            playout.queue("b", voice)
        heard += playout.pull(0.02 * n) or bytes(FRAME)
    steps = np.abs(np.diff(np.frombuffer(heard, dtype="<i2").astype(int)))
    assert steps.max() < 2.5 * 12000 * 2 * np.pi * 200 / 24000


def test_a_clear_drops_all_and_keeps_the_count_of_what_was_queued() -> None:
    playout = Playout(60)
    playout.queue("a", bytes(FRAME) * 10)
    playout.queue("b", bytes(FRAME) * 10)
    playout.pull(0.0)
    playout.clear(0.01)
    assert playout.pull(0.02) is None
    playout.queue("b", bytes(FRAME))
    assert playout.pull(0.04) is None
    assert [(t.item_id, t.queued_ms, t.sent_ms, t.heard_ms) for t in playout.totals(0.1)] == [
        ("a", 200, 20, 20),
        ("b", 200, 0, 0),
    ]
    assert [t.item_id for t in playout.totals(0.1)] == ["b"]


def test_more_than_ten_minutes_is_refused_and_a_full_playout_plays_on() -> None:
    playout = Playout(0)
    minute = bytes(60 * 48_000)
    for _ in range(10):
        playout.queue("a", minute)
    with pytest.raises(PlayoutFull):
        playout.queue("a", bytes(2))
    assert only(playout.totals(0.0)).queued_ms == 600_000
    assert playout.pull(0.0) == bytes(FRAME)
    playout.queue("a", bytes(FRAME))


def test_an_item_without_audio_is_unknown() -> None:
    playout = Playout(0)
    playout.finish("a")
    assert playout.totals(0.0) == ()
    assert playout.pull(0.0) is None


def test_unreported_items_are_bounded() -> None:
    playout = Playout(0)
    for n in range(1000):
        playout.queue(f"item{n}", frame(1))
        playout.pull(0.02 * n)
    assert len(playout.totals(1000.0)) < 100
