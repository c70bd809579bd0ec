"""The carrier's player: real time, marks, clear, lead and pauses, exact to the sample."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.softphone.player import Player
from gateway.wire import Codec, Encoding

pytestmark = pytest.mark.unit

MU = Encoding(Codec.PCMU, 8000)
WIDE = Encoding(Codec.L16, 16000)


def sound(ms: int, byte: bytes = b"\x10") -> bytes:
    return byte * (8 * ms)


def test_audio_is_played_in_real_time_with_silence_round_it() -> None:
    player = Player(MU, 100.0, 60)
    assert player.advance(100.1) == sound(100, b"\xff")
    player.play(sound(40))
    assert player.advance(100.12) == sound(20)
    assert player.pending_s == pytest.approx(0.02)
    assert player.advance(100.2) == sound(20) + sound(60, b"\xff")
    assert player.advance(100.2) == b""


def test_a_mark_is_reached_when_all_before_it_was_played_and_not_before() -> None:
    player = Player(MU, 0.0, 60)
    player.play(sound(40))
    player.mark("a")
    player.play(sound(40))
    player.mark("b")
    player.advance(0.039)
    assert player.reached() == []
    player.advance(0.041)
    assert player.reached() == ["a"]
    assert player.reached() == []
    player.advance(0.2)
    assert player.reached() == ["b"]


def test_a_mark_with_nothing_before_it_is_reached_at_once() -> None:
    player = Player(MU, 0.0, 60)
    player.mark("a")
    assert player.reached() == ["a"]


def test_clear_drops_what_was_not_played_and_gives_the_marks_back() -> None:
    player = Player(MU, 0.0, 60)
    player.play(sound(20))
    player.mark("a")
    player.play(sound(100))
    player.mark("b")
    player.advance(0.05)
    assert player.reached() == ["a"]
    dropped, marks = player.clear()
    assert dropped == pytest.approx(0.07)
    assert marks == ["b"]
    assert player.advance(0.06) == sound(10, b"\xff")
    assert player.reached() == []


def test_the_lead_is_the_most_that_ever_waited() -> None:
    player = Player(MU, 0.0, 60)
    for _ in range(10):
        player.play(sound(20))
    player.advance(0.1)
    player.play(sound(20))
    assert player.lead_s_max == pytest.approx(0.2)


def test_audio_that_comes_a_little_late_is_an_underrun() -> None:
    player = Player(MU, 0.0, 60)
    player.play(sound(20))
    player.advance(0.05)
    player.play(sound(20))
    assert player.underruns == [pytest.approx(0.03)]


def test_a_pause_between_two_replies_is_none_and_after_a_clear_neither() -> None:
    player = Player(MU, 0.0, 60)
    player.play(sound(20))
    player.advance(0.5)
    player.play(sound(20))
    player.advance(0.53)
    player.clear()
    player.advance(0.6)
    player.play(sound(20))
    assert player.underruns == []


def test_audio_just_in_time_is_no_underrun() -> None:
    player = Player(MU, 0.0, 60)
    for at in range(5):
        player.play(sound(20))
        player.advance(at * 0.02 + 0.02)
    assert player.underruns == []


def test_what_the_carrier_cannot_queue_is_thrown_away() -> None:
    player = Player(MU, 0.0, 0.1)
    assert player.play(sound(100))
    assert not player.play(sound(20))
    assert player.thrown_s == pytest.approx(0.02)
    assert player.advance(0.2) == sound(100) + sound(100, b"\xff")


@given(
    st.lists(
        st.tuples(st.sampled_from(["play", "mark", "clear", "time"]), st.integers(0, 3000)), max_size=60
    )
)
def test_nothing_is_lost_doubled_or_cut_through_a_sample(steps: list[tuple[str, int]]) -> None:
    player = Player(WIDE, 0.0, 1000)
    now, sent, played, dropped, marks, told = 0.0, 0, 0, 0, 0, 0
    for what, much in steps:
        match what:
            case "play":
                sent += 2 * much
                player.play(b"\x01\x02" * much)
            case "mark":
                marks += 1
                player.mark(str(marks))
            case "clear":
                seconds, names = player.clear()
                dropped += round(seconds * 32000)
                told += len(names)
            case _:
                now += much / 7919
                heard = player.advance(now)
                assert len(heard) % 2 == 0
                assert heard.replace(b"\0\0", b"") == b"\x01\x02" * heard.count(b"\x01\x02")
                played += 2 * heard.count(b"\x01\x02")
        told += len(player.reached())
        assert sent == played + dropped + round(player.pending_s * 32000)
    player.clear()
    assert told <= marks
