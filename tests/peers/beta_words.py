"""GA's words in those of the beta, and back (section 14.2): for servers that still speak the old shape."""

from __future__ import annotations

import copy
from typing import Any

from tests.peers.faults import Event

__all__ = ["FORMATS", "event_down", "flat", "item_down", "item_up", "nested", "response_up"]

RENAMED = {
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "conversation.item.added": "conversation.item.created",
}
ONLY_GA = ("conversation.item.done", "input_audio_buffer.timeout_triggered")
PARTS_DOWN = {"output_text": "text", "output_audio": "audio"}
PARTS_UP = {"text": "output_text", "audio": "output_audio"}
FORMATS = {
    "pcm16": "audio/pcm",
    "g711_ulaw": "audio/pcmu",
    "g711_alaw": "audio/pcma",
    "pcm16_16000hz": "audio/pcm16000",
    "pcm16_8000hz": "audio/pcm8000",
}
NAMES = {kind: name for name, kind in FORMATS.items()}

UNDER_INPUT = {
    "input_audio_transcription": "transcription",
    "input_audio_noise_reduction": "noise_reduction",
    "turn_detection": "turn_detection",
}
SAME = (
    "instructions",
    "tools",
    "tool_choice",
    "tracing",
    "metadata",
    "conversation",
    "parallel_tool_calls",
)


def nested(part: Event) -> Event:
    """A flat session, or the params of a flat response, in the nested shape; what GA has no place for is left out."""
    result: Event = {key: copy.deepcopy(part[key]) for key in SAME if key in part}
    heard: Event = {new: copy.deepcopy(part[old]) for old, new in UNDER_INPUT.items() if old in part}
    said: Event = {key: part[key] for key in ("voice", "speed") if key in part}
    if "input_audio_format" in part:
        heard["format"] = _format(part["input_audio_format"])
    if "output_audio_format" in part:
        said["format"] = _format(part["output_audio_format"])
    if part.get("modalities"):
        result["output_modalities"] = ["audio"] if "audio" in part["modalities"] else ["text"]
    if "max_response_output_tokens" in part:
        result["max_output_tokens"] = part["max_response_output_tokens"]
    audio = {side: value for side, value in (("input", heard), ("output", said)) if value}
    if audio:
        result["audio"] = audio
    return result


def flat(session: Event) -> Event:
    """A whole GA session as the beta shows it."""
    heard, said = session["audio"]["input"], session["audio"]["output"]
    turns = {
        key: value for key, value in (heard["turn_detection"] or {}).items() if key != "idle_timeout_ms"
    }
    result: Event = {
        "id": session["id"],
        "model": session["model"],
        "modalities": _modalities(session["output_modalities"]),
        "instructions": session["instructions"],
        "voice": said["voice"],
        "input_audio_format": NAMES[heard["format"]["type"]],
        "output_audio_format": NAMES[said["format"]["type"]],
        "turn_detection": turns or None,
        "max_response_output_tokens": session["max_output_tokens"],
    }
    same = {old: heard[new] for old, new in UNDER_INPUT.items() if old != "turn_detection"}
    return copy.deepcopy({**result, **same, **{key: session[key] for key in ("tools", "tool_choice")}})


def item_up(item: Event) -> Event:
    """A client's item in the words of GA. Parts that the role cannot have keep their old name, to be refused."""
    result = copy.deepcopy(item)
    if result.get("role") == "assistant":
        for part in result.get("content") or []:
            part["type"] = PARTS_UP.get(part.get("type"), part.get("type"))
    return result


def item_down(item: Event) -> Event:
    result = copy.deepcopy(item)
    for part in result.get("content") or []:
        part["type"] = PARTS_DOWN.get(part["type"], part["type"])
    return result


def response_up(params: Event) -> Event:
    """The params of a flat `response.create` in the nested shape."""
    result = nested(params)
    if "input" in params:
        result["input"] = [item_up(item) for item in params["input"] or []]
    return result


def response_down(response: Event) -> Event:
    """A response object: flat, with old names."""
    result = copy.deepcopy(response)
    said = result.pop("audio")["output"]
    result["modalities"] = _modalities(result.pop("output_modalities"))
    result["voice"] = said["voice"]
    result["output_audio_format"] = NAMES[said["format"]["type"]]
    result["output"] = [item_down(item) for item in result["output"]]
    return result


def event_down(event: Event) -> Event | None:
    """A server event in the old words; None where the beta has nothing of the kind. Sessions are left nested."""
    kind = event["type"]
    if kind in ONLY_GA:
        return None
    result = {**event, "type": RENAMED.get(kind, kind)}
    if "item" in result:
        result["item"] = item_down(result["item"])
    if "response" in result:
        result["response"] = response_down(result["response"])
    return result


def _format(name: Any) -> Event:
    kind = FORMATS[name]
    return {"type": kind, "rate": 24000} if kind == "audio/pcm" else {"type": kind}


def _modalities(output: list[str]) -> list[str]:
    return ["audio", "text"] if output == ["audio"] else ["text"]
