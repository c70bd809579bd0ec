"""Which frames have a hole in them: audio that did not come in time, with silence in its place.

A hole (`media.timeline` makes them) is exact silence. What comes out of a microphone, or of a decoder, never is: there
is at least a step of noise. Only where a line is exactly silent whenever nobody speaks, as one with a noise gate is, is
such silence a pause as any other.
"""

from __future__ import annotations

from collections import deque

from media.audio import AudioFormat

__all__ = ["Holes"]

TORN_MS = 5
"""So much exact silence at an end of a frame is part of a hole."""
PAST_FRAMES = 75
"""1.5 s: how much of the past tells whether the line itself falls exactly silent."""


class Holes:
    """Of one line. Fed what is heard until somebody surely speaks."""

    def __init__(self, form: AudioFormat) -> None:
        self._torn = form.silence * form.to_bytes(TORN_MS)
        self._past: deque[bool] = deque(maxlen=PAST_FRAMES)

    def feed(self, frame: bytes) -> bool:
        """The next 20 ms: whether some of it is missing, at either end."""
        torn = frame.endswith(self._torn) or frame.startswith(self._torn)
        hole = torn and 2 * sum(self._past) <= len(self._past)
        self._past.append(torn)
        return hole
