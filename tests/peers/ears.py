"""The input audio buffer: what was appended, and who speaks when, by energy (sections 3.3, 5 and 6.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tests.peers.faults import Event, Refused
from tests.peers.sound import BYTES_PER_MS, FRAME_MS, levels

__all__ = ["Ears", "Verdict"]

MIN_COMMIT_MS = 100
ONSET_FRAMES = 3
SEMANTIC_SILENCE_MS = 500
LOUD = 0.012
"""Root mean square of speech at the default threshold of 0.5."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The caller began or ended to speak, at a time of the session's audio."""

    kind: Literal["started", "stopped"]
    ms: int


class Ears:
    """Counts milliseconds over all audio of the session."""

    def __init__(self) -> None:
        self.speaking = False
        self._carry = b""
        self._kind = "audio/pcm"
        self._loud = 0
        self._quiet_ms = 0
        self._at_ms = 0.0
        self._held_ms = 0.0
        self._began_ms = 0.0

    @property
    def total_ms(self) -> int:
        """All audio appended to the session."""
        return int(self._at_ms + self._carry_ms)

    @property
    def held_ms(self) -> float:
        """Audio since the last commit or clear."""
        return self._held_ms + self._carry_ms

    @property
    def speech_ms(self) -> int:
        """How long the caller has been speaking; 0 while silent."""
        return int(self._at_ms - self._began_ms) if self.speaking else 0

    @property
    def _carry_ms(self) -> float:
        return len(self._carry) / BYTES_PER_MS[self._kind]

    def append(self, audio: bytes, kind: str, turns: Event | None) -> Iterator[Verdict]:
        """Audio in a format of the wire, judged while it is iterated: a verdict stands at its place in the audio.
        `turns`: the turn detection in force; None: no verdicts."""
        if kind != self._kind:
            self._drop_carry()
            self._kind = kind
        whole = self._carry + audio
        size = FRAME_MS * BYTES_PER_MS[kind]
        cut = len(whole) - len(whole) % size
        self._carry = b""
        for level in levels(whole[:cut], kind):
            self._at_ms += FRAME_MS
            self._held_ms += FRAME_MS
            verdict = self._judge(level, turns) if turns else None
            if verdict:
                yield verdict
        self._carry = whole[cut:]
        if turns is None:
            self._forget()

    def _judge(self, level: float, turns: Event) -> Verdict | None:
        loud = level > LOUD * (turns.get("threshold") or 0.5) / 0.5
        self._loud = self._loud + 1 if loud else 0
        self._quiet_ms = 0 if loud else self._quiet_ms + FRAME_MS
        if not self.speaking and self._loud >= ONSET_FRAMES:
            self.speaking = True
            self._began_ms = self._at_ms - ONSET_FRAMES * FRAME_MS
            return Verdict("started", max(0, int(self._began_ms) - (turns.get("prefix_padding_ms") or 0)))
        if self.speaking and self._quiet_ms >= (turns.get("silence_duration_ms") or SEMANTIC_SILENCE_MS):
            self.speaking = False
            return Verdict("stopped", int(self._at_ms))
        return None

    def commit(self) -> float:
        """The milliseconds that go into the item. Raises Refused when there is next to nothing."""
        if self.held_ms < MIN_COMMIT_MS:
            raise Refused(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{MIN_COMMIT_MS}ms of audio, but buffer only has {self.held_ms:.2f}ms of audio.",
                rule="5, input_audio_buffer.commit: minimum 100 ms",
            )
        return self.take()

    def take(self) -> float:
        """Empties the buffer; what it held, in ms."""
        held = self.held_ms
        self._drop_carry()
        self._held_ms = 0.0
        self._forget()
        return held

    def _drop_carry(self) -> None:
        self._at_ms += self._carry_ms
        self._carry = b""

    def _forget(self) -> None:
        self.speaking = False
        self._loud = self._quiet_ms = 0
