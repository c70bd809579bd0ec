"""The session object: its defaults, and what a `session.update` makes of it (OpenAI API reference: Realtime session).

A session is a plain JSON object here, because it goes to the wire as it is; every change to it comes through
`merge_session`, which returns a new one and never alters the one it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from gateway.realtime.fault import ProtocolFault, fault_of
from gateway.realtime.shapes import SessionChange
from media.audio import PCM24, PCMA, PCMU, AudioFormat

__all__ = [
    "FORMATS",
    "PCM",
    "Merged",
    "TurnDetection",
    "default_session",
    "has_format",
    "merge_session",
    "part_of",
    "turn_detection_of",
    "with_format",
]

PCM: dict[str, Any] = {"type": "audio/pcm", "rate": 24000}

FORMATS: dict[AudioFormat, dict[str, Any]] = {
    PCM24: PCM, PCMU: {"type": "audio/pcmu"}, PCMA: {"type": "audio/pcma"},
}  # fmt: skip
"""As `audio.input.format` and `audio.output.format` name them."""

SERVER_VAD: dict[str, Any] = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
SEMANTIC_VAD: dict[str, Any] = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
VAD_DEFAULTS = {"server_vad": SERVER_VAD, "semantic_vad": SEMANTIC_VAD}

NESTED = {("audio",), ("audio", "input"), ("audio", "output")}
"""Objects whose keys are merged one by one. Everything else that `session.update` names is a leaf."""

DEFAULTS: dict[tuple[str, ...], Any] = {
    ("instructions",): "",
    ("output_modalities",): ["audio"],
    ("audio", "input", "format"): PCM,
    ("audio", "input", "noise_reduction"): None,
    ("audio", "input", "transcription"): None,
    ("audio", "input", "turn_detection"): SERVER_VAD,
    ("audio", "output", "format"): PCM,
    ("audio", "output", "voice"): "marin",
    ("audio", "output", "speed"): 1.0,
    ("include",): None,
    ("max_output_tokens",): "inf",
    ("parallel_tool_calls",): None,
    ("reasoning",): None,
    ("prompt",): None,
    ("tools",): [],
    ("tool_choice",): "auto",
    ("tracing",): None,
    ("truncation",): "auto",
}
"""Every leaf a client may set, with its value in a fresh session."""

UNSAID = {("parallel_tool_calls",), ("reasoning",)}
"""Leaves of reasoning models only: not in the session object until somebody sets them."""

NULL_IS_A_VALUE = {("audio", "input", "turn_detection")}
"""`turn_detection: null` is push-to-talk, not the default."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The outcome of one update."""

    session: dict[str, Any]
    """The full session now in force."""
    changed: tuple[str, ...] = ()
    """Dotted leaves whose value is another one now."""
    refused: tuple[str, ...] = ()
    """Dotted leaves that `allow` kept as they were although the update wanted another value."""


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """`audio.input.turn_detection` in force, both kinds in one. Durations are milliseconds."""

    kind: str
    threshold: float
    prefix_padding_ms: int
    silence_duration_ms: int
    idle_timeout_ms: int | None
    create_response: bool
    interrupt_response: bool


def default_session(
    *,
    model: str,
    session_id: str,
    expires_at: int | None = None,
    instructions: str = "",
    voice: str = "marin",
) -> dict[str, Any]:
    """A complete session object, as in the reference of the OpenAI Realtime API. `expires_at` is Unix seconds; left
    out when None."""
    session: dict[str, Any] = {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
    }
    for path, value in DEFAULTS.items():
        if path not in UNSAID:
            _put(session, path, deepcopy(value))
    session["instructions"] = instructions
    session["audio"]["output"]["voice"] = voice
    if expires_at is not None:
        session["expires_at"] = expires_at
    return session


def merge_session(
    session: dict[str, Any],
    update: object,
    *,
    formats: frozenset[str] = frozenset({"audio/pcm"}),
    voice_fixed: bool = False,
    speed_fixed: bool = False,
    allow: Callable[[str], bool] | None = None,
) -> Merged:
    """Apply the `session` of a `session.update`.

    Only keys present are changed; an explicit null puts a leaf back to its default (for `turn_detection` it is
    push-to-talk); objects of turn detection, transcription and noise reduction merge key by key while their
    kind stays the same. The `model` cannot change and a different one is tolerated. `allow(leaf)` says which
    dotted leaves may change at all: the others keep their value and are named in `refused`.

    `formats` are the audio formats that can be honoured. `voice_fixed`: the model has spoken. `speed_fixed`: a
    response is running. Raises ProtocolFault, with the dotted `param`, when any part of the update is invalid;
    then nothing of it applies.
    """
    update = _with_vad_type(session, update)
    try:
        change = SessionChange.model_validate(update)
    except ValidationError as error:
        raise fault_of(error, update, "session") from None
    merged = deepcopy(session)
    changed: list[str] = []
    refused: list[str] = []
    for path, wanted in _leaves(change.model_dump(exclude_unset=True)):
        leaf = ".".join(path)
        current = _get(session, path)
        value = _value(path, current, wanted)
        if value == current:
            continue
        if allow is not None and not allow(leaf):
            refused.append(leaf)
            continue
        _check(path, current, value, formats=formats, voice_fixed=voice_fixed, speed_fixed=speed_fixed)
        _put(merged, path, value)
        changed.append(leaf)
    return Merged(merged, tuple(changed), tuple(refused))


