"""The leaves of a session and of a response as the wire allows them.

Strict: nothing is coerced, and a key that the protocol does not know is a fault.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AudioOutput",
    "FunctionTool",
    "G711Format",
    "InputAudio",
    "MaxTokens",
    "McpTool",
    "Modalities",
    "PcmFormat",
    "Prompt",
    "Reasoning",
    "SemanticVad",
    "ServerVad",
    "SessionChange",
    "Shape",
    "ToolChoice",
    "Tools",
    "Transcription",
]


class Shape(BaseModel):
    """A closed JSON object."""

    model_config = ConfigDict(
        defer_build=True, extra="forbid", strict=True, frozen=True, allow_inf_nan=False
    )


class PcmFormat(Shape):
    """16-bit little-endian mono at 24 kHz: 48 bytes a millisecond."""

    type: Literal["audio/pcm"]
    rate: Literal[24000] | None = None


class G711Format(Shape):
    """G.711 at 8 kHz: 8 bytes a millisecond."""

    type: Literal["audio/pcmu", "audio/pcma"]


Format = Annotated[PcmFormat | G711Format, Field(discriminator="type")]
Modalities = Annotated[list[Literal["audio", "text"]], Field(min_length=1, max_length=1)]
MaxTokens = Annotated[int, Field(ge=1, le=4096)] | Literal["inf"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class NoiseReduction(Shape):
    type: Literal["near_field", "far_field"] | None = None
    strength: float | None = Field(None, ge=0, le=1)


class Transcription(Shape):
    model: str | None = Field(None, min_length=1, max_length=256)
    language: str | None = Field(None, max_length=64)
    languages: list[str] | None = Field(None, max_length=64)
    keywords: list[str] | None = Field(None, max_length=1000)
    prompt: str | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class ServerVad(Shape):
    type: Literal["server_vad"]
    threshold: float | None = Field(None, ge=0, le=1)
    prefix_padding_ms: int | None = Field(None, ge=0, le=10_000)
    silence_duration_ms: int | None = Field(None, ge=0, le=10_000)
    idle_timeout_ms: int | None = Field(None, ge=5_000, le=30_000)
    create_response: bool | None = None
    interrupt_response: bool | None = None


class SemanticVad(Shape):
    type: Literal["semantic_vad"]
    eagerness: Literal["auto", "low", "medium", "high"] | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


class FunctionTool(Shape):
    """Flat, not nested under `function`."""

    type: Literal["function"]
    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ToolFilter(Shape):
    tool_names: list[str] | None = None
    read_only: bool | None = None


class Approval(Shape):
    always: ToolFilter | None = None
    never: ToolFilter | None = None


class McpTool(Shape):
    type: Literal["mcp"]
    server_label: str
    server_url: str | None = None
    connector_id: str | None = None
    tunnel_id: str | None = None
    authorization: str | None = None
    headers: dict[str, str] | None = None
    allowed_tools: list[str] | ToolFilter | None = None
    require_approval: Literal["always", "never"] | Approval | None = None
    server_description: str | None = None
    allowed_callers: list[Literal["direct", "programmatic"]] | None = None
    defer_loading: bool | None = None


Tools = Annotated[
    list[Annotated[FunctionTool | McpTool, Field(discriminator="type")]], Field(max_length=128)
]


class ChosenFunction(Shape):
    type: Literal["function"]
    name: Name


class ChosenMcp(Shape):
    type: Literal["mcp"]
    server_label: str
    name: str | None = None


ToolChoice = (
    Literal["none", "auto", "required"] | Annotated[ChosenFunction | ChosenMcp, Field(discriminator="type")]
)


class VoiceId(Shape):
    id: str = Field(min_length=1, max_length=256)


Voice = Annotated[str, Field(min_length=1, max_length=256)] | VoiceId


class Prompt(Shape):
    id: str
    version: str | None = None
    variables: dict[str, Any] | None = None


class Reasoning(Shape):
    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class Tracing(Shape):
    workflow_name: str | None = None
    group_id: str | None = None
    metadata: dict[str, Any] | None = None


class TokenLimits(Shape):
    post_instructions: int | None = Field(None, ge=0)


class RetentionRatio(Shape):
    type: Literal["retention_ratio"]
    retention_ratio: float = Field(ge=0, le=1)
    token_limits: TokenLimits | None = None


class InputAudio(Shape):
    format: Format | None = None
    noise_reduction: NoiseReduction | None = None
    transcription: Transcription | None = None
    turn_detection: Annotated[ServerVad | SemanticVad, Field(discriminator="type")] | None = None


class AudioOutput(Shape):
    format: Format | None = None
    voice: Voice | None = None
    speed: float | None = Field(None, ge=0.25, le=1.5)


class Audio(Shape):
    input: InputAudio | None = None
    output: AudioOutput | None = None


class SessionChange(Shape):
    """The `session` of `session.update`: every key may be left out but `type`."""

    type: Literal["realtime"]
    model: str | None = None
    instructions: str | None = None
    output_modalities: Modalities | None = None
    audio: Audio | None = None
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None
    max_output_tokens: MaxTokens | None = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    prompt: Prompt | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    tracing: Literal["auto"] | Tracing | None = None
    truncation: Literal["auto", "disabled"] | RetentionRatio | None = None
