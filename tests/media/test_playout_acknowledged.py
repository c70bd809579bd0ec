"""The playout before a buffer at the far end: what is told of it, and what is taken back from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from media.audio import PCM24
from media.playout import Playout

pytestmark = pytest.mark.unit

FRAME = PCM24.frame_bytes


def voice(first: int, count: int) -> bytes:
    """Samples that count up, so that each tells its place; never 0."""
    return ((np.arange(first, first + count) % 30_000) + 1).astype("<i2").tobytes()


class Far:
    """The far end: plays what it holds, drops it when told."""

    def __init__(self, playout: Playout) -> None:
        self.playout = playout
        self.held = b""
        self.ear = b""

    def fill(self, frames: int) -> None:
        for _ in range(frames):
            self.held += self.playout.pull(0.0) or b""

    def play(self, ms: int) -> None:
        self.ear, self.held = self.ear + self.held[: 48 * ms], self.held[48 * ms :]

    @property
    def played_ms(self) -> int:
        return len(self.ear) // 48

    def recall(self) -> None:
        self.held = b""
        self.playout.recall(self.played_ms)


class FarMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.playout = Playout(0, acknowledged=True)
        self.far = Far(self.playout)
        self.number = 1
        self.queued: dict[str, int] = {}
        self.finished: set[str] = set()
        self.heard: dict[str, int] = {}

    @rule(frames=st.integers(0, 30), rest=st.sampled_from([0, 0, 7]))
    def queue(self, frames: int, rest: int) -> None:
        if f"item{self.number}" in self.finished:
            self.number += 1
        name = f"item{self.number}"
        pcm = voice(self.queued.get(name, 0), frames * 480 + rest)
        if pcm:
            self.playout.queue(name, pcm)
            self.queued[name] = self.queued.get(name, 0) + len(pcm) // 2

    @rule()
    def finish(self) -> None:
        if f"item{self.number}" in self.queued:
            self.playout.finish(f"item{self.number}")
            self.finished.add(f"item{self.number}")

    @rule(frames=st.integers(0, 12))
    def fill(self, frames: int) -> None:
        self.far.fill(frames)

    @rule(ms=st.integers(0, 300))
    def play(self, ms: int) -> None:
        self.far.play(ms)
        self.playout.acknowledge(self.far.played_ms)

    @rule(back_ms=st.sampled_from([None, 0, 200]))
    def pause(self, back_ms: int | None) -> None:
        """Taken back, and perhaps resumed."""
        self.playout.pause(0.0)
        self.far.recall()
        assert self.playout.pull(0.0) is None
        if back_ms is not None:
            self.playout.resume(0.0, back_ms)

    @rule()
    def resume(self) -> None:
        self.playout.resume(0.0)

    @rule()
    def clear(self) -> None:
        self.playout.pause(0.0)
        self.far.recall()
        self.playout.clear(0.0)
        self.finished.add(f"item{self.number}")
        assert self.playout.pull(0.0) is None

    @invariant()
    def told_is_true(self) -> None:
        totals = self.playout.totals(0.0)
        for total in totals:
            assert 0 <= total.heard_ms <= total.sent_ms <= total.queued_ms
            assert total.heard_ms >= self.heard.get(total.item_id, 0)
            self.heard[total.item_id] = total.heard_ms

    def teardown(self) -> None:
        """Left alone, every item that was not cleared is heard to its end, and the far end's ear agrees."""
        self.playout.resume(0.0)
        for name in self.queued:
            self.playout.finish(name)
        while (before := self.far.played_ms) >= 0:
            self.far.fill(5)
            self.far.play(100)
            self.playout.acknowledge(self.far.played_ms)
            if self.far.played_ms == before:
                break
        assert all(total.drained for total in self.playout.totals(0.0))


FarMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestFar = FarMachine.TestCase