def part_of(session: dict[str, Any], leaves: Iterable[str]) -> dict[str, Any]:
    """What these dotted leaves of the session are, as the `session` of a `session.update` would say it."""
    part: dict[str, Any] = {"type": "realtime"}
    for leaf in leaves:
        path = tuple(leaf.split("."))
        _put(part, path, deepcopy(_get(session, path)))
    return part


def turn_detection_of(session: dict[str, Any]) -> TurnDetection | None:
    """Turn detection in force; None is push-to-talk. `semantic_vad` has no numbers of its own: its eagerness
    stands for how much silence ends a turn."""
    vad = session["audio"]["input"]["turn_detection"]
    if vad is None:
        return None
    silence = {"high": 400, "low": 1500}.get(vad.get("eagerness", ""), 700)
    return TurnDetection(
        kind=vad["type"],
        threshold=vad.get("threshold", SERVER_VAD["threshold"]),
        prefix_padding_ms=vad.get("prefix_padding_ms", SERVER_VAD["prefix_padding_ms"]),
        silence_duration_ms=vad.get("silence_duration_ms", silence),
        idle_timeout_ms=vad.get("idle_timeout_ms"),
        create_response=vad["create_response"],
        interrupt_response=vad["interrupt_response"],
    )


def with_format(session: dict[str, Any], form: AudioFormat) -> dict[str, Any]:
    """The same session or change of one, whose audio is in this format where it says so at all."""
    audio = session.get("audio")
    if not isinstance(audio, dict):
        return session
    told = {
        side: {**of, "format": dict(FORMATS[form])} if isinstance(of, dict) and "format" in of else of
        for side, of in audio.items()
    }
    return {**session, "audio": told}


def has_format(session: dict[str, Any], form: AudioFormat) -> bool:
    """Whether a session object says that its audio is in this format, both ways."""
    audio = session.get("audio") or {}
    wanted = FORMATS[form]["type"]
    sides = (audio.get("input") or {}, audio.get("output") or {})
    return all((side.get("format") or {}).get("type") == wanted for side in sides)


def _with_vad_type(session: dict[str, Any], update: Any) -> Any:
    """The same update with the kind of turn detection written out: left out, it is the one in force."""
    match update:
        case {"audio": {"input": {"turn_detection": dict() as vad}}} if "type" not in vad:
            kind = (session["audio"]["input"]["turn_detection"] or SERVER_VAD)["type"]
            told = deepcopy(update)
            told["audio"]["input"]["turn_detection"]["type"] = kind
            return told
        case _:
            return update


def _leaves(change: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The leaves that the update names. A null for a whole branch puts each leaf of it back to its default."""
    for key, value in change.items():
        path = (*above, key)
        if path in NESTED and value is None:
            yield from ((leaf, deepcopy(DEFAULTS[leaf])) for leaf in DEFAULTS if leaf[: len(path)] == path)
        elif path in NESTED:
            yield from _leaves(value, path)
        elif path in DEFAULTS:
            yield path, value


def _value(path: tuple[str, ...], current: Any, wanted: Any) -> Any:
    """What the leaf becomes."""
    if wanted is None:
        return None if path in NULL_IS_A_VALUE else deepcopy(DEFAULTS[path])
    match path[-1]:
        case "format":
            return dict(PCM) if wanted["type"] == "audio/pcm" else wanted
        case "turn_detection":
            defaults = VAD_DEFAULTS[wanted["type"]]
            kept = current if current is not None and current["type"] == wanted["type"] else defaults
            return kept | {k: defaults[k] if v is None else v for k, v in wanted.items()}
        case "transcription" | "noise_reduction":
            both = {**(current or {}), **wanted}
            return {k: v for k, v in both.items() if v is not None}
        case _:
            return wanted


def _check(
    path: tuple[str, ...],
    current: Any,
    value: Any,
    *,
    formats: frozenset[str],
    voice_fixed: bool,
    speed_fixed: bool,
) -> None:
    param = ".".join(("session", *path))
    match path[-1]:
        case "format" if value["type"] not in formats:
            told = f"Unsupported audio format '{value['type']}'; supported: {', '.join(sorted(formats))}."
            raise ProtocolFault("invalid_value", told, f"{param}.type")
        case "voice" if voice_fixed:
            told = "Cannot update a conversation's voice once the model has spoken."
            raise ProtocolFault("cannot_update_voice", told, param)
        case "speed" if speed_fixed:
            told = "The speed may change only between turns, not while a response is running."
            raise ProtocolFault("invalid_value", told, param)
        case "tracing" if current is not None and value is not None:
            raise ProtocolFault("invalid_value", "Tracing cannot be changed once it is enabled.", param)
        case "tools":
            names = [tool["name"] for tool in value if tool["type"] == "function"]
            twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
            if twice is not None:
                raise ProtocolFault("invalid_value", f"Two tools are called '{twice}'.", param)
        case _:
            pass


def _get(session: dict[str, Any], path: tuple[str, ...]) -> Any:
    here: Any = session
    for key in path:
        here = here.get(key)
        if here is None:
            return None
    return here


def _put(session: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    here = session
    for key in path[:-1]:
        here = here.setdefault(key, {})
    here[path[-1]] = value
