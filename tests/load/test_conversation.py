"""What one caller says and hears, on a clock of the test's own."""

from __future__ import annotations

import wave

import numpy as np
import pytest

from gateway.load.callers.webrtc import Arrivals
from gateway.load.conversation import Conversation, Turn
from gateway.load.speech import CLIPS, Speech, as_opus, as_sent
from gateway.softphone.orders import PCMU
from gateway.softphone.sound import decoded
from media.libopus import Decoder

pytestmark = pytest.mark.unit

RATE = 24000
AT = np.arange(480) / RATE
TONE = (8000 * np.sin(2 * np.pi * 300 * AT)).astype("<i2").tobytes()


def caller(**more: float) -> Conversation:
    return Conversation(Speech(b"-", ((b"a", b"b"),), (b"x", b"y")), lead_s=0.1, **more)  # type: ignore[arg-type]


def held(talk: Conversation, seconds: float, loud: list[tuple[float, float]]) -> str:
    """Runs it; the agent is audible within the times of `loud`. What the caller sent."""
    said = b""
    for count in range(round(seconds * 50)):
        now = count * 0.02
        if any(begin <= now + 1e-9 < end for begin, end in loud):
            talk.hear(TONE, now, RATE)
        said += talk.frame(now)
    return said.decode()


def test_the_wait_is_from_the_last_word_to_the_first_sound() -> None:
    talk = caller(barge_in_every=0)
    assert held(talk, 1.5, [(0.62, 1.5)]).count("ab") == 1
    [turn] = talk.turns
    assert turn.began == pytest.approx(0.1)
    assert turn.first_audio_ms == pytest.approx(500)
    assert turn.heard_s == pytest.approx(0.88)


def test_a_caller_is_polite_and_goes_on_after_the_reply() -> None:
    talk = caller(barge_in_every=0)
    assert held(talk, 3.0, [(0.6, 1.2)]).count("ab") == 2
    assert talk.turns[1].began == pytest.approx(1.2 + 0.9, abs=0.03)


def test_a_greeting_is_heard_out_first() -> None:
    talk = caller()
    held(talk, 3.0, [(0.0, 1.0)])
    assert talk.turns[0].began == pytest.approx(1.0 + 0.9, abs=0.03)
    assert not talk.turns[0].early


def test_an_interruption_is_measured_to_silence_and_its_own_reply_is_another() -> None:
    talk = caller(barge_in_every=1, barge_in_after_s=0.5)
    held(talk, 3.0, [(0.6, 1.3), (2.0, 2.4)])
    first, second = talk.turns[:2]
    assert first.cut_off
    assert second.interrupts
    assert second.barge_in_ms == pytest.approx((1.3 - second.began) * 1000)
    assert second.reply_at == pytest.approx(2.0)


def test_who_speaks_on_is_not_taken_for_an_answer() -> None:
    talk = caller(barge_in_every=1, barge_in_after_s=0.5)
    held(talk, 5.0, [(0.6, 5.0)])
    assert talk.turns[1].reply_at is None
    assert (talk.turns[1].barge_in_ms or 0) > 3000


def test_an_answer_into_the_callers_words_is_no_short_wait() -> None:
    talk = caller(barge_in_every=0)
    held(talk, 0.6, [(0.12, 0.5)])
    assert talk.turns[0].early
    assert talk.turns[0].first_audio_ms is None


def test_a_reply_that_never_comes_is_missed() -> None:
    talk = caller(patience_s=1.0)
    held(talk, 2.5, [])
    assert talk.missed == 2


def test_the_callers_own_player_ends_the_reply() -> None:
    talk = caller()
    talk.turns.append(Turn(1.0, interrupts=True, old_until=1.5))
    talk.cut(1.2)
    assert talk.turns[0].barge_in_ms == pytest.approx(200)


def test_speech_through_both_codecs_has_no_clicks_and_each_cut_is_one() -> None:
    """A cut is made where the speech is loud; its own neighbours are then far smaller steps."""
    decoder = Decoder(RATE)
    wide = [decoder.decode(packet) for said in as_opus((), None).said for packet in said]
    narrow = [decoded(frame, PCMU) for said in as_sent((), None, PCMU).said for frame in said]
    for frames, rate in ((wide, RATE), (narrow, 8000)):
        talk = caller()
        for frame in frames:
            talk.hear(frame, 0.0, rate)
        assert talk.clicks == 0
    talk = caller()
    for _ in range(10):
        talk.hear(TONE, 0.0, RATE)
    broken = np.frombuffer(TONE, "<i2").copy()
    broken[240:] += 12000
    talk.hear(broken.tobytes(), 0.0, RATE)
    assert talk.clicks == 1


def test_utterances_begin_and_end_with_words_and_are_as_long_as_the_recording() -> None:
    for name, said in zip(("1_question", "2_answer"), as_opus((), None).said, strict=True):
        with wave.open(str(CLIPS / f"{name}.wav")) as file:
            frames = file.getnframes() / file.getframerate() * 50
        assert frames * 0.5 < len(said) <= frames + 1


def test_a_tone_is_known_by_its_pitch() -> None:
    talk = caller(tones=True, barge_in_every=0)
    phase = np.arange(RATE * 2) / RATE
    whole = (8000 * np.sin(2 * np.pi * 612.5 * phase)).astype("<i2").tobytes()
    for count in range(100):
        now = count * 0.02
        talk.frame(now)
        if now > 0.5:
            talk.hear(whole[count * 960 : count * 960 + 960], now, RATE)
    talk.over()
    assert talk.turns[0].pitch == pytest.approx(612.5, abs=2)


def test_packets_that_come_too_late_are_one_underrun_until_they_come_in_time() -> None:
    arrivals = Arrivals()
    delays = [0.0] * 5 + [0.1] * 4 + [0.0] * 5 + [0.08] + [0.0] * 3
    dry = [arrivals.speech(10 + n * 0.02 + delay, n * 960) for n, delay in enumerate(delays)]
    assert sum(dry) == 2
    assert not any(Arrivals().speech(10 + n * 0.02 + n % 3 * 0.015, n * 960) for n in range(50))


STALLED = (
    (0.000, 0), (0.010, 960), (0.030, 1920), (0.082, 2880), (0.083, 3840), (0.107, 4800), (0.230, 5760),
    (0.232, 6720), (0.232, 7680), (0.232, 8640), (0.232, 9600), (0.232, 10560),
)  # fmt: skip
"""Arrival and RTP time of a real voice, recorded while the machine was busy."""


def test_a_stall_is_counted_once_however_long_it_is_and_a_pause_that_rtp_time_tells_of_is_none() -> None:
    def underruns(stall_s: float = 0.0, silence: int = 0, start: int = 3179052333) -> int:
        """Of the trace, twice: the second time after 100 ms more of speech, and later by so much."""
        arrivals, count = Arrivals(), 0
        again = [(10.3 + n * 0.02, 13440 + n * 960) for n in range(5)]
        after = [
            (10.4 + stall_s + silence / 48000 + n * 0.02, 18240 + silence + n * 960) for n in range(10)
        ]
        for at, timestamp in [(10 + at, timestamp) for at, timestamp in STALLED] + again + after:
            count += arrivals.speech(at, start + timestamp & 0xFFFFFFFF)
        return count

    assert underruns() == 1
    assert underruns(stall_s=0.1) == 2
    assert underruns(stall_s=0.4) == 2
    assert underruns(silence=3 * 48000) == 1
    assert underruns(silence=3 * 48000, stall_s=0.4) == 1
    assert underruns(stall_s=0.4, start=2**32 - 14000) >= 1
