"""Azure Voice Live over WebSocket: realtime and plain chat models with Azure's ears, turn detection and voices.

Sources: the package `azure-ai-voicelive` (1.3.1), whose models say which fields there are, and "Voice Live API
reference 2026-04-10" for what they mean. Where the two differ the package is followed, as docs/providers.md tells. The
events are those of the old protocol; the session is flat, with an object for the voice.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from gateway.config import Settings
from gateway.connector import Endpoint, RemoteModel
from gateway.errors import ConfigError
from gateway.ports import Event
from gateway.realtime.beta import Beta
from gateway.realtime.fault import ProtocolFault

__all__ = ["VoiceLive", "VoiceLiveModel", "model", "realtime_address"]

log = logging.getLogger(__name__)

SCHEMES = {"https": "wss", "http": "ws"}

OPENAI_VOICES = frozenset(
    {"alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"}
)
NATIVE_VOICES = frozenset(
    {
        "aarti", "andrew", "ava", "denise", "diya", "elsa", "florian", "francisca", "meera", "xiaoxiao", "yunxi",
        "ximena",
    }
)  # fmt: skip

WITHOUT_COUNTERPART = ("speed", "tracing")
"""Of a flat session; an Azure voice has a rate of its own instead of the speed."""

TEMPERATURES = (0.0, 1.0)
"""Of a session (`azure.ai.voicelive.models.RequestSession`)."""
TRANSCRIPTION = ("model", "language")
AZURE_EARS = "azure-speech"
"""The transcription that goes with every model; OpenAI's go with OpenAI's realtime models only."""

EXTRAS = ("response.audio_timestamp.", "response.animation_", "response.video.", "session.avatar.")
"""What would be said for avatars; never asked for, so never expected."""


def realtime_address(endpoint: str, model: str, api_version: str) -> str:
    """The socket's URL. `endpoint` is the Foundry resource's address."""
    parts = urlsplit(endpoint)
    path = f"{parts.path.rstrip('/')}/voice-live/realtime"
    query = urlencode({"api-version": api_version, "model": model})
    return urlunsplit((SCHEMES.get(parts.scheme, parts.scheme), parts.netloc, path, query, ""))


class VoiceLive:
    """The old protocol with Voice Live's session. `hears`: OpenAI's transcription goes with the model."""

    def __init__(self, *, hears: bool, voice: str | None = None) -> None:
        self._beta = Beta()
        self._hears = hears
        self._voice = voice

    # ── up ─────────────────────────────────────────────────────────────────────────────────────────────────

    def up(self, event: Event) -> list[Event]:
        match event["type"]:
            case "session.update":
                (told,) = self._beta.up(event)
                told["session"] = self._session(event["session"], told["session"])
            case "conversation.item.create" if event["item"]["type"] == "mcp_approval_response":
                keys = ("id", "type", "approval_request_id", "approve")
                item = {k: event["item"][k] for k in keys if event["item"].get(k) is not None}
                return [{**event, "item": item}]
            case "conversation.item.create":
                (told,) = self._beta.up(event)
                told["item"] = _item(told["item"])
            case "response.create" if event.get("response"):
                (told,) = self._beta.up(event)
                told["response"] = self._response(event["response"], told["response"])
            case _:
                return self._beta.up(event)
        return [told]

    def _session(self, session: dict[str, Any], flat: dict[str, Any]) -> dict[str, Any]:
        told = {k: v for k, v in flat.items() if k not in WITHOUT_COUNTERPART}
        if "input_audio_format" in told:
            told["input_audio_sampling_rate"] = 24000 if told["input_audio_format"] == "pcm16" else 8000
        if "voice" in told:
            speed = (session.get("audio") or {}).get("output", {}).get("speed")
            told["voice"] = self._voice_object(told["voice"], speed)
        if told.get("turn_detection"):
            told["turn_detection"] = _turn_detection(told["turn_detection"])
        if told.get("input_audio_transcription"):
            told["input_audio_transcription"] = self._transcription(told["input_audio_transcription"])
        if isinstance(choice := session.get("tool_choice"), dict) and "tool_choice" in told:
            told["tool_choice"] = {"type": "function", "name": choice["name"]}
        if session.get("tools") is not None:
            told["tools"] = [*told["tools"], *_mcp_servers(session["tools"])]
        for field in ("parallel_tool_calls", "include"):
            if session.get(field) is not None:
                told[field] = session[field]
        if (effort := (session.get("reasoning") or {}).get("effort")) is not None:
            told["reasoning_effort"] = effort
        return told

    def _voice_object(self, name: str, speed: float | None) -> dict[str, Any]:
        name = self._voice or name
        if name in OPENAI_VOICES:
            return {"type": "openai", "name": name}
        if name in NATIVE_VOICES:
            return {"type": "azure-realtime-native", "name": name}
        voice = {"type": "azure-standard", "name": name}
        return voice if speed in (None, 1.0) else {**voice, "rate": f"{speed:g}"}

    def _transcription(self, told: dict[str, Any]) -> dict[str, Any]:
        kept = {k: told[k] for k in TRANSCRIPTION if k in told}
        return kept if self._hears and "model" in kept else {**kept, "model": AZURE_EARS}

    def _response(self, response: dict[str, Any], flat: dict[str, Any]) -> dict[str, Any]:
        """Here an out-of-band response is one that is not committed, and its context has a name of its own."""
        told = dict(flat)
        if told.pop("conversation", "auto") == "none":
            told["commit"] = False
        if "input" in told:
            told["input_items"] = [_input(item) for item in told.pop("input")]
        if "max_response_output_tokens" in told:
            told["max_output_tokens"] = told.pop("max_response_output_tokens")
        if "voice" in told:
            told["voice"] = self._voice_object(told["voice"], None)
        if (effort := (response.get("reasoning") or {}).get("effort")) is not None:
            told["reasoning_effort"] = effort
        return told

    # ── down ───────────────────────────────────────────────────────────────────────────────────────────────

    def down(self, event: Event) -> list[Event]:
        kind = event["type"]
        if kind == "warning":
            told = event.get("warning")
            # The sentence may quote what was sent.
            log.warning("voicelive warns: %s", told.get("code") if isinstance(told, dict) else None)
            return []
        if kind == "output_audio_buffer.cleared" or kind.startswith(EXTRAS):
            return []
        return self._beta.down(event)


def _turn_detection(vad: dict[str, Any]) -> dict[str, Any]:
    """`semantic_vad` goes with two models only; Azure's own goes with all, and has no eagerness."""
    if vad["type"] != "semantic_vad":
        return vad
    return {
        "type": "azure_semantic_vad",
        **{k: v for k, v in vad.items() if k not in ("type", "eagerness")},
    }


