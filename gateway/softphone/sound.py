"""Recordings in and out: WAV files of any rate, as what a caller says and hears."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from gateway.wire import Codec, Encoding
from media import g711
from media.audio import FRAME_MS
from media.framer import Framer
from media.level import dbfs
from media.resample import Resampler

__all__ = ["Heard", "Unusable", "Utterance", "decoded", "encoded", "silence", "utterance"]

LONGEST_S = 600
FLOOR_DBFS = -50.0
BELOW_PEAK_DB = 35.0
"""What is so much quieter than a recording's loudest 20 ms is a pause in it."""
SILENT = {Codec.PCMU: b"\xff", Codec.PCMA: b"\xd5", Codec.L16: b"\0"}


class Unusable(Exception):
    """A recording that cannot be said. The text says what is wrong with it, and what would do."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A recording at the rate of one call, in frames of 20 ms."""

    name: str
    frames: tuple[bytes, ...]
    """PCM16 little-endian."""
    voiced: tuple[bool, ...]
    """Whether somebody speaks in it, frame by frame."""

    @property
    def seconds(self) -> float:
        return len(self.frames) * FRAME_MS / 1000


def utterance(path: Path, rate: int) -> Utterance:
    """Reads a WAV file: PCM of 8 to 32 bits, any rate, the mean of its channels. Raises Unusable."""
    pcm, source = _read(path)
    if source != rate:
        resampler = Resampler(source, rate)
        pcm = resampler.process(pcm) + resampler.flush()
    framer = Framer(rate * FRAME_MS // 1000 * 2)
    frames = framer.push(pcm)
    if rest := framer.flush():
        frames.append(rest.ljust(framer.frame_bytes, b"\0"))
    levels = [dbfs(frame) for frame in frames]
    least = max(FLOOR_DBFS, max(levels, default=0.0) - BELOW_PEAK_DB)
    return Utterance(path.name, tuple(frames), tuple(level > least for level in levels))


def _read(path: Path) -> tuple[bytes, int]:
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            if file.getnframes() > LONGEST_S * rate:
                raise Unusable(f"{path}: longer than {LONGEST_S // 60} minutes")
            raw = file.readframes(file.getnframes())
    except FileNotFoundError:
        raise Unusable(f"{path}: there is no such file") from None
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror or error}") from None
    except (wave.Error, EOFError) as error:
        raise Unusable(
            f"{path}: no WAV file of PCM ({str(error) or 'it ends too soon'}); "
            "`ffmpeg -i IN -c:a pcm_s16le OUT.wav` makes one"
        ) from None
    if rate < 4000 or not raw:
        raise Unusable(
            f"{path}: {'nothing is in it' if not raw else f'{rate} samples a second are too few'}"
        )
    samples = _samples(raw[: len(raw) - len(raw) % (width * channels)], width)
    mono = samples.reshape(-1, channels).mean(axis=1)
    pcm: bytes = np.clip(np.rint(mono), -32768, 32767).astype("<i2").tobytes()
    return pcm, rate


def _samples(raw: bytes, width: int) -> npt.NDArray[np.float64]:
    """To the scale of 16 bits (RIFF: 8 bits are unsigned, more are signed, all little-endian)."""
    if width == 1:
        return (np.frombuffer(raw, np.uint8).astype(np.float64) - 128) * 256
    if width == 3:
        parts = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        high = parts[:, 1:].copy().view("<i2").ravel().astype(np.float64)
        return high + parts[:, 0] / 256
    kind, scale = ("<i2", 1) if width == 2 else ("<i4", 65536)
    return np.frombuffer(raw, kind).astype(np.float64) / scale


class Heard:
    """A WAV file, written as it is heard: PCM16 mono. Nothing happens without a path."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._raw: BinaryIO | None = None
        self._file: wave.Wave_write | None = None

    def __enter__(self) -> Heard:
        """Raises Unusable when the file cannot be written."""
        if self._path is not None:
            try:
                self._raw = self._path.open("wb")
            except OSError as error:
                raise Unusable(f"{self._path}: {error.strerror or error}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._raw is not None:
            self._raw.close()

    def write(self, pcm: bytes, rate: int) -> None:
        """Raises Unusable when the disk is full."""
        if self._raw is None:
            return
        try:
            if self._file is None:
                self._file = wave.open(self._raw, "wb")  # noqa: SIM115 - closed as the block is left
                self._file.setnchannels(1)
                self._file.setsampwidth(2)
                self._file.setframerate(rate)
            self._file.writeframesraw(pcm)
        except OSError as error:
            raise Unusable(f"{self._path}: {error.strerror or error}") from None


def encoded(pcm: bytes, encoding: Encoding) -> bytes:
    """PCM16 at the encoding's rate → as it travels."""
    match encoding.codec:
        case Codec.PCMU:
            return g711.encode(pcm, "mu")
        case Codec.PCMA:
            return g711.encode(pcm, "a")
        case Codec.L16:
            return pcm


def decoded(audio: bytes, encoding: Encoding) -> bytes:
    """The other way."""
    match encoding.codec:
        case Codec.PCMU:
            return g711.decode(audio, "mu")
        case Codec.PCMA:
            return g711.decode(audio, "a")
        case Codec.L16:
            return audio


def silence(encoding: Encoding, count: int) -> bytes:
    """`count` bytes of it."""
    return SILENT[encoding.codec] * count
