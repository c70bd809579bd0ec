"""How a persona speaks and listens: tones, behaviour, when a caller's turn ends. Frozen; no I/O."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["TONES", "Behavior", "SemanticVad", "ServerVad", "Tone", "ToneName", "TurnDetection"]

ToneName = Literal["warm", "professional", "friendly"]
TONES: tuple[ToneName, ...] = get_args(ToneName)


class _Part(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class Tone(_Part):
    """What changes when a client asks for this tone."""

    instructions: str = Field(
        "", max_length=2000, description="Added behind the persona's own instructions."
    )
    voice: str | None = Field(None, description="In place of `default_voice`; none: that one.")
    temperature: float | None = Field(
        None, ge=0, le=2, description="In place of the persona's; none: that one."
    )


class Behavior(_Part):
    """How fast it speaks and how much it answers to feelings."""

    pacing: Literal["calm", "neutral", "urgent"] = "neutral"
    empathy: Literal["low", "standard", "high"] = "standard"


class ServerVad(_Part):
    """A turn ends with silence (OpenAI Realtime API, `turn_detection`)."""

    type: Literal["server_vad"] = "server_vad"
    threshold: float = Field(0.5, ge=0, le=1, description="0 to 1; higher: only louder speech counts.")
    prefix_padding_ms: int = Field(300, ge=0, le=5000, description="Audio kept from before speech began.")
    silence_duration_ms: int = Field(480, ge=100, le=10_000, description="Silence that ends a turn.")


class SemanticVad(_Part):
    """A turn ends when what was said sounds complete (OpenAI Realtime API, `turn_detection`)."""

    type: Literal["semantic_vad"] = "semantic_vad"
    eagerness: Literal["low", "medium", "high", "auto"] = Field(
        "auto", description="How soon it answers; low waits longest."
    )


TurnDetection = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]