def made(ms: int, item: str = "a") -> tuple[Playout, Far]:
    playout = Playout(0, acknowledged=True)
    playout.queue(item, voice(0, 24 * ms))
    return playout, Far(playout)


def test_heard_is_what_was_told_to_the_millisecond() -> None:
    playout, far = made(1000)
    far.fill(10)
    (total,) = playout.totals(1e9)
    assert (total.sent_ms, total.heard_ms) == (200, 0), "the clock says nothing"
    playout.acknowledge(73)
    assert playout.totals(0.0)[0].heard_ms == 73
    playout.acknowledge(20)
    assert playout.totals(0.0)[0].heard_ms == 73
    playout.acknowledge(5000)
    assert playout.totals(0.0)[0].heard_ms == 200


def test_what_was_taken_back_is_played_again_without_a_hole() -> None:
    playout, far = made(1000)
    far.fill(10)
    far.play(70)
    playout.pause(0.0)
    far.recall()
    (total,) = playout.totals(0.0)
    assert (total.sent_ms, total.heard_ms) == (70, 70)
    playout.resume(0.0, back_ms=0)
    again = playout.pull(0.0)
    assert again is not None
    assert again[480:] == voice(0, 24_000)[60 * 48 + 480 : 80 * 48], (
        "from the beginning of the broken frame"
    )
    assert playout.pull(0.0) == voice(0, 24_000)[80 * 48 : 100 * 48]


def test_resume_goes_back_from_what_was_heard_not_from_what_was_sent() -> None:
    playout, far = made(2000)
    far.fill(40)
    far.play(700)
    playout.pause(0.0)
    far.recall()
    playout.resume(0.0, back_ms=200)
    first = playout.pull(0.0)
    assert first is not None
    assert first[480:] == voice(0, 48_000)[500 * 48 + 480 : 520 * 48]
    assert playout.totals(0.0)[0].heard_ms == 700


def test_the_end_of_an_item_that_was_sent_but_not_heard_comes_back() -> None:
    playout, far = made(200)
    playout.finish("a")
    playout.queue("b", voice(5000, 480 * 4))
    far.fill(12)
    far.play(120)
    playout.pause(0.0)
    far.recall()
    a, b = playout.totals(0.0)
    assert (a.heard_ms, a.sent_ms, a.drained) == (120, 120, False)
    assert (b.heard_ms, b.sent_ms) == (0, 0)
    playout.resume(0.0, back_ms=0)
    playout.finish("b")
    far.fill(20)
    far.play(1000)
    playout.acknowledge(far.played_ms)
    assert [(t.item_id, t.heard_ms, t.drained) for t in playout.totals(0.0)] == [
        ("a", 200, True),
        ("b", 80, True),
    ]


def test_after_a_recall_and_a_clear_nothing_old_is_pulled_and_no_echo_of_it() -> None:
    playout, far = made(1000)
    far.fill(10)
    far.play(50)
    playout.pause(0.0)
    far.recall()
    assert playout.pull(0.0) is None
    playout.clear(0.0)
    assert playout.pull(0.0) is None
    (total,) = playout.totals(0.0)
    assert (total.queued_ms, total.sent_ms, total.heard_ms, total.drained) == (1000, 50, 50, True)
    playout.queue("b", voice(9000, 480))
    new = playout.pull(0.0)
    assert new is not None
    assert np.frombuffer(new, "<i2").min() > 0
    assert new == voice(9000, 480)


def test_running_out_at_the_near_end_is_no_gap_at_the_far_one() -> None:
    playout, far = made(100)
    far.fill(10)
    assert len(far.held) == 5 * FRAME
    playout.queue("a", voice(2400, 480))
    far.fill(1)
    assert far.held == voice(0, 2880)
    far.play(1000)
    playout.acknowledge(far.played_ms)
    playout.queue("a", voice(2880, 480))
    far.fill(1)
    late = np.frombuffer(far.held, "<i2")
    assert late[0] == 0, "after a real gap it fades in"
