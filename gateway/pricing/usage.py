"""What a server says a response or a transcription took, read without trust. Pure.

A usage object comes from another's server, so anything may be missing or wrong, and nothing of it breaks a call:
what is no count counts for nothing, and what the details leave open counts as text.
Source: OpenAI API reference, Realtime: `response.usage`, the `usage` of `…input_audio_transcription.completed`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["MOST_SECONDS", "MOST_TOKENS", "NOTHING", "Tokens", "Usage", "read_usage"]

MOST_TOKENS = 10**9
"""Of one response; a server that tells more is not believed."""

MOST_SECONDS = 86_400.0
"""Of one transcription."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by what they cost: no class is part of another, so the cached ones are not in the plain ones."""

    text_in: int = 0
    cached_text_in: int = 0
    audio_in: int = 0
    cached_audio_in: int = 0
    image_in: int = 0
    cached_image_in: int = 0
    text_out: int = 0
    audio_out: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def input(self) -> int:
        """All that was read, cached or not."""
        text, audio = self.text_in + self.cached_text_in, self.audio_in + self.cached_audio_in
        return text + audio + self.image_in + self.cached_image_in

    @property
    def output(self) -> int:
        return self.text_out + self.audio_out


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used: tokens, or seconds of audio where a server counts those."""

    tokens: Tokens = Tokens()
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.tokens + other.tokens, self.seconds + other.seconds)


NOTHING = Usage()


def read_usage(told: object) -> Usage | None:
    """The usage in a `usage` object; None when it tells nothing. Never raises."""
    if not isinstance(told, Mapping):
        return None
    seconds = _seconds(told.get("seconds"))
    known = [_count(told.get(key)) for key in ("input_tokens", "output_tokens", "total_tokens")]
    heard, made = _details(told, "input_token_details"), _details(told, "output_token_details")
    if seconds is None and known == [None, None, None] and not heard and not made:
        return None
    read, wrote, total = known
    # What only the sum tells is the side that is missing; where both are, it was read.
    if read is None and total is not None:
        read = max(total - (wrote or 0), 0)
    elif wrote is None and total is not None:
        wrote = max(total - (read or 0), 0)
    return Usage(_tokens(heard, read or 0, made, wrote or 0), seconds or 0.0)


def _tokens(heard: Mapping[str, Any], read: int, made: Mapping[str, Any], wrote: int) -> Tokens:
    text, audio, image = (_count(heard.get(f"{kind}_tokens")) or 0 for kind in ("text", "audio", "image"))
    text += max(read - text - audio - image, 0)
    cached = _details(heard, "cached_tokens_details")
    text_kept, audio_kept, image_kept = (
        min(_count(cached.get(f"{kind}_tokens")) or 0, most)
        for kind, most in (("text", text), ("audio", audio), ("image", image))
    )
    # Cached tokens of no known kind are text as far as there is any, then audio, then images.
    rest = max((_count(heard.get("cached_tokens")) or 0) - text_kept - audio_kept - image_kept, 0)
    more = min(rest, text - text_kept)
    text_kept, rest = text_kept + more, rest - more
    more = min(rest, audio - audio_kept)
    audio_kept, rest = audio_kept + more, rest - more
    image_kept += min(rest, image - image_kept)
    said, spoken = (_count(made.get(f"{kind}_tokens")) or 0 for kind in ("text", "audio"))
    said += max(wrote - said - spoken, 0)
    return Tokens(
        text - text_kept, text_kept, audio - audio_kept, audio_kept, image - image_kept, image_kept,
        said, spoken,
    )  # fmt: skip


def _details(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    details = told.get(key)
    return details if isinstance(details, Mapping) else {}


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= MOST_TOKENS:  # NaN is neither
        return None
    return int(value)


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= MOST_SECONDS or not math.isfinite(value):
        return None
    return float(value)
