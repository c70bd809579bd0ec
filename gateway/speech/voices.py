"""The voices that callers can choose: the ids of the realtime protocol, and who speaks for each here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DEFAULT", "VOICES", "VoiceCard", "voice"]


@dataclass(frozen=True, slots=True)
class VoiceCard:
    """One voice of the catalogue."""

    id: str
    name: str
    gender: Literal["female", "male", "neutral"]
    flite: str
    """The flite voice that speaks for it."""
    espeak: str
    """The espeak-ng variant that does when flite is not there."""
    pace: float = 1.0
    """Its own speed, so that two ids with the same engine voice differ."""
    pitch: float = 1.0
    """Its own pitch, as a factor."""


VOICES: tuple[VoiceCard, ...] = (
    VoiceCard("marin", "Marin", "female", "slt", "en-us+f3"),
    VoiceCard("cedar", "Cedar", "male", "rms", "en-us+m3"),
    VoiceCard("alloy", "Alloy", "neutral", "awb", "en-us+m1", pitch=1.12),
    VoiceCard("ash", "Ash", "male", "rms", "en-us+m4", pace=1.05, pitch=0.92),
    VoiceCard("ballad", "Ballad", "male", "awb", "en-us+m2", pace=0.95),
    VoiceCard("coral", "Coral", "female", "slt", "en-us+f2", pace=1.05, pitch=1.08),
    VoiceCard("echo", "Echo", "male", "rms", "en-us+m5", pitch=1.08),
    VoiceCard("sage", "Sage", "female", "slt", "en-us+f4", pace=0.95, pitch=0.92),
    VoiceCard("shimmer", "Shimmer", "female", "slt", "en-us+f5", pitch=1.15),
    VoiceCard("verse", "Verse", "male", "awb", "en-us+m7", pace=1.05, pitch=0.94),
)
DEFAULT = VOICES[0]

_BY_ID = {card.id: card for card in VOICES}


def voice(name: str) -> VoiceCard:
    """The card of a voice id; of the default voice when there is none of that name."""
    return _BY_ID.get(name.lower(), DEFAULT)
