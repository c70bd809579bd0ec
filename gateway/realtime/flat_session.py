"""The session of the old (beta) protocol, which is flat, and the nested one of today, each made of the other. Pure.

Beta names: `openai.types.beta.realtime` (`SessionUpdateEvent`, `Session`). Renames: Azure OpenAI's migration guide.
"""

from __future__ import annotations

from typing import Any

from gateway.realtime.session import SEMANTIC_VAD, SERVER_VAD, default_session

__all__ = [
    "FORMATS",
    "is_flat",
    "modalities_from_beta",
    "modalities_to_beta",
    "only",
    "session_from_beta",
    "session_to_beta",
    "tool_choice_to_beta",
    "tools_from_beta",
    "tools_to_beta",
    "voice_from_beta",
]

Session = dict[str, Any]

FORMATS = {"audio/pcm": "pcm16", "audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw"}
FORMATS_BACK: dict[str, dict[str, Any]] = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}
VAD_KEYS = {
    "server_vad": ("threshold", "prefix_padding_ms", "silence_duration_ms", "create_response", "interrupt_response"),
    "semantic_vad": ("eagerness", "create_response", "interrupt_response"),
}  # fmt: skip
TRANSCRIPTION_KEYS = ("model", "language", "prompt")
FLAT_ONLY = frozenset(
    {"modalities", "voice", "input_audio_format", "output_audio_format", "turn_detection", "temperature"}
)
"""Names that only a flat session has at its top."""


def is_flat(session: Session) -> bool:
    """Whether a server's session object is of the old shape."""
    return not isinstance(session.get("audio"), dict) and not FLAT_ONLY.isdisjoint(session)


def session_to_beta(session: Session) -> Session:
    """What `session.update` carries in the old protocol. Only keys present are written: an update changes only those.

    Without a counterpart there, and left out: `include`, `parallel_tool_calls`, `prompt`, `reasoning`, `truncation`,
    the idle timeout, and whatever the model is chosen by. Null stays where it switches something off.
    """
    flat: Session = {}
    if session.get("instructions") is not None:
        flat["instructions"] = session["instructions"]
    if session.get("output_modalities") is not None:
        flat["modalities"] = modalities_to_beta(session["output_modalities"])
    if session.get("tools") is not None:
        flat["tools"] = tools_to_beta(session["tools"])
    if (choice := tool_choice_to_beta(session.get("tool_choice"))) is not None:
        flat["tool_choice"] = choice
    if session.get("max_output_tokens") is not None:
        flat["max_response_output_tokens"] = session["max_output_tokens"]
    if session.get("temperature") is not None:
        # Of nobody's today; a provider adds it for a server of before (`gateway.connector.RemoteModel`).
        flat["temperature"] = session["temperature"]
    if session.get("tracing") is not None:
        flat["tracing"] = session["tracing"]
    audio = session.get("audio") or {}
    _input_to_beta(audio.get("input") or {}, flat)
    _output_to_beta(audio.get("output") or {}, flat)
    return flat


def _input_to_beta(heard: dict[str, Any], flat: Session) -> None:
    if heard.get("format") is not None:
        flat["input_audio_format"] = FORMATS[heard["format"]["type"]]
    if "transcription" in heard:
        told = heard["transcription"]
        flat["input_audio_transcription"] = None if told is None else only(told, TRANSCRIPTION_KEYS)
    if "noise_reduction" in heard:
        kind = (heard["noise_reduction"] or {}).get("type")
        flat["input_audio_noise_reduction"] = None if kind is None else {"type": kind}
    if "turn_detection" in heard:
        vad = heard["turn_detection"]
        flat["turn_detection"] = None if vad is None else _vad_to_beta(vad)


def _vad_to_beta(vad: dict[str, Any]) -> dict[str, Any]:
    kind = vad.get("type") or "server_vad"
    return {"type": kind, **only(vad, VAD_KEYS[kind])}


def _output_to_beta(spoken: dict[str, Any], flat: Session) -> None:
    if spoken.get("format") is not None:
        flat["output_audio_format"] = FORMATS[spoken["format"]["type"]]
    if isinstance(spoken.get("voice"), str):
        flat["voice"] = spoken["voice"]
    if spoken.get("speed") is not None:
        flat["speed"] = spoken["speed"]


