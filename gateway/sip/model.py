"""The provider's end of such a call: a sideband of the session that was accepted (reference/openai-realtime.md, 12)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.connector import Endpoint, join_session
from gateway.errors import ModelLost
from gateway.ports import Event, ModelSession, ModelSpec
from gateway.sip.leg import SipLeg
from media.audio import PCM24, AudioFormat

__all__ = ["SidebandModel", "without_formats"]

KEYS = frozenset("0123456789*#ABCD")
PRESSED = "input_audio_buffer.dtmf_event_received"
AUDIO = "response.output_audio.delta"


class SidebandModel:
    """`gateway.ports.Model` for one call: the session that answers it already. It is not replaced when it is lost,
    since the sound is there."""

    forms: frozenset[AudioFormat] = frozenset({PCM24})

    def __init__(self, endpoint: Endpoint, leg: SipLeg) -> None:
        self.name = endpoint.name
        self._endpoint = endpoint
        self._leg = leg

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        async with join_session(self._endpoint) as wire:
            yield _Sideband(wire, self._leg)


class _Sideband:
    def __init__(self, wire: ModelSession, leg: SipLeg) -> None:
        self._wire = wire
        self._leg = leg

    @property
    def provider(self) -> str:
        return self._wire.provider

    @property
    def model(self) -> str:
        return self._wire.model

    def send(self, event: Event) -> None:
        """What a call is told of audio formats is between the provider and the telephone."""
        if event["type"] == "session.update":
            event = {**event, "session": without_formats(event["session"])}
        self._wire.send(event)

    def audio(self, audio: bytes) -> None:
        """None comes."""

    async def __aiter__(self) -> AsyncIterator[Event]:
        try:
            async for event in self._wire:
                if event["type"] == PRESSED:
                    self._pressed(event)
                elif event["type"] != AUDIO:
                    yield event
        except ModelLost:
            await self._leg.channel_closed()
            raise

    def _pressed(self, event: Event) -> None:
        digit = str(event.get("event", "")).upper()
        if digit in KEYS and len(digit) == 1:
            self._leg.digit(digit)


def without_formats(session: dict[str, Any]) -> dict[str, Any]:
    """The session without its audio formats."""
    audio = session.get("audio")
    if not isinstance(audio, dict):
        return session
    kept = {
        side: {name: value for name, value in about.items() if name != "format"}
        for side, about in audio.items()
        if isinstance(about, dict)
    }
    return {**session, "audio": kept}
