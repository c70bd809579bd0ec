"""What callers say: recordings, cut to where somebody speaks and encoded once for all calls of a kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.softphone.sound import Unusable, Utterance, encoded, utterance
from gateway.wire import Encoding
from media.libopus import Encoder

__all__ = ["CLIPS", "Speech", "as_opus", "as_sent"]

CLIPS = Path(__file__).parent / "clips"
OPUS_RATE = 24000
BIT_RATE = 32000
COMPLEXITY = 5
SETTLED = 25
"""Frames of silence after which an encoder gives the same packet for it."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Frames of 20 ms, as they travel. Each utterance begins and ends with a voiced one."""

    silence: bytes
    said: tuple[tuple[bytes, ...], ...]
    interruption: tuple[bytes, ...]


def as_opus(speech: tuple[Path, ...], interruption: Path | None) -> Speech:
    """Packets of mono Opus. Raises Unusable."""
    encoder = Encoder(OPUS_RATE, BIT_RATE, COMPLEXITY, 0)
    nothing = bytes(OPUS_RATE // 50 * 2)
    quiet = [encoder.encode(nothing) for _ in range(SETTLED)][-1]
    return _read(speech, interruption, OPUS_RATE, encoder.encode, quiet)


def as_sent(speech: tuple[Path, ...], interruption: Path | None, encoding: Encoding) -> Speech:
    """Raw audio of an encoding. Raises Unusable."""
    quiet = encoded(bytes(encoding.rate // 50 * 2), encoding)
    return _read(speech, interruption, encoding.rate, lambda pcm: encoded(pcm, encoding), quiet)


def _read(
    speech: tuple[Path, ...],
    interruption: Path | None,
    rate: int,
    encode: Callable[[bytes], bytes],
    quiet: bytes,
) -> Speech:
    def frames(path: Path) -> tuple[bytes, ...]:
        whole = tuple(encode(frame) for frame in _voiced(utterance(path, rate)))
        if not whole:
            raise Unusable(f"{path}: nobody speaks in it")
        return whole

    paths = speech or (CLIPS / "1_question.wav", CLIPS / "2_answer.wav")
    return Speech(
        quiet, tuple(frames(path) for path in paths), frames(interruption or CLIPS / "interruption.wav")
    )


def _voiced(one: Utterance) -> tuple[bytes, ...]:
    """Without the silence round it: its last frame is the caller's last word."""
    loud = [index for index, voiced in enumerate(one.voiced) if voiced]
    return one.frames[loud[0] : loud[-1] + 1] if loud else ()
