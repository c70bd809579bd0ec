"""Providers at the port for the shell: a `Peer` behind a `gateway.ports.Model`, which breaks when told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gateway.errors import ModelError, ModelLost
from gateway.ports import Event, ModelSession, ModelSpec
from media.audio import PCM24
from tests.continuity.peer import Peer

__all__ = ["Carrying", "Provider", "Session"]


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
        self.wake()

    def wake(self) -> None:
        """There is news."""

    def break_(self, fault: Exception | None = None) -> None:
        self.events.put_nowait(fault or ModelLost("the socket broke"))
        self.wake()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            event = await self.events.get()
            if event is None:
                return
            if isinstance(event, Exception):
                raise event
            yield event


class Carrying(Session):
    """As `gateway.carrying.Carries`."""

    _take: Callable[[Event], None] | None = None

    async def carry(self, take: Callable[[Event], None]) -> None:
        self._take, self._over = take, asyncio.get_running_loop().create_future()
        self.wake()
        try:
            await self._over
        finally:
            self._take = None

    def wake(self) -> None:
        asyncio.get_running_loop().call_soon(self._hand)

    def _hand(self) -> None:
        while self._take is not None and not self._over.done() and not self.events.empty():
            event = self.events.get_nowait()
            if event is None:
                self._over.set_result(None)
            elif isinstance(event, Exception):
                self._over.set_exception(event)
            else:
                self._tell(self._take, event)

    def _tell(self, take: Callable[[Event], None], event: Event) -> None:
        try:
            take(event)
        except Exception as fault:  # noqa: BLE001 - raised again by `carry`
            self._over.set_exception(fault)


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
        self.kind: type[Session] = Session

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
        session = self.kind(self.name, peer)
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.closed = True
