"""What is compiled does what its twin in Python says."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media import native, vad
from media.audio import PCM24, PCMA, PCMU, AudioFormat
from media.vad import plain_detector
from tests.media.hearing import BEDS, TURNS, at_level, carried, frames, room, sound

try:
    from media.compiled_vad import CompiledDetector
except ImportError as error:
    pytest.fail(f"nothing is compiled here, or not of this code; run make install ({error})", pytrace=False)

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
FORMS = {"24 kHz": PCM24, "mu": PCMU, "a": PCMA}
forms = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def compiled(form: AudioFormat) -> CompiledDetector:
    return CompiledDetector(form, silence_ms=500, min_frames=3)


def test_everything_is_compiled() -> None:
    """Parley runs without, but nothing else here is worth anything then."""
    assert not native.missing(), "not compiled; run make install"
    assert not native.stale(), "compiled before the last update; run make install"
    assert sorted(path.stem for path in (ROOT / "media/native").glob("*.c")) == sorted(native.MODULES)


def test_a_wheel_has_it_and_says_for_whom(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(
        ROOT / "media", tmp_path / "media", ignore=shutil.ignore_patterns("*.so", "__pycache__")
    )
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert "-cp311-abi3-" in wheel.name
    names = zipfile.ZipFile(wheel).namelist()
    assert all(f"media/native/{name}.abi3.so" in names for name in native.MODULES)


def test_without_it_the_twin_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(vad.local_detector(PCMU), CompiledDetector)
    monkeypatch.setattr(vad, "CompiledDetector", None)
    assert isinstance(vad.local_detector(PCMU), vad.SpeechDetector)


def test_one_that_is_older_than_the_code_is_not_used() -> None:
    """Its names may be there and take other arguments."""
    for old in ("voice.SOURCE = 1", "del voice.SOURCE", "voice.SOURCE = 1; del voice.prepare"):
        script = (
            f"from media import native; from media.native import voice; {old}; from media import vad\n"
            "from media.audio import PCMU\n"
            "print(type(vad.local_detector(PCMU)).__name__, native.stale(), native.missing())\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
        )
        assert ran.stdout.split("\n")[0] == "SpeechDetector ['voice'] []", old


def test_what_it_was_compiled_of_changes_with_the_c_file_and_the_headers(tmp_path: Path) -> None:
    assert native.source("voice", tmp_path) is None
    shutil.copy(ROOT / "media/native/voice.c", tmp_path)
    same = native.source("voice", tmp_path)
    assert same == native.source("voice")
    (tmp_path / "some.h").write_text("#define MORE 1\n")
    assert native.source("voice", tmp_path) != same


def alike(heard: list[bytes], form: AudioFormat) -> int:
    """Both hear the same: how many verdicts there were."""
    one, twin, told = compiled(form), plain_detector(form), 0
    for frame in heard:
        verdicts = one.feed(frame)
        assert verdicts == twin.feed(frame)
        assert one.last_speech_ms == twin.last_speech_ms
        assert one.speaking is twin.speaking
        assert one.voiced is twin.voiced
        assert one.voice.loudness == pytest.approx(twin._loud[-1], abs=1e-3)
        assert one.voice.clarity == pytest.approx(twin._voice._past[-1][1], abs=1e-3)
        told += len(verdicts)
    assert one.fed_ms == twin.fed_ms == 20 * len(heard)
    return told


@forms
def test_both_hear_every_caller_alike(form: AudioFormat) -> None:
    for name in TURNS:
        lines = [carried(frames(room(2000), sound(name), room(900)), form)]
        lines.append(carried(frames(room(1600), sound(name) * np.float32(0.1), room(900)), form))
        assert all(alike(line, form) >= 2 for line in lines), name


@forms
def test_both_hear_noise_alike(form: AudioFormat) -> None:
    told = 0
    for bed in BEDS:
        noise = at_level(bed, -22)
        told += alike(carried(frames(room(2000), noise), form), form)
        told += alike(
            carried(frames(sound("common_yes"), noise, sound("bargein_stop"), room(900)), form), form
        )
    assert told > 10


@forms
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_both_hear_anything_alike(form: AudioFormat, data: st.DataObject) -> None:
    """Pieces of speech, noise and nothing at any level, with frames that were lost, and something played meanwhile."""
    pieces = []
    for _ in range(data.draw(st.integers(2, 5))):
        name = data.draw(st.sampled_from([*TURNS, *BEDS, ""]))
        line = sound(name)[: 24 * 3000] if name else np.zeros(24 * 500, np.float32)
        pieces.append(line * np.float32(data.draw(st.sampled_from([0.01, 0.1, 0.5, 1.0, 3.0]))))
    heard = carried(frames(*pieces), form)
    one, twin = compiled(form), plain_detector(form)
    lost = data.draw(st.sets(st.integers(0, len(heard) - 1), max_size=20))
    played = data.draw(st.integers(0, len(heard) - 1))
    for place, frame in enumerate(heard):
        if place in lost:
            frame = form.silence * form.frame_bytes
        if 0 <= place - played < 50:
            one.played(heard[place - played])
            twin.played(heard[place - played])
        assert one.feed(frame) == twin.feed(frame)
        assert one.last_speech_ms == twin.last_speech_ms


@forms
def test_it_takes_whole_frames_only(form: AudioFormat) -> None:
    for length in (0, 1, form.frame_bytes - 1, form.frame_bytes + 1):
        with pytest.raises(ValueError, match="20 ms are"):
            compiled(form).feed(bytes(length))
    with pytest.raises(TypeError):
        compiled(form).feed("x" * form.frame_bytes)  # type: ignore[arg-type]


def test_it_takes_formats_of_telephones_and_browsers_only() -> None:
    for make in (compiled, plain_detector):
        with pytest.raises(ValueError, match="16000 Hz"):
            make(AudioFormat(16000))
