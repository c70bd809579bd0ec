"""Packets that come late or never: silence in their place makes no crowd a speaker, and loses none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from media.audio import PCM24, PCMA, PCMU, AudioFormat
from media.holes import Holes
from media.timeline import Timeline
from media.vad import engine_detector
from tests.media.hearing import FRAME, KINDS, TURNS, at_level, frames, listen, room, sound, starts, stops

pytestmark = pytest.mark.unit

LEAD_MS = 3100
"""A line that is all but silent is taken for a room after 1.5 s, and known after 1.5 s more."""
FRAME_S = 0.02
STALLS_MS = (100, 160, 260)
"""The timeline waits 60 ms for what is late."""


def late(sent: list[bytes], at: int, stall_ms: int) -> list[bytes]:
    """What a leg hears when nothing arrives for so long from one frame on, then all of it at once."""
    timeline, heard = Timeline(), list[bytes]()
    timeline.begin(0.0)
    samples = PCM24.frame_bytes // PCM24.sample_bytes
    for number in range(len(sent) + 20):
        now = number * FRAME_S
        released = at + stall_ms // 20
        if number == released:
            burst = range(at, min(number + 1, len(sent)))
        else:
            burst = range(number, min(number + 1, len(sent))) if not at <= number < released else range(0)
        for place in burst:
            heard += timeline.arrive(sent[place], place * samples, now)
        heard += timeline.tick(now + 0.001)
    return heard[: len(sent)]


def lost(sent: list[bytes], at: int, stall_ms: int) -> list[bytes]:
    """What a leg hears when so much is lost on the way."""
    timeline, heard = Timeline(), list[bytes]()
    timeline.begin(0.0)
    samples = PCM24.frame_bytes // PCM24.sample_bytes
    for number, frame in enumerate(sent):
        if not at <= number < at + stall_ms // 20:
            heard += timeline.arrive(frame, number * samples, number * FRAME_S)
        heard += timeline.tick(number * FRAME_S + 0.001)
    return heard


broken = pytest.mark.parametrize("broken", [late, lost])
Broken = Callable[[list[bytes], int, int], list[bytes]]


@broken
@pytest.mark.parametrize("stall_ms", STALLS_MS)
@pytest.mark.parametrize("level", [0.6, 6.0])
def test_a_crowd_with_a_hole_in_it_starts_no_turn(broken: Broken, stall_ms: int, level: float) -> None:
    for offset_ms, after in ((0, 11), (330, 6), (1210, 17), (3150, 25)):
        crowd = at_level("noise_babble", -32)[offset_ms * 24 : (offset_ms + 2500) * 24]
        sent = frames(room(LEAD_MS, level), crowd, room(500, level))
        heard = broken(sent, LEAD_MS // 20 + after, stall_ms)
        told = f"from {offset_ms} ms, a hole after {after} frames"
        assert listen(engine_detector(), heard) == [], told
        for kind in ("local", "telephone"):
            verdicts = listen(KINDS[kind](), heard)
            for begun, over in zip(starts(verdicts), stops(verdicts), strict=True):
                assert over.end_ms <= begun.at_ms, f"{kind} {told}"


@broken
@pytest.mark.parametrize("kind", KINDS)
def test_no_caller_is_lost_for_a_hole_in_a_word(broken: Broken, kind: str) -> None:
    for name in TURNS:
        for gain in (1.0, 0.2):
            if (name, gain) == ("backchannel_uhhuh", 0.2):
                continue  # a murmur of which a third is lost
            sent = frames(room(LEAD_MS), sound(name) * np.float32(gain), room(900))
            verdicts = listen(KINDS[kind](), broken(sent, (LEAD_MS + 500) // 20, 120))
            assert starts(verdicts), f"{name} at {gain}"
            assert stops(verdicts)[-1].end_ms > starts(verdicts)[0].at_ms, f"{name} at {gain}"


@pytest.mark.parametrize("form", [PCM24, PCMU, PCMA])
def test_silence_is_a_hole_where_the_line_is_never_silent(form: AudioFormat) -> None:
    heard = bytes(range(1, 1 + 20)) * (form.frame_bytes // 20)
    hole = form.silence * form.frame_bytes
    torn = heard[: form.frame_bytes // 2] + hole[form.frame_bytes // 2 :]
    holes = Holes(form)
    assert not any(holes.feed(heard) for _ in range(80))
    assert [holes.feed(frame) for frame in (torn, hole, torn[::-1], heard)] == [True, True, True, False]


def test_a_line_that_falls_silent_whenever_nobody_speaks_has_pauses() -> None:
    holes = Holes(PCM24)
    hole, heard = bytes(PCM24.frame_bytes), b"\1\0" * (PCM24.frame_bytes // 2)
    assert not any([holes.feed(hole) for _ in range(80)][1:])
    assert not holes.feed(heard)
    assert not holes.feed(hole)


@pytest.mark.parametrize("kind", KINDS)
def test_every_caller_is_heard_where_a_gate_shuts_between_words(kind: str) -> None:
    for name in TURNS:
        line = frames(room(LEAD_MS), sound(name) * np.float32(0.3), room(900))
        shut = [frame if np.abs(np.frombuffer(frame, "<i2")).max() > 60 else bytes(FRAME) for frame in line]
        assert len(starts(listen(KINDS[kind](), shut))) == 1, name
