"""The voices that clients can choose, of each provider."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from gateway.speech.voices import VOICES

__all__ = ["AZURE", "EVERY_VOICE", "OPENAI", "VoiceOnOffer", "voices_of"]


@dataclass(frozen=True, slots=True)
class VoiceOnOffer:
    """One voice of the catalogue."""

    id: str
    name: str
    gender: Literal["female", "male", "neutral"]
    provider: Literal["openai", "azure"]


OPENAI = tuple(VoiceOnOffer(card.id, card.name, card.gender, "openai") for card in VOICES)
"""Those of the realtime protocol. Every provider has them: the embedded engine and the cascade speak for them in
their own way."""

AZURE = (
    VoiceOnOffer("en-US-AvaMultilingualNeural", "Ava (American English)", "female", "azure"),
    VoiceOnOffer("en-US-AndrewMultilingualNeural", "Andrew (American English)", "male", "azure"),
    VoiceOnOffer("en-US-EmmaMultilingualNeural", "Emma (American English)", "female", "azure"),
    VoiceOnOffer("en-US-BrianMultilingualNeural", "Brian (American English)", "male", "azure"),
    VoiceOnOffer("es-MX-DaliaNeural", "Dalia (Mexican Spanish)", "female", "azure"),
    VoiceOnOffer("es-MX-JorgeNeural", "Jorge (Mexican Spanish)", "male", "azure"),
    VoiceOnOffer("ur-PK-UzmaNeural", "Uzma (Urdu)", "female", "azure"),
    VoiceOnOffer("ur-PK-AsadNeural", "Asad (Urdu)", "male", "azure"),
)
"""Standard voices of Azure Speech ("Language and voice support for the Speech service"), which Voice Live speaks with;
some of many."""

EVERY_VOICE = frozenset(voice.id for voice in (*OPENAI, *AZURE))
"""Ids that a persona may name."""


def voices_of(providers: Collection[str]) -> tuple[VoiceOnOffer, ...]:
    """What the server's providers can be asked for: Azure's own only where Voice Live is among them."""
    return (*OPENAI, *AZURE) if "voicelive" in providers else OPENAI
