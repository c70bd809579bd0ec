"""Each remote provider with a strict server of its vendor at the other end of a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.connector import RemoteModel
from gateway.ports import Event, ModelSession, ModelSpec
from gateway.providers.azure import AzureModel
from gateway.providers.openai import OpenAIModel
from gateway.providers.upstream import UpstreamModel
from gateway.providers.voicelive import VoiceLiveModel
from tests.peers import azure, azure_ga, azure_preview, openai_ga, voicelive
from tests.peers.azure_ga import AzureGaPeer
from tests.peers.azure_preview import AzurePreviewPeer
from tests.peers.openai_ga import OpenAiPeer
from tests.peers.peer import RealtimePeer
from tests.peers.script import Script
from tests.peers.voicelive import VoiceLivePeer
from tests.providers.bench import PERSONA
from tests.realtime.strict import assert_strict

__all__ = ["SESSION", "VENDORS", "Stage", "Vendor"]

PREVIEW = "2025-04-01-preview"

SESSION: dict[str, Any] = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "instructions": "Be kind.",
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"},
            "noise_reduction": None,
            "turn_detection": {
                "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200,
                "idle_timeout_ms": None, "create_response": True, "interrupt_response": True,
            },
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin", "speed": 1.0},
    },
    "include": None,
    "max_output_tokens": "inf",
    "prompt": None,
    "tools": [{"type": "function", "name": "lookup", "description": "", "parameters": {"type": "object"}}],
    "tool_choice": "auto",
    "tracing": None,
    "truncation": "auto",
}  # fmt: skip
"""A session as calls ask for it: whole, with the nulls of a server's copy."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """How a peer is opened, and the provider that is to talk with it. `key=None` is the right one."""

    open: Callable[[Script], AbstractAsyncContextManager[RealtimePeer]]
    provider: Callable[[RealtimePeer, str | None], RemoteModel]
    old: bool = False
    """It speaks the protocol of before GA."""


def _http(peer: RealtimePeer) -> str:
    return f"http://127.0.0.1:{peer.port}"


def _openai(peer: RealtimePeer, key: str | None) -> RemoteModel:
    return OpenAIModel(url=peer.url, model="gpt-realtime", api_key=key or openai_ga.KEY, project="proj_1")


def _azure_ga(peer: RealtimePeer, key: str | None) -> RemoteModel:
    return AzureModel(endpoint=_http(peer), api_key=key or azure.KEY, deployment=azure_ga.DEPLOYMENT)


def _azure_preview(peer: RealtimePeer, key: str | None) -> RemoteModel:
    return AzureModel(
        endpoint=_http(peer),
        api_key=key or azure.KEY,
        deployment=azure_preview.DEPLOYMENT,
        api_version=PREVIEW,
    )


def _voicelive(peer: RealtimePeer, key: str | None) -> RemoteModel:
    return VoiceLiveModel(
        endpoint=_http(peer),
        api_key=key or azure.KEY,
        model=voicelive.MODEL,
        api_version=voicelive.VERSION,
    )


def _upstream(peer: RealtimePeer, key: str | None) -> RemoteModel:
    return UpstreamModel(url=peer.url, model="gpt-realtime", api_key=key or openai_ga.KEY)


def _old_upstream(peer: RealtimePeer, key: str | None) -> RemoteModel:
    query = f"api-version={PREVIEW}&deployment={azure_preview.DEPLOYMENT}&api-key={key or azure.KEY}"
    return UpstreamModel(url=f"{peer.url}?{query}", model="unused", api_key=None)


VENDORS = {
    "openai": Vendor(OpenAiPeer.open, _openai),
    "azure-ga": Vendor(AzureGaPeer.open, _azure_ga),
    "azure-preview": Vendor(AzurePreviewPeer.open, _azure_preview, old=True),
    "voicelive": Vendor(VoiceLivePeer.open, _voicelive, old=True),
    "upstream": Vendor(OpenAiPeer.open, _upstream),
    "upstream-of-old": Vendor(AzurePreviewPeer.open, _old_upstream, old=True),
}


class Stage:
    """A session with a peer: every event that it gives is judged by the `openai` package's types."""

    def __init__(self, peer: RealtimePeer, session: ModelSession) -> None:
        self.peer = peer
        self.session = session
        self.heard: list[Event] = []
        self._events = aiter(session)

    @staticmethod
    @asynccontextmanager
    async def open(vendor: Vendor, script: Script | None = None, **session: Any) -> AsyncIterator[Stage]:
        async with vendor.open(script or Script()) as peer:
            model = vendor.provider(peer, None)
            async with model.open(ModelSpec("rtc_1", PERSONA, SESSION | session)) as opened:
                yield Stage(peer, opened)
        # `serving` has told what the peer itself did wrong; this is what we did.
        assert peer.faults == []

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.heard]

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.heard if event["type"] == kind]

    def send(self, kind: str, **fields: Any) -> None:
        self.session.send({"type": kind, **fields})

    async def until(self, kind: str, nth: int = 1) -> Event:
        """The `nth` event of a type, of all."""
        while len(found := self.of(kind)) < nth:
            event = await anext(self._events)
            assert_strict(event)
            self.heard.append(event)
        return found[nth - 1]