def session_from_beta(flat: Session) -> Session:
    """The complete session of today for a server's flat copy; what that does not say has its default."""
    session = default_session(
        model=str(flat.get("model") or ""), session_id=str(flat.get("id") or ""),
        instructions=flat.get("instructions") or "",
    )  # fmt: skip
    if isinstance(flat.get("expires_at"), int):
        session["expires_at"] = flat["expires_at"]
    if flat.get("modalities"):
        session["output_modalities"] = modalities_from_beta(flat["modalities"])
    session["tools"] = tools_from_beta(flat.get("tools"))
    session["tool_choice"] = _tool_choice_from_beta(flat.get("tool_choice"))
    session["max_output_tokens"] = flat.get("max_response_output_tokens") or "inf"
    session["tracing"] = flat.get("tracing")
    heard, spoken = session["audio"]["input"], session["audio"]["output"]
    heard["format"] = dict(FORMATS_BACK.get(flat.get("input_audio_format") or "", heard["format"]))
    heard["transcription"] = only(flat.get("input_audio_transcription"), TRANSCRIPTION_KEYS) or None
    heard["noise_reduction"] = _noise_from_beta(flat.get("input_audio_noise_reduction"))
    if "turn_detection" in flat:
        heard["turn_detection"] = _vad_from_beta(flat["turn_detection"])
    spoken["format"] = dict(FORMATS_BACK.get(flat.get("output_audio_format") or "", spoken["format"]))
    spoken["voice"] = voice_from_beta(flat.get("voice")) or spoken["voice"]
    spoken["speed"] = flat.get("speed") or spoken["speed"]
    return session


def _noise_from_beta(reduction: Any) -> dict[str, Any] | None:
    """A maker's own kind is told as the near one: it takes the speaker to be close."""
    kind = reduction.get("type") if isinstance(reduction, dict) else None
    return None if kind is None else {"type": "far_field" if kind == "far_field" else "near_field"}


def _vad_from_beta(vad: Any) -> dict[str, Any] | None:
    if not isinstance(vad, dict) or vad.get("type") in (None, "none"):
        return None
    kind = "server_vad" if vad["type"] == "server_vad" else "semantic_vad"
    defaults = SERVER_VAD if kind == "server_vad" else SEMANTIC_VAD
    return {**defaults, **only(vad, VAD_KEYS[kind]), "type": kind}


def modalities_to_beta(modalities: list[str]) -> list[str]:
    """Audio alone could not be asked for: it comes with its text."""
    return ["text", "audio"] if "audio" in modalities else ["text"]


def modalities_from_beta(modalities: list[str]) -> list[str]:
    return ["audio"] if "audio" in modalities else ["text"]


def tools_to_beta(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The functions among them: the old protocol knows no other kind."""
    keys = ("type", "name", "description", "parameters")
    return [only(tool, keys) for tool in tools if tool.get("type") == "function"]


def tools_from_beta(tools: Any) -> list[dict[str, Any]]:
    """The tools that both protocols know, with the fields that both have."""
    kinds = {
        "function": ("type", "name", "description", "parameters"),
        "mcp": ("type", "server_label", "server_url", "authorization", "headers", "allowed_tools"),
    }
    return [only(tool, kinds[tool["type"]]) for tool in tools or () if tool.get("type") in kinds]


def tool_choice_to_beta(choice: Any) -> str | None:
    """A word, or the name of the function to call. None: nothing to say, or no way to say it."""
    if isinstance(choice, dict):
        return choice["name"] if choice.get("type") == "function" else None
    return choice if isinstance(choice, str) else None


def _tool_choice_from_beta(choice: Any) -> str | dict[str, Any]:
    match choice:
        case "auto" | "none" | "required":
            return str(choice)
        case str(name) | {"function": {"name": str(name)}} | {"name": str(name)}:
            return {"type": "function", "name": name}
        case _:
            return "auto"


def voice_from_beta(voice: Any) -> str | None:
    """A voice's name; of a voice object its `name`."""
    told = voice.get("name") if isinstance(voice, dict) else voice
    return told if isinstance(told, str) and told else None


def only(value: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    """These keys of an object, where they are set; nothing of what is no object."""
    return {k: value[k] for k in keys if value.get(k) is not None} if isinstance(value, dict) else {}
