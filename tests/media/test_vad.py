"""Speech detection on recorded callers and noises, at both kinds' settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media import speech_likeness
from media.level import dbfs
from media.resample import Resampler
from media.vad import Quiet, Resumed, SpeechStarted, SpeechStopped, Verdict, engine_detector, local_detector
from tests.caller_audio import recording
from tests.media.hearing import BEDS, FRAME, KINDS, TURNS, frames, listen, room, sound, starts, stops

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]

LEAD_MS = 2000

both = pytest.mark.parametrize("kind", KINDS)


@both
@pytest.mark.parametrize("bed", BEDS)
def test_a_call_that_begins_in_noise_starts_no_turn(kind: str, bed: str) -> None:
    nothing_yet = np.zeros(24 * 400, np.float32)
    assert listen(KINDS[kind](), frames(sound(bed))) == []
    assert listen(KINDS[kind](), frames(nothing_yet, sound(bed))) == []


@both
def test_every_caller_is_one_turn_at_the_right_place(kind: str) -> None:
    late: list[int] = []
    for name in TURNS:
        told = recording(name)
        verdicts = listen(KINDS[kind](), frames(room(LEAD_MS), sound(name), room(900)))
        assert (len(starts(verdicts)), len(stops(verdicts))) == (1, 1), name
        # The manifest counts 30 ms of silence round the speech as speech.
        begin, end = LEAD_MS + told.speech_start_s * 1000 + 30, LEAD_MS + told.speech_end_s * 1000 - 30
        assert -60 <= starts(verdicts)[0].at_ms - begin <= 100, name
        assert -180 <= stops(verdicts)[0].end_ms - end <= 60, name
        assert stops(verdicts)[0].at_ms - stops(verdicts)[0].end_ms == 500
        late.append(verdicts[0][1] - round(begin))
    soon, latest = {"local": (80, 150), "telephone": (80, 210), "engine": (110, 250)}[kind]
    assert median(late) <= soon
    assert max(late) <= latest


@both
@pytest.mark.parametrize("bed", ["noise_white", "noise_hum60", "noise_babble"])
def test_callers_are_found_after_a_long_noise_and_within_it(kind: str, bed: str) -> None:
    noise = sound(bed) * np.float32(2600 / 800 / 10 ** (15 / 20))
    for name in ("dental_02_slot", "insurance_04_hurt", "bargein_stop", "common_yes"):
        speech = np.concatenate([room(3000), sound(name), room(900)])
        verdicts = listen(KINDS[kind](), frames(speech + noise[: speech.size]))
        assert (len(starts(verdicts)), len(stops(verdicts))) == (1, 1), name
        assert abs(starts(verdicts)[0].at_ms - 3330) <= 200, name


@both
def test_a_telephone_band_is_enough(kind: str) -> None:
    down, up = Resampler(24_000, 8000), Resampler(8000, 24_000)
    for name in ("dental_01_book", "backchannel_uhhuh", "bank_02_last4"):
        wide = b"".join(frames(room(LEAD_MS), sound(name), room(900)))
        narrow = up.process(down.process(wide))
        heard = [narrow[at : at + FRAME] for at in range(0, len(narrow) - FRAME + 1, FRAME)]
        assert len(starts(listen(KINDS[kind](), heard))) == 1, name


@both
def test_a_pause_is_quiet_then_resumed_and_a_long_one_ends_the_turn(kind: str) -> None:
    first, second = sound("insurance_01_report"), sound("insurance_04_hurt")
    # The recordings bring 0.4 s and 0.3 s of silence with them.
    pause = frames(room(LEAD_MS), first[: -24 * 400], room(60), second, room(900))
    patient = KINDS[kind]()
    patient.silence_ms = 700
    verdicts = [verdict for verdict, _ in listen(patient, pause)]
    assert [type(v) for v in verdicts] == [SpeechStarted, Quiet, Resumed, Quiet, SpeechStopped]
    assert isinstance(quiet := verdicts[1], Quiet)
    assert quiet.at_ms - quiet.end_ms == 200
    assert isinstance(resumed := verdicts[2], Resumed)
    assert resumed.at_ms >= quiet.at_ms
    hasty = KINDS[kind]()
    hasty.silence_ms = 260
    assert len(stops(listen(hasty, pause))) == 2


def test_our_own_echo_is_no_caller_but_a_caller_over_it_is() -> None:
    agent = sound("estate_02_viewing") * np.float32(0.9)
    echo = np.concatenate([np.zeros(24 * 120, np.float32), agent * np.float32(0.1)])[: agent.size]
    played = frames(agent)

    def call(heard: list[bytes]) -> list[Verdict]:
        detector, verdicts = local_detector(), list[Verdict]()
        for frame in frames(room(LEAD_MS)):
            detector.feed(frame)
        for ours, theirs in zip(played, heard, strict=False):
            detector.far_level(dbfs(ours))
            verdicts += detector.feed(theirs)
        return verdicts

    assert call(frames(echo)) == []
    caller = np.zeros(echo.size, np.float32)
    stop = sound("bargein_stop")
    caller[24 * 1000 : 24 * 1000 + stop.size] = stop
    begun = call(frames(echo + caller))
    assert isinstance(begun[0], SpeechStarted)
    assert abs(begun[0].at_ms - (LEAD_MS + 1330)) <= 150


def test_a_hum_that_begins_while_someone_speaks_does_not_hold_the_turn_open() -> None:
    line = np.concatenate([room(LEAD_MS), sound("dental_01_book"), room(2500)])
    hum = np.zeros(line.size, np.float32)
    begin = 24 * (LEAD_MS + 1500)
    hum[begin:] = sound("noise_hum60")[: line.size - begin]
    detector = local_detector()
    assert len(stops(listen(detector, frames(line + hum)))) == 1
    assert not detector.speaking


def test_what_it_knows_in_between() -> None:
    detector = local_detector()
    assert (detector.speaking, detector.fed_ms, detector.last_speech_ms) == (False, 0, None)
    for frame in frames(room(LEAD_MS), sound("common_yes")[: 24 * 900]):
        detector.feed(frame)
    assert detector.speaking
    assert detector.fed_ms == LEAD_MS + 900
    assert detector.last_speech_ms == detector.fed_ms


def test_a_frame_is_20_ms() -> None:
    with pytest.raises(ValueError, match="20 ms"):
        local_detector().feed(bytes(640))


def test_a_closed_detector_is_over() -> None:
    detector = engine_detector()
    detector.close()
    with pytest.raises(ValueError, match="closed"):
        detector.feed(bytes(FRAME))


def test_a_model_that_is_handed_on_hears_as_a_fresh_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_likeness, "_spare", [])
    first = engine_detector()
    listen(first, frames(room(300), sound("hard_01_story")[: 24 * 3000]))
    first.close()
    assert len(speech_likeness._spare) == 1
    again = engine_detector()
    assert not speech_likeness._spare
    fresh = engine_detector()
    for frame in frames(room(LEAD_MS), sound("dental_05_confirm"), room(900)):
        assert again.feed(frame) == fresh.feed(frame)
        assert again._likeness.feed(frame, np.zeros(160, np.float32)) == fresh._likeness.feed(
            frame, np.zeros(160, np.float32)
        )
    assert again.last_speech_ms == fresh.last_speech_ms is not None


def test_the_same_models_are_kept_however_many_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_likeness, "_spare", [])
    monkeypatch.setattr(speech_likeness, "SPARE", 2)
    first, second, third = (speech_likeness.Silero() for _ in range(3))
    kept = [first._model, second._model]
    for one in (third, second, first):
        one.close()
    assert [model for _, model in speech_likeness._spare] == kept
    again, other = speech_likeness.Silero(), speech_likeness.Silero()
    assert [again._model, other._model] == kept


@pytest.mark.skipif(speech_likeness._trim is None, reason="not glibc")
def test_the_memory_of_many_callers_goes_back_to_the_system() -> None:
    script = (
        "from pathlib import Path\n"
        "from media.vad import engine_detector\n"
        "def pages(): return int(Path('/proc/self/statm').read_text().split()[1])\n"
        "first = [engine_detector() for _ in range(8)]\n"
        "few = pages()\n"
        "more = [engine_detector() for _ in range(16)]\n"
        "many = pages()\n"
        "for one in first + more: one.close()\n"
        "print(few, many, pages())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    few, many, after = map(int, ran.stdout.split())
    assert after - few < (many - few) / 2


def test_without_silero_the_engine_still_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise OSError("no such library")

    monkeypatch.setattr("media.vad.Silero", missing)
    verdicts = listen(engine_detector(), frames(room(LEAD_MS), sound("dental_05_confirm"), room(900)))
    assert (len(starts(verdicts)), len(stops(verdicts))) == (1, 1)


loudness = st.floats(0.0, 20_000.0)


@settings(max_examples=20)
@given(st.lists(st.tuples(loudness, st.integers(1, 30)), max_size=12))
def test_verdicts_always_come_in_order(levels: list[tuple[float, int]]) -> None:
    """Whatever is heard: a start, then quiet and resumed in turns, then a stop; times never go back."""
    detector = local_detector(silence_ms=300)
    speech = sound("hard_01_story")
    heard = [
        frame
        for at, (level, count) in enumerate(levels)
        for frame in frames(speech[at * 9600 : at * 9600 + count * 480] * np.float32(level / 2600))
    ]
    after: dict[type[Verdict] | None, tuple[type[Verdict], ...]] = {
        None: (SpeechStarted,),
        # What is on trial may be retracted at any time.
        SpeechStarted: (Quiet, SpeechStopped),
        Quiet: (Resumed, SpeechStopped),
        Resumed: (Quiet, SpeechStopped),
        SpeechStopped: (SpeechStarted,),
    }
    last: type[Verdict] | None = None
    for verdict, fed in listen(detector, heard):
        assert type(verdict) in after[last]
        assert 0 <= verdict.at_ms <= fed
        if isinstance(verdict, Quiet | SpeechStopped):
            assert verdict.end_ms < verdict.at_ms
        last = type(verdict)
