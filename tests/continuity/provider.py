"""Providers at the port for the shell: a `Peer` behind a `gateway.ports.Model`, which breaks when told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.errors import ModelError, ModelLost
from gateway.ports import Event, ModelSession, ModelSpec
from media.audio import PCM24
from tests.continuity.peer import Peer

__all__ = ["Provider", "Session"]


class Session:
    """One session of one provider. Answers like its peer; `pump` after the peer was moved by hand."""

    def __init__(self, provider: str, peer: Peer) -> None:
        self.provider = provider
        self.model = f"{provider}-model"
        self.peer = peer
        self.audio_bytes = bytearray()
        self.events: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        self.closed = False

    def send(self, event: Event) -> None:
        self.peer.receive(event)
        self.pump()

    def audio(self, pcm: bytes) -> None:
        self.audio_bytes += pcm
        self.peer.hear(len(pcm) // 48)

    def pump(self) -> None:
        while self.peer.out:
            self.events.put_nowait(self.peer.out.pop(0))

    def break_(self, fault: Exception | None = None) -> None:
        self.events.put_nowait(fault or ModelLost("the socket broke"))

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            event = await self.events.get()
            if event is None:
                return
            if isinstance(event, Exception):
                raise event
            yield event


class Provider:
    """`fault` is raised at the next openings; `delay_s` is what an opening takes."""

    forms = frozenset({PCM24})

    def __init__(self, name: str) -> None:
        self.name = name
        self.fault: ModelError | Exception | None = None
        self.delay_s = 0.0
        self.sessions: list[Session] = []
        self.specs: list[ModelSpec] = []
        self.tries = 0

    @property
    def session(self) -> Session:
        return self.sessions[-1]

    @property
    def open_sessions(self) -> int:
        return sum(not session.closed for session in self.sessions)

    @asynccontextmanager
    async def open(self, spec: ModelSpec) -> AsyncIterator[ModelSession]:
        self.tries += 1
        await asyncio.sleep(self.delay_s)
        if self.fault is not None:
            raise self.fault
        self.specs.append(spec)
        peer = Peer(f"{self.name}{len(self.sessions)}_", spec.session)
        session = Session(self.name, peer)
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.closed = True
