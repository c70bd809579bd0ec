"""The carrier's buffer plays in real time, and knows what was heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.level import rms
from tests.caller_audio import recording
from tests.carrier_peers.codecs import ALAW, L16_8K, L16_16K, L16_24K, MULAW, Codec
from tests.carrier_peers.heard import Heard
from tests.carrier_peers.playback import Playback
from tests.carrier_peers.voice import band_limited, spoken

pytestmark = pytest.mark.unit

SECOND = bytes(range(200)) * 5
"""A second at 1000 bytes per second."""


def queue() -> Playback[str]:
    return Playback(1000)


def test_sound_is_played_one_piece_after_the_other() -> None:
    queued = queue()
    queued.play(SECOND, 10.0)
    queued.play(SECOND[:500], 10.2)
    assert queued.pending_s(10.2) == pytest.approx(1.3)
    assert queued.lead_s_max == pytest.approx(1.3)
    assert [(piece.at, len(piece.audio)) for piece in queued.heard(10.4)] == [(10.0, 400)]
    assert [(piece.at, len(piece.audio)) for piece in queued.heard(20.0)] == [(10.0, 1000), (11.0, 500)]


def test_a_mark_is_reached_when_all_before_it_is_played() -> None:
    queued = queue()
    queued.mark("at once", 1.0)
    assert queued.reached(1.0) == ["at once"]
    queued.play(SECOND, 1.0)
    queued.mark("later", 1.0)
    queued.play(SECOND, 1.0)
    queued.mark("last", 1.0)
    assert queued.due == pytest.approx(2.0)
    assert queued.reached(1.99) == []
    assert queued.reached(2.0) == ["later"]
    assert queued.outstanding == ("last",)


def test_clear_cuts_what_is_heard_and_gives_the_marks_back() -> None:
    queued = queue()
    queued.play(SECOND, 0.0)
    queued.mark("a", 0.0)
    queued.play(SECOND, 0.0)
    queued.mark("b", 0.0)
    assert queued.clear(0.3) == ["a", "b"]
    assert queued.cleared_s == pytest.approx(1.7)
    assert sum(len(piece.audio) for piece in queued.heard(9.0)) == 300
    queued.play(SECOND, 0.5)
    assert [piece.at for piece in queued.heard(9.0)] == [0.0, 0.5]
    assert queued.gaps == []
    assert queued.clear(9.0) == []


def test_a_buffer_that_runs_dry_is_an_underrun_and_a_pause_is_none() -> None:
    queued = queue()
    queued.play(SECOND, 0.0)
    queued.play(SECOND, 1.1)
    queued.play(SECOND, 5.0)
    assert [round(gap.seconds, 3) for gap in queued.gaps] == [0.1, 2.9]
    assert queued.underruns == 1


def test_held_sound_waits_and_goes_on() -> None:
    queued = queue()
    queued.play(SECOND, 0.0)
    queued.mark("end", 0.0)
    queued.hold(0.4)
    assert queued.pending_s(7.0) == pytest.approx(0.6)
    assert queued.due is None
    assert queued.reached(7.0) == []
    queued.play(SECOND, 7.0)
    queued.go_on(8.0)
    assert queued.due == pytest.approx(8.6)
    assert [round(piece.at, 3) for piece in queued.heard(20.0)] == [0.0, 8.0, 8.6]
    assert queued.arrived_bytes == 2000


@given(
    st.lists(st.tuples(st.sampled_from(["play", "mark", "clear", "hold", "go_on"]), st.integers(0, 300)))
)
def test_nothing_is_heard_twice_or_before_its_time(steps: list[tuple[str, int]]) -> None:
    queued, now, marks, back = queue(), 0.0, 0, 0
    for do, count in steps:
        now += count / 1000
        back += len(queued.reached(now))
        match do:
            case "play":
                queued.play(bytes(count - count % 2), now)
            case "mark":
                queued.mark(str(marks), now)
                marks += 1
            case "clear":
                back += len(queued.clear(now))
            case "hold":
                queued.hold(now)
            case _:
                queued.go_on(now)
        pieces = queued.heard(now)
        ends = [piece.at + len(piece.audio) / 1000 for piece in pieces]
        assert all(end <= piece.at + 1e-6 for end, piece in zip(ends, pieces[1:], strict=False))
        assert all(end <= now + 1e-6 for end in ends)
        heard = sum(len(piece.audio) for piece in pieces)
        total = heard / 1000 + queued.pending_s(now) + queued.cleared_s
        assert total == pytest.approx(queued.arrived_bytes / 1000, abs=0.002 * (1 + len(steps)))
    queued.go_on(now)
    assert back + len(queued.reached(now + 1000)) == marks


def test_what_was_heard_is_one_line_with_silence_in_it() -> None:
    queued: Playback[str] = Playback(MULAW.bytes_per_s)
    queued.play(MULAW.tone(100), 5.5)
    heard = Heard(queued.heard(7.0), MULAW, began=5.0, now=7.0)
    assert len(heard.pcm) == 2 * 16000
    assert heard.played_ms == pytest.approx(100)
    assert heard.first_sound_ms() == 500
    assert set(heard.between(0, 500)) == {0}
    assert set(heard.between(600, 2000)) == {0}


def test_a_telephone_passes_a_narrow_band() -> None:
    for rate, outside, inside, codec in ((8000, 60, 1000, L16_8K), (16000, 7500, 6000, L16_16K)):
        assert codec.rate == rate
        hum, tone = codec.tone(1000, outside), codec.tone(1000, inside)
        assert level(band_limited(hum, rate)) < 0.05 * level(hum)
        assert level(band_limited(tone, rate)) == pytest.approx(level(tone), rel=0.02)


def level(pcm: bytes) -> float:
    return rms(pcm[len(pcm) // 4 : len(pcm) // 4 * 3 // 2 * 2])


@pytest.mark.parametrize("codec", [MULAW, ALAW, L16_8K, L16_16K, L16_24K])
def test_a_recording_becomes_whole_frames(codec: Codec) -> None:
    frames = spoken("common_yes", codec)
    assert {len(frame) for frame in frames} == {codec.frame_bytes()}
    pcm = codec.decode(b"".join(frames))
    assert len(pcm) / (2 * codec.rate) == pytest.approx(recording("common_yes").duration_s, abs=0.03)
    assert rms(pcm) > 300
