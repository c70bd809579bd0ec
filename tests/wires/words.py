"""What a client says in each situation, in the words of each vendor."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from tests.peers import azure, azure_ga, azure_preview, openai_ga, voicelive
from tests.peers.azure_ga import AzureGaPeer
from tests.peers.azure_preview import AzurePreviewPeer
from tests.peers.faults import Event
from tests.peers.openai_ga import OpenAiPeer
from tests.peers.peer import RealtimePeer
from tests.peers.script import Script
from tests.peers.voicelive import VoiceLivePeer

__all__ = ["VENDORS", "Words"]

TOOL: Event = {
    "type": "function",
    "name": "find_slot",
    "description": "Finds a free appointment.",
    "parameters": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]},
}
INSTRUCTIONS = "You answer the telephone of a dental practice."
VAD: Event = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 100,
    "create_response": True,
    "interrupt_response": True,
}


@dataclass(frozen=True, slots=True)
class Words:
    """One vendor."""

    open: Callable[[Script], AbstractAsyncContextManager[RealtimePeer]]
    query: str
    headers: dict[str, str]
    listening: Event
    """The session of a call with voice activity detection, transcription and a tool."""
    pushing: Event
    """The change to push-to-talk."""
    in_text: Event
    """The params of a response without audio."""


def _ga_session() -> Event:
    pcm = {"type": "audio/pcm", "rate": 24000}
    return {
        "type": "realtime",
        "instructions": INSTRUCTIONS,
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "format": pcm,
                "transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"},
                "turn_detection": VAD,
            },
            "output": {"format": pcm, "voice": "marin"},
        },
        "tools": [TOOL],
        "tool_choice": "auto",
    }


def _flat_session(**more: object) -> Event:
    return {
        "modalities": ["audio", "text"],
        "instructions": INSTRUCTIONS,
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "turn_detection": VAD,
        "tools": [TOOL],
        "tool_choice": "auto",
        **more,
    }


PUSHING_GA: Event = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
AZURE_KEY = {"api-key": azure.KEY}

VENDORS: dict[str, Words] = {
    "openai": Words(
        OpenAiPeer.open,
        "?model=gpt-realtime-2.1",
        {"Authorization": f"Bearer {openai_ga.KEY}"},
        _ga_session(),
        PUSHING_GA,
        {"output_modalities": ["text"]},
    ),
    "azure": Words(
        AzureGaPeer.open,
        f"?model={azure_ga.DEPLOYMENT}",
        AZURE_KEY,
        _ga_session(),
        PUSHING_GA,
        {"output_modalities": ["text"]},
    ),
    "azure_preview": Words(
        AzurePreviewPeer.open,
        f"?api-version=2025-04-01-preview&deployment={azure_preview.DEPLOYMENT}",
        AZURE_KEY,
        _flat_session(voice="alloy", input_audio_transcription={"model": "whisper-1"}),
        {"turn_detection": None},
        {"modalities": ["text"]},
    ),
    "voicelive": Words(
        VoiceLivePeer.open,
        f"?api-version={voicelive.VERSION}&model={voicelive.MODEL}",
        AZURE_KEY,
        _flat_session(
            voice={"type": "azure-standard", "name": "en-US-Ava:DragonHDLatestNeural"},
            input_audio_sampling_rate=24000,
            input_audio_transcription={"model": "azure-speech", "language": "en-US"},
        ),
        {"turn_detection": None},
        {"modalities": ["text"]},
    ),
}
