"""Recordings of any kind become what a caller says; what cannot is told with what would do."""

from __future__ import annotations

import gc
import wave
from pathlib import Path

import numpy as np
import pytest

from gateway.__main__ import main
from gateway.softphone.sound import Heard, Unusable, decoded, encoded, utterance
from gateway.wire import Codec, Encoding
from media.level import dbfs
from tests.caller_audio import caller, recording

pytestmark = pytest.mark.unit


def tone(path: Path, rate: int, width: int, channels: int) -> Path:
    samples = np.sin(np.arange(rate) * 2 * np.pi * 440 / rate) * 0.5
    scaled = {
        1: lambda: (samples * 127 + 128).astype(np.uint8).tobytes(),
        2: lambda: (samples * 32767).astype("<i2").tobytes(),
        3: lambda: (samples * 8388607).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes(),
        4: lambda: (samples * 2147483647).astype("<i4").tobytes(),
    }[width]()
    frames = [scaled[at : at + width] for at in range(0, len(scaled), width)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(b"".join(one * channels for one in frames))
    return path


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_tone_stays_a_tone(tmp_path: Path, rate: int, width: int, channels: int) -> None:
    said = utterance(tone(tmp_path / "tone.wav", rate, width, channels), 8000)
    assert said.seconds == pytest.approx(1, abs=0.04)
    pcm = b"".join(said.frames)
    assert dbfs(pcm) == pytest.approx(-9, abs=0.5)
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2")[:8000]))
    assert int(np.argmax(spectrum)) == pytest.approx(440, abs=1)


def test_where_somebody_speaks_is_known() -> None:
    said = utterance(caller("dental_01_book"), 8000)
    of = recording("dental_01_book")
    first, last = said.voiced.index(True), len(said.voiced) - said.voiced[::-1].index(True)
    assert first * 0.02 == pytest.approx(of.speech_start_s, abs=0.1)
    assert last * 0.02 == pytest.approx(of.speech_end_s, abs=0.2)


def test_the_last_frame_is_filled(tmp_path: Path) -> None:
    said = utterance(tone(tmp_path / "tone.wav", 16000, 2, 1), 24000)
    assert {len(frame) for frame in said.frames} == {960}


def test_what_is_no_recording_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no wave")
    with pytest.raises(Unusable, match=r"no WAV file of PCM .*ffmpeg"):
        utterance(tmp_path / "text.wav", 8000)
    with pytest.raises(Unusable, match="there is no such file"):
        utterance(tmp_path / "none.wav", 8000)
    with pytest.raises(Unusable, match="directory"):
        utterance(tmp_path, 8000)
    with wave.open(str(tmp_path / "empty.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
    with pytest.raises(Unusable, match="nothing is in it"):
        utterance(tmp_path / "empty.wav", 8000)


def test_what_is_heard_is_written(tmp_path: Path) -> None:
    with Heard(tmp_path / "heard.wav") as heard:
        heard.write(b"\x01\x02" * 80, 8000)
        heard.write(b"\x03\x04" * 80, 8000)
    with wave.open(str(tmp_path / "heard.wav"), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 160)
    with Heard(None) as nowhere:
        nowhere.write(b"\x01\x02", 8000)
    with pytest.raises(Unusable, match="No such file"), Heard(tmp_path / "no" / "folder.wav"):
        pass


@pytest.mark.parametrize("codec", list(Codec))
def test_what_travels_comes_back(codec: Codec) -> None:
    encoding = Encoding(codec, 8000)
    pcm = (np.sin(np.arange(800) / 5) * 9000).astype("<i2").tobytes()
    back = np.frombuffer(decoded(encoded(pcm, encoding), encoding), "<i2").astype(float)
    assert np.abs(back - np.frombuffer(pcm, "<i2")).max() < 400


def test_a_place_that_cannot_be_written_is_told_before_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["phone", "call", "--server", "http://127.0.0.1:9", "--out", "/proc/nowhere/heard.wav"]) == 2
    )
    gc.collect()  # a call that was begun and left would warn here
    assert "/proc/nowhere/heard.wav: No such file" in capsys.readouterr().err
