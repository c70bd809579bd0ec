"""What the continuity core wants done. The shell obeys in order, without judging.

A *link* is one session of one provider, numbered from 1: the numbers tell a late event from a timely one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gateway.ports import Event

__all__ = ["Close", "Effect", "GiveUp", "Live", "Open", "Proven", "Replay", "Tell", "ToModel", "Why"]

Why = Literal["lost", "stalled", "expired", "rolled-over", "succeeded"]
"""Why a link is closed. Only the first two speak against its provider."""


@dataclass(frozen=True, slots=True)
class Open:
    """Open a link to the next provider that is fit, with this session; answer with `opened` or `failed`."""

    link: int
    session: dict[str, Any]
    after: str | None
    """Begin with the provider that follows this one in the order; None: with the first."""
    keep: bool = False
    """Rather stay with `after` itself, while it is fit."""
    attempt: int = 0
    """How many were tried in vain before it, in this outage."""


@dataclass(frozen=True, slots=True)
class ToModel:
    """Send a client event on a link."""

    link: int
    event: Event


@dataclass(frozen=True, slots=True)
class Replay:
    """Append this stretch of the caller's audio to a link's input, after what was sent to it before."""

    link: int
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Live:
    """From here on append the caller's audio to this link's input, as it comes."""

    link: int
    from_ms: int


@dataclass(frozen=True, slots=True)
class Tell:
    """A server event for the call."""

    event: Event


@dataclass(frozen=True, slots=True)
class Close:
    """Close a link; nothing of it counts any more."""

    link: int
    why: Why


@dataclass(frozen=True, slots=True)
class Proven:
    """A link has brought a reply to its end: its provider is well."""

    link: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No provider could be reached for too long."""


Effect = Open | ToModel | Replay | Live | Tell | Close | Proven | GiveUp