def _item(item: dict[str, Any]) -> dict[str, Any]:
    """Its status can only be final."""
    return {k: v for k, v in item.items() if k != "status" or v != "in_progress"}


def _input(item: dict[str, Any]) -> dict[str, Any]:
    if item["type"] == "item_reference":
        told = "This model takes items as the input of a response, not references to them."
        raise ProtocolFault("invalid_value", told, "response.input")
    return _item(item)


def _mcp_servers(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """MCP tools that are reached by a URL; connectors and tunnels are another maker's."""
    told = []
    for tool in tools:
        if tool.get("type") != "mcp" or not tool.get("server_url"):
            continue
        keys = ("type", "server_label", "server_url", "authorization", "headers")
        server = {k: tool[k] for k in keys if tool.get(k) is not None}
        match tool.get("allowed_tools"):
            case (list() as names) | {"tool_names": list() as names}:
                server["allowed_tools"] = names
            case _:
                pass
        match tool.get("require_approval"):
            case str(word):
                server["require_approval"] = word
            case dict() as rules:
                server["require_approval"] = {
                    when: rule["tool_names"]
                    for when, rule in rules.items()
                    if rule and rule.get("tool_names")
                }
            case _:
                pass
        told.append(server)
    return told


class VoiceLiveModel(RemoteModel):
    def __init__(
        self, *, endpoint: str, api_key: str, model: str, api_version: str, voice: str | None = None
    ) -> None:
        url = realtime_address(endpoint, model, api_version)

        def dialect() -> VoiceLive:
            return VoiceLive(hears=model.startswith("gpt-realtime"), voice=voice)

        super().__init__(
            Endpoint("voicelive", url, {"api-key": api_key}, model), dialect, temperatures=TEMPERATURES
        )


def model(settings: Settings) -> VoiceLiveModel:
    """As the settings say. Raises ConfigError."""
    endpoint, key = settings.azure_voicelive_endpoint, settings.azure_voicelive_api_key
    if endpoint is None or key is None:
        raise ConfigError([f"{variable} is not set" for variable in settings.missing("voicelive")])
    return VoiceLiveModel(
        endpoint=endpoint,
        api_key=key.get_secret_value(),
        model=settings.azure_voicelive_model,
        api_version=settings.azure_voicelive_api_version,
        voice=settings.azure_voicelive_voice,
    )
