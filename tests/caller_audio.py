"""What callers said, recorded: WAV files, mono, 16 kHz, 16 bit. `tests/audio/manifest.json` tells what is in each."""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Recording", "caller", "pcm", "recording", "recordings"]

FOLDER = Path(__file__).parent / "audio"


@dataclass(frozen=True, slots=True)
class Recording:
    """One entry of the manifest."""

    name: str
    """The file's name without `.wav`."""
    kind: str
    """`turn` or `noise`."""
    text: str
    """The words said, lower case; for noise a remark."""
    expect: str | None
    """`ok`: recognisers should get it; `hard`: they may fail."""
    duration_s: float
    speech_start_s: float
    speech_end_s: float


def caller(name: str) -> Path:
    """The path of a recording, by name with or without `.wav`. Raises FileNotFoundError, naming what there is."""
    path = FOLDER / f"{name.removesuffix('.wav')}.wav"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.wav")))
        raise FileNotFoundError(f"no recording {name!r}; there are {known}")
    return path


def pcm(name: str) -> bytes:
    """Its samples: PCM16 little-endian, mono, 16 kHz."""
    with wave.open(str(caller(name)), "rb") as file:
        return file.readframes(file.getnframes())


@cache
def recordings() -> tuple[Recording, ...]:
    """All of them, as the manifest lists them."""
    manifest = json.loads((FOLDER / "manifest.json").read_text())
    return tuple(
        Recording(
            name=item["file"].removesuffix(".wav"),
            kind=item["kind"],
            text=item["text"],
            expect=item.get("expect"),
            duration_s=item["duration_s"],
            speech_start_s=item.get("speech_start_s", 0.0),
            speech_end_s=item.get("speech_end_s", 0.0),
        )
        for item in manifest["items"]
    )


def recording(name: str) -> Recording:
    """The manifest's entry of one recording."""
    return next(r for r in recordings() if r.name == name.removesuffix(".wav"))
