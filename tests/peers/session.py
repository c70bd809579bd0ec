"""The session object of a peer: its defaults, what may be changed, and how a change is merged (section 3)."""

from __future__ import annotations

import copy
import re
from typing import Any

from tests.peers.faults import Event, Refused

__all__ = ["NAME", "default_session", "limits", "merged", "unchanged"]

SERVER_VAD: Event = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
SEMANTIC_VAD: Event = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}


def default_session(session_id: str, model: str, expires_at: int) -> Event:
    """The object of section 3.7."""
    pcm = {"type": "audio/pcm", "rate": 24000}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "Be a friendly and knowledgeable helper.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": expires_at,
        "audio": {
            "input": {
                "format": dict(pcm),
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": dict(SERVER_VAD),
            },
            "output": {"format": dict(pcm), "voice": "marin", "speed": 1.0},
        },
        "include": None,
    }


def merged(session: Event, change: Event) -> Event:
    """The session after a change: only the keys present, `null` clears, leaves are replaced (section 3.1)."""
    result = copy.deepcopy(session)
    for key, value in change.items():
        if key in ("audio", "model"):
            continue
        if key == "extras":
            # What GA has no place for, in a vendor's own words.
            value = {**result.get("extras", {}), **value}
        result[key] = copy.deepcopy(value)
    for side in ("input", "output"):
        for key, value in (change.get("audio") or {}).get(side, {}).items():
            result["audio"][side][key] = _leaf(key, result["audio"][side].get(key), value)
    return result


def _leaf(key: str, before: Any, value: Any) -> Any:
    if key == "turn_detection" and value is not None:
        defaults = SERVER_VAD if value["type"] == "server_vad" else SEMANTIC_VAD
        same = isinstance(before, dict) and before.get("type") == value["type"]
        return {**(before if same else defaults), **value}
    if key == "format" and value is not None and value.get("type") == "audio/pcm":
        return {"type": "audio/pcm", "rate": 24000}
    return copy.deepcopy(value)


def unchanged(session: Event, change: Event, *, voiced: bool, running: bool) -> None:
    """What may not change any more, or not now (section 3.1). Raises Refused."""
    said, now = (change.get("audio") or {}).get("output") or {}, session["audio"]["output"]
    if voiced and said.get("voice") not in (None, now["voice"]):
        raise Refused(
            "cannot_update_voice",
            "Cannot update a conversation's voice if assistant audio is present.",
            rule="3.1, audio.output.voice: fixed once the model has emitted audio",
            param="session.audio.output.voice",
        )
    if running and said.get("speed") not in (None, now["speed"]):
        raise Refused(
            "invalid_value",
            "The speed can only be changed in between model turns.",
            rule="3.1, audio.output.speed: only between turns",
            param="session.audio.output.speed",
        )
    tracing = session["tracing"]
    if tracing is not None and change.get("tracing", tracing) != tracing:
        raise Refused(
            "invalid_value",
            "Tracing cannot be changed once it is enabled.",
            rule="3.1, tracing",
            param="session.tracing",
        )


# ── values that a type cannot tell ────────────────────────────────────────────────────────────────────────

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


def limits(part: Event, path: str) -> None:
    """Checks the ranges of sections 3.1 to 3.5 in a session or in the params of a response. Raises Refused."""
    modalities = part.get("output_modalities")
    if modalities is not None and modalities not in (["audio"], ["text"]):
        raise _value(f"{path}.output_modalities", modalities, "['audio'] or ['text']", "3.1")
    tokens = part.get("max_output_tokens")
    if isinstance(tokens, int):
        _within(tokens, 1, 4096, f"{path}.max_output_tokens", "3.1")
    for at, tool in enumerate(part.get("tools") or []):
        _tool(tool, f"{path}.tools[{at}]")
    audio = part.get("audio") or {}
    _heard(audio.get("input") or {}, f"{path}.audio.input")
    said = audio.get("output") or {}
    if said.get("speed") is not None:
        _within(said["speed"], 0.25, 1.5, f"{path}.audio.output.speed", "3.1")
    _format(said, f"{path}.audio.output")
    _metadata(part.get("metadata") or {}, f"{path}.metadata")
    truncation = part.get("truncation")
    if isinstance(truncation, dict):
        _within(truncation["retention_ratio"], 0, 1, f"{path}.truncation.retention_ratio", "3.6")


def _heard(heard: Event, path: str) -> None:
    turns = heard.get("turn_detection") or {}
    if turns.get("threshold") is not None:
        _within(turns["threshold"], 0, 1, f"{path}.turn_detection.threshold", "3.3")
    if turns.get("idle_timeout_ms") is not None:
        _within(turns["idle_timeout_ms"], 5000, 30000, f"{path}.turn_detection.idle_timeout_ms", "3.3")
    for key in ("prefix_padding_ms", "silence_duration_ms"):
        if turns.get(key) is not None:
            _within(turns[key], 0, 60000, f"{path}.turn_detection.{key}", "3.3")
    _format(heard, path)


def _format(side: Event, path: str) -> None:
    if side.get("format") is not None and "type" not in side["format"]:
        name = f"{path}.format.type"
        raise Refused(
            "missing_required_parameter", f"Missing required parameter: '{name}'.", rule="3.2", param=name
        )


def _tool(tool: Event, path: str) -> None:
    if tool.get("type") == "mcp":
        if not any(tool.get(key) for key in ("server_url", "connector_id", "tunnel_id")):
            name = f"{path}.server_url"
            raise Refused(
                "missing_required_parameter",
                f"Missing required parameter: '{name}'.",
                rule="3.5",
                param=name,
            )
        return
    for key in ("type", "name"):
        if not tool.get(key):
            name = f"{path}.{key}"
            raise Refused(
                "missing_required_parameter",
                f"Missing required parameter: '{name}'.",
                rule="3.5",
                param=name,
            )
    if not NAME.match(tool["name"]):
        raise _value(f"{path}.name", tool["name"], "letters, digits, _ and -, 1 to 64 of them", "3.5")
    if not isinstance(tool.get("parameters", {}), dict):
        raise _value(f"{path}.parameters", tool["parameters"], "a JSON Schema", "3.5")


def _metadata(pairs: dict[str, str], path: str) -> None:
    """Section 5.1: at most 16 pairs, keys of 64 characters, values of 512."""
    if len(pairs) > 16 or any(len(key) > 64 or len(value) > 512 for key, value in pairs.items()):
        raise _value(path, len(pairs), "at most 16 pairs, keys of 64 characters, values of 512", "5.1")


def _within(value: float, low: float, high: float, path: str, rule: str) -> None:
    if not low <= value <= high:
        raise _value(path, value, f"{low} to {high}", rule)


def _value(path: str, value: object, wanted: str, rule: str) -> Refused:
    return Refused("invalid_value", f"Invalid value: {value!r}. Expected {wanted}.", rule=rule, param=path)
