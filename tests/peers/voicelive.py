"""Azure Voice Live: a flat session of its own, old event names, voices as objects (section 14.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from tests.peers.azure import KEY, TOKEN, azure_body, has_key, no_access, not_found
from tests.peers.beta_words import event_down, item_up, nested
from tests.peers.faults import Event
from tests.peers.ids import new_id
from tests.peers.peer import RealtimePeer, serving
from tests.peers.script import Refusal, Script
from tests.peers.session import default_session, merged
from tests.peers.vendor import Upgrade
from tests.peers.voicelive_events import check_client, complaints

__all__ = ["MODEL", "VERSION", "VoiceLive", "VoiceLivePeer"]

MODEL = "gpt-realtime"
VERSION = "2026-04-10"
VERSIONS = (VERSION, "2026-07-15", "2026-06-01-preview")
UNKNOWN = ("conversation.created", "rate_limits.updated")
"""Server events of OpenAI that this vendor has not."""

DEFAULTS: Event = {
    "modalities": ["text", "audio"],
    "instructions": "",
    "voice": {"type": "azure-standard", "name": "en-US-Ava:DragonHDLatestNeural"},
    "input_audio_sampling_rate": 24000,
    "input_audio_format": "pcm16",
    "output_audio_format": "pcm16",
    "turn_detection": {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
    },
    "input_audio_noise_reduction": None,
    "input_audio_echo_cancellation": None,
    "input_audio_transcription": None,
    "tools": [],
    "tool_choice": "auto",
    "temperature": 0.8,
    "max_response_output_tokens": "inf",
}


class VoiceLiveDialect:
    """The vendor's session is kept whole in `extras`; the conversation sees what it must know of it."""

    def __init__(self, model: str, script: Script) -> None:
        self._model = model
        self._script = script

    def session(self, expires_at: int) -> Event:
        session = default_session(new_id("sess"), self._model, expires_at)
        session = merged(session, {**_nested(DEFAULTS), "extras": DEFAULTS})
        return merged(session, self._script.session)

    def read(self, event: Event) -> Event:
        event = check_client(event)
        if event["type"] == "session.update":
            change = {key: value for key, value in event["session"].items() if key != "model"}
            return {**event, "session": {**_nested(change), "extras": change}}
        if event["type"] == "conversation.item.create":
            return {**event, "item": item_up(event["item"])}
        if event["type"] == "response.create":
            params = event.get("response") or {}
            response = _nested(params)
            if params.get("max_output_tokens") is not None:
                response["max_output_tokens"] = params["max_output_tokens"]
            if params.get("input_items"):
                response["input"] = [item_up(item) for item in params["input_items"]]
            if params.get("commit") is False:
                response["conversation"] = "none"
            if event.get("additional_instructions"):
                response["instructions"] = event["additional_instructions"]
            return {**event, "response": response}
        return event

    def tell(self, event: Event) -> Iterator[Event]:
        told = event_down(event)
        if told is None or told["type"] in UNKNOWN:
            return
        if "session" in told:
            session = told["session"]
            told["session"] = {
                **session["extras"],
                "id": session["id"],
                "model": session["model"],
                "expires_at": session["expires_at"],
            }
        if "item" in told:
            told["item"] = _item(told["item"])
        if told["type"] == "conversation.item.input_audio_transcription.completed":
            del told["usage"]
        yield told

    def judge(self, event: Event) -> list[str]:
        return complaints(event)


def _item(item: Event) -> Event:
    """The vendor's item of an output has no status."""
    kept = item["type"] != "function_call_output"
    return item if kept else {key: value for key, value in item.items() if key != "status"}


def _nested(part: Event) -> Event:
    """What the conversation must know of a flat session: its turns by silence, its formats by their rate."""
    part = dict(part)
    turns = part.get("turn_detection")
    if turns:
        known = (
            "threshold",
            "prefix_padding_ms",
            "silence_duration_ms",
            "create_response",
            "interrupt_response",
        )
        part["turn_detection"] = {"type": "server_vad", "silence_duration_ms": 500} | {
            key: turns[key] for key in known if turns.get(key) is not None
        }
    result = nested(part)
    rate = part.get("input_audio_sampling_rate")
    if rate and part.get("input_audio_format", "pcm16") == "pcm16":
        kind = {24000: "audio/pcm", 16000: "audio/pcm16000", 8000: "audio/pcm8000"}[rate]
        result.setdefault("audio", {}).setdefault("input", {})["format"] = {"type": kind}
    return result


class VoiceLive:
    """Who may come in: `api-version`, `model` or an agent, and a key."""

    path = "/voice-live/realtime"

    def __init__(self, script: Script) -> None:
        self._script = script

    def admit(self, upgrade: Upgrade) -> tuple[Refusal, str] | None:
        query = upgrade.query
        if upgrade.path != self.path:
            return not_found(), "14.3, path"
        if "api-key" in query or not has_key(upgrade):
            return no_access(), "14.3, api-key header or bearer"
        if query.get("api-version") not in VERSIONS:
            message = f"Unsupported api-version. Supported are: {', '.join(VERSIONS)}."
            return Refusal(400, "UnsupportedApiVersion", message), "14.3, api-version"
        agent = query.get("agent-name") and query.get("agent-project-name")
        if bool(query.get("model")) == bool(agent):
            return Refusal(
                400, "BadRequest", "Give a model, or an agent and its project."
            ), "14.3, model or agent"
        return None

    def body(self, refusal: Refusal) -> Event:
        return azure_body(refusal)

    def dialect(self, upgrade: Upgrade) -> VoiceLiveDialect:
        return VoiceLiveDialect(upgrade.query.get("model") or MODEL, self._script)


class VoiceLivePeer:
    """`async with VoiceLivePeer.open(script) as peer:`; its key is `KEY`, its Entra token `TOKEN`."""

    key = KEY
    token = TOKEN

    @staticmethod
    @asynccontextmanager
    async def open(script: Script | None = None) -> AsyncIterator[RealtimePeer]:
        script = script or Script()
        async with serving(VoiceLive(script), script) as peer:
            yield peer
