"""The pacer before a carrier in virtual time: in time, without gaps, and true about what was heard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.carriage.pacer import MOST_AHEAD_MS, Pacer
from gateway.wire import Codec, Encoding, Pacing
from tests.carriage.far import LINEAR, Far, Source

pytestmark = pytest.mark.unit

PACINGS = [
    Pacing(),
    Pacing(frames=5),
    Pacing(60, exact=True),
    Pacing(100),
    Pacing(200, exact=True),
    Pacing(20, lead_ms=1000),
    Pacing(20, lead_ms=40, silence=True),
]


@given(
    pacing=st.sampled_from(PACINGS),
    way_s=st.sampled_from([0.0, 0.06]),
    echoes=st.booleans(),
    does=st.lists(
        st.tuples(
            st.sampled_from(["speaks", "is cut", "is held", "nothing", "nothing"]),
            st.integers(1, 30),
            st.sampled_from([0.02, 0.02, 0.033]),
        ),
        max_size=25,
    ),
)
def test_a_pump_that_rests_would_have_sent_nothing(
    pacing: Pacing, way_s: float, *, echoes: bool, does: list[tuple[str, int, float]]
) -> None:
    """One pacer is pumped at every beat, the other only when it does not rest: they send the same."""
    pacers = [Pacer(LINEAR, pacing), Pacer(LINEAR, pacing)]
    sources = [Source(), Source()]
    fars = [Far(pacer, way_s, echoes=echoes) for pacer in pacers]
    made = 0
    for what, count, beat_s in does:
        if what == "speaks":
            for source in sources:
                source.queued.extend(range(made, made + count))
            made += count
            pacers[1].wake()
        elif what == "is cut":
            assert (
                len({pacer.recall(far.now, cleared=True) for pacer, far in zip(pacers, fars, strict=True)})
                == 1
            )
            for source, far in zip(sources, fars, strict=True):
                source.queued.clear()
                far.clear()
        elif what == "is held":
            for pacer, far in zip(pacers, fars, strict=True):
                pacer.hold(far.now + 0.05)
        for _ in range(count):
            fars[0].step(beat_s, sources[0].pull)
            fars[1].step(beat_s, sources[1].pull, rests=True)
            assert pacers[0].heard_ms(fars[0].now) == pacers[1].heard_ms(fars[1].now)
        assert fars[0].received == fars[1].received


class PacerMachine(RuleBasedStateMachine):
    """An agent that speaks in bursts, is interrupted and goes on, before a carrier near or far."""

    @initialize(
        pacing=st.sampled_from(PACINGS), way_s=st.sampled_from([0.0, 0.05, 0.15]), echoes=st.booleans()
    )
    def begin(self, pacing: Pacing, way_s: float, echoes: bool) -> None:
        self.pacer = Pacer(LINEAR, pacing)
        self.pacing = pacing
        self.far = Far(self.pacer, way_s, echoes=echoes)
        self.source = Source()
        self.made = 0
        self.void = 0
        """Frames below this were given up."""
        self.heard = 0
        self.checked = 0

    @rule(frames=st.integers(1, 60))
    def speak(self, frames: int) -> None:
        self.source.queued.extend(range(self.made, self.made + frames))
        self.made += frames

    @rule(beats=st.integers(1, 40), late=st.sampled_from([0.0, 0.0, 0.015]))
    def time_passes(self, beats: int, late: float) -> None:
        for _ in range(beats):
            self.far.step(0.02 + late, self.source.pull)

    def recall(self) -> int:
        heard_ms = self.pacer.recall(self.far.now, cleared=True)
        self.far.clear()
        return heard_ms

    @rule()
    def interrupt(self) -> None:
        heard_ms = self.recall()
        self.source.queued.clear()
        self.void = self.made
        del self.source.pulled[-(-heard_ms // 20) :]
        self.far.received.clear()
        self.checked = 0
        self.rebase(heard_ms)

    @rule()
    def pause_and_go_on(self) -> None:
        """What was not heard is played again, from the beginning of the broken frame."""
        heard_ms = self.recall()
        first = heard_ms // 20
        self.source.queued.extendleft(reversed(self.source.pulled[first:]))
        del self.source.pulled[first:]
        self.rebase(heard_ms)

    def rebase(self, heard_ms: int) -> None:
        """Both sides count on from what was heard, which may end within a frame."""
        assert self.pacer.heard_ms(self.far.now) == heard_ms
        self.pacer = Pacer(LINEAR, self.pacing)
        self.far = Far(self.pacer, self.far.way_s, echoes=self.far.echoes, now=self.far.now)
        self.source.pulled.clear()
        self.heard = 0
        self.checked = 0

    @invariant()
    def never_too_far_ahead(self) -> None:
        assert self.far.ahead_s <= MOST_AHEAD_MS / 1000 + 1e-6

    @invariant()
    def heard_grows_up_to_what_was_pulled(self) -> None:
        heard_ms = self.pacer.heard_ms(self.far.now)
        assert self.heard <= heard_ms <= self.source.pulled_ms
        self.heard = heard_ms

    @invariant()
    def nothing_old_after_a_clear_and_all_in_order(self) -> None:
        frames = [
            int(sample) - 1
            for one in self.far.received
            if isinstance(one, bytes)
            for sample in np.frombuffer(one, "<i2")[::480]
            if sample
        ]
        assert all(frame >= self.void for frame in frames)
        assert frames == sorted(set(frames))


PacerMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestPacer = PacerMachine.TestCase


@pytest.mark.parametrize("pacing", PACINGS)
@given(late=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.02, 0.12]), min_size=20, max_size=80))
def test_there_is_no_gap_while_there_is_something_to_say(pacing: Pacing, late: list[float]) -> None:
    """Beats that come late are made up for: once 120 ms, where the carrier takes 200 ms ahead."""
    bearable = 0.0 if pacing.lead_ms < 200 else 0.12
    pacer, source = Pacer(LINEAR, pacing), Source()
    far = Far(pacer, 0.03)
    source.queued.extend(range(1000))
    far.take(pacer.pump(source.pull, far.now))
    for delay in late:
        far.step(0.02 + (delay if delay <= 0.02 and bearable else 0.0), source.pull)
    if bearable and pacing.frame_ms < 200:
        far.step(0.02 + 0.02, source.pull)
    assert far.gaps == []
    assert far.ahead_s <= MOST_AHEAD_MS / 1000 + 1e-6


def test_the_first_audio_leaves_at_once_and_fills_the_lead() -> None:
    pacer, source = Pacer(LINEAR, Pacing()), Source()
    source.queued.extend(range(100))
    out = pacer.pump(source.pull, 5.0)
    assert [len(one) for one in out if isinstance(one, bytes)] == [960] * 10
    assert [one for one in out if isinstance(one, str)] == ["m1"]
    assert source.pulled_ms == 200, "no more was pulled than can be sent"
    assert pacer.pump(source.pull, 5.0) == []


def test_a_carrier_that_takes_any_size_gets_fewer_messages() -> None:
    pacer, source = Pacer(LINEAR, Pacing(frames=5)), Source()
    far = Far(pacer)
    source.queued.extend(range(500))
    for _ in range(250):
        far.step(0.02, source.pull)
    assert far.gaps == []
    assert 50 <= pacer.pieces <= 53


def test_little_is_not_kept_back_when_nothing_else_plays() -> None:
    pacer, source = Pacer(LINEAR, Pacing(frames=5)), Source()
    source.queued.extend([0, 1])
    assert [len(one) for one in pacer.pump(source.pull, 5.0) if isinstance(one, bytes)] == [2 * 960]


def test_a_carrier_of_exact_pieces_gets_the_last_one_filled() -> None:
    encoding = Encoding(Codec.PCMU, 8000)
    pacer, source = Pacer(encoding, Pacing(60, exact=True)), Source()
    source.queued.extend(range(4))
    out = pacer.pump(source.pull, 5.0)
    out += pacer.pump(source.pull, 5.1)
    pieces = [one for one in out if isinstance(one, bytes)]
    assert [len(piece) for piece in pieces] == [480, 480]
    assert pieces[1].endswith(b"\xff" * 320)
    assert pacer.heard_ms(6.0) == 80


@pytest.mark.parametrize(("way_s", "slow_s"), [(0.0, 0.0), (0.04, 0.0), (0.08, 0.0), (0.02, 0.02)])
def test_what_was_heard_is_known_to_20_ms_once_marks_came(way_s: float, slow_s: float) -> None:
    pacer, source = Pacer(LINEAR, Pacing()), Source()
    far = Far(pacer, way_s, slow_s)
    source.queued.extend(range(500))
    far.take(pacer.pump(source.pull, far.now))
    errors = []
    for beat in range(300):
        far.step(0.017, source.pull)
        if beat > 30:
            errors.append(pacer.heard_ms(far.now) - far.heard_ms())
    assert np.abs(errors).max() <= 20


def test_a_carrier_that_falls_behind_is_noticed_and_sent_less() -> None:
    pacer, source = Pacer(LINEAR, Pacing()), Source()
    far = Far(pacer, 0.01)
    source.queued.extend(range(500))
    for beat in range(200):
        if beat == 100:
            # It stood still for 150 ms: all that waits comes later.
            far.pieces = type(far.pieces)((at + 0.15 if at > far.now else at, x) for at, x in far.pieces)
            far.marks = type(far.marks)((at + 0.15, name) for at, name in far.marks)
            far.ends += 0.15
        far.step(0.02, source.pull)
        if beat > 130:
            assert abs(pacer.heard_ms(far.now) - far.heard_ms()) <= 40
            assert far.ends - far.now <= MOST_AHEAD_MS / 1000 + 0.06


def test_marks_that_wait_to_be_read_while_we_are_held_up_are_no_lateness() -> None:
    pacer, source = Pacer(LINEAR, Pacing()), Source()
    far = Far(pacer, 0.01)
    source.queued.extend(range(500))
    for _ in range(60):
        far.step(0.02, source.pull)
    for blocked in (0.15, 0.18):
        far.now += blocked
        assert abs(pacer.heard_ms(far.now) - far.heard_ms()) <= 20
        for comes, name in list(far.marks):
            if comes <= far.now:
                far.marks.popleft()
                pacer.played(name, far.now)
        assert abs(pacer.heard_ms(far.now) - far.heard_ms()) <= 20
        far.take(pacer.pump(source.pull, far.now))
        for _ in range(20):
            far.step(0.02, source.pull)
            assert abs(pacer.heard_ms(far.now) - far.heard_ms()) <= 20
    assert far.gaps == []


def test_without_marks_the_clock_tells() -> None:
    pacer, source = Pacer(LINEAR, Pacing()), Source()
    far = Far(pacer, echoes=False)
    source.queued.extend(range(300))
    for _ in range(250):
        far.step(0.02, source.pull)
    assert not pacer.marks, "marks that never come are not waited for"
    assert abs(pacer.heard_ms(far.now) - far.heard_ms()) <= 1
    assert far.gaps == []


def test_marks_that_were_cleared_or_invented_say_nothing() -> None:
    pacer, source = Pacer(LINEAR, Pacing()), Source()
    source.queued.extend(range(100))
    pacer.pump(source.pull, 5.0)
    assert pacer.recall(5.05, cleared=True) == 50
    pacer.played("m1", 5.06)
    pacer.played("x", 5.06)
    assert pacer.heard_ms(9.0) == 50


def test_what_cannot_be_taken_back_counts_as_heard() -> None:
    pacer, source = Pacer(LINEAR, Pacing(lead_ms=40, silence=True)), Source()
    source.queued.extend(range(100))
    pacer.pump(source.pull, 5.0)
    assert pacer.recall(5.0, cleared=False) == 40


def test_silence_keeps_a_line_alive_and_is_not_counted() -> None:
    pacer, source = Pacer(LINEAR, Pacing(lead_ms=40, silence=True)), Source()
    far = Far(pacer)
    for beat in range(100):
        if beat == 50:
            source.queued.extend(range(10))
        far.step(0.02, source.pull)
    assert far.gaps == []
    assert len(far.received) == pytest.approx(100, abs=3)
    assert pacer.heard_ms(far.now) == 200


def test_a_broken_line_is_sent_again_what_was_on_its_way() -> None:
    pacer, source = Pacer(LINEAR, Pacing()), Source()
    source.queued.extend(range(100))
    pacer.pump(source.pull, 5.0)
    pacer.lost(5.05)
    assert pacer.heard_ms(9.0) == 50
    pacer.attached(Encoding(Codec.L16, 24000), Pacing())
    out = pacer.pump(source.pull, 9.0)
    assert b"".join(one for one in out if isinstance(one, bytes))[: 960 * 2 : 960] == b"\x03\x04"
    assert pacer.heard_ms(9.0) == 50
    assert pacer.heard_ms(9.1) == 140, "the third frame began anew at 9.0"


def test_an_interruption_on_a_broken_line_gives_up_what_was_lost() -> None:
    pacer, source = Pacer(LINEAR, Pacing()), Source()
    source.queued.extend(range(10))
    pacer.pump(source.pull, 5.0)
    pacer.lost(5.05)
    assert pacer.recall(5.5, cleared=True) == 50
    pacer.attached(LINEAR, Pacing())
    assert pacer.pump(source.pull, 9.0) == []


def test_a_recall_from_within_a_pull_takes_that_frame_along() -> None:
    pacer, source = Pacer(LINEAR, Pacing()), Source()
    source.queued.extend(range(10))

    def pull() -> bytes | None:
        pcm = source.pull()
        if len(source.pulled) == 3:
            assert pacer.recall(5.0, cleared=True) == 0
        return pcm

    assert pacer.pump(pull, 5.0) == []
    assert pacer.heard_ms(9.0) == 0


def test_a_carrier_that_asks_for_a_pause_gets_it() -> None:
    pacer, source = Pacer(LINEAR, Pacing()), Source()
    source.queued.extend(range(10))
    pacer.hold(5.1)
    assert pacer.pump(source.pull, 5.0) == []
    assert pacer.pump(source.pull, 5.1) != []
