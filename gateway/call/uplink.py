"""The caller's audio on its way to the model: as it comes, or in longer pieces while nothing hangs on its moment.

A frame costs the same to send whether it holds 20 ms or 200. What hangs on the moment is where speech begins and
where a turn ends. So audio is kept, up to `QUIET_MS`, only while the local voice detector hears not even a sign of
speech and no silence is waited for that ends a turn, which the model says that it has ended; and, up to `PIECE_MS`,
within a turn while it is sure of speech, for then no turn can end. The first frame that is otherwise goes out at once,
with what was kept before it. Sans-IO.
"""

from __future__ import annotations

from media.audio import AudioFormat

__all__ = ["PIECE_MS", "QUIET_MS", "Uplink"]

QUIET_MS = 200
"""The longest piece while nobody speaks."""
PIECE_MS = 100
"""The longest of speech: a model that writes words down as it hears them is not to be kept waiting."""
REST_FRAMES = 50
"""Frames without speech after which none is waited for: a model that heard any has said so within this second."""

OPENS = "input_audio_buffer.speech_started"
CLOSES = frozenset(
    {
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "input_audio_buffer.cleared",
        "input_audio_buffer.timeout_triggered",
    }
)


class Uplink:
    """One call's."""

    def __init__(self, form: AudioFormat) -> None:
        self._quiet_most, self._most = form.to_bytes(QUIET_MS), form.to_bytes(PIECE_MS)
        self._kept: list[bytes] = []
        self._size = 0
        self._turn = False
        """The model has heard speech begin, and not end."""
        self._still = 0
        """Frames since the last one with speech, or as if there had been so many."""

    def push(self, audio: bytes) -> None:
        """What comes is kept until it is taken."""
        self._kept.append(audio)
        self._size += len(audio)

    def handed(self, audio: bytes, speech: bool | None) -> bytes:
        """What goes out now, with this at its end; empty where all of it is kept. `speech`: whether what came last is
        speech; None: maybe."""
        self._still = self._still + 1 if speech is False else 0
        waits = speech is True if self._turn else self._still > REST_FRAMES
        if not (waits or self._kept):
            return audio
        if audio:
            self.push(audio)
        most = self._most if self._turn else self._quiet_most
        return self.take() if not waits or self._size >= most else b""

    def take(self) -> bytes:
        """All that is kept."""
        audio = self._kept[0] if len(self._kept) == 1 else b"".join(self._kept)
        self._kept.clear()
        self._size = 0
        return audio

    def __bool__(self) -> bool:
        """Whether anything is kept."""
        return bool(self._kept)

    def told(self, kind: str) -> None:
        """The model sent an event of this kind."""
        if kind == OPENS:
            self._turn = True
        elif kind in CLOSES:
            # It waits for no end of speech any more: only for the next sign of it.
            self._turn, self._still = False, max(self._still, REST_FRAMES)
