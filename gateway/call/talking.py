"""The model's end of a call: the session that answers, and what waits until it is open. Part of the shell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack

from gateway.call.uplink import Uplink
from gateway.call.waiting import Waiting
from gateway.errors import ModelError, ModelUnavailable
from gateway.ports import Event, Model, ModelSession, ModelSpec, Succeeds
from gateway.transcoding import open_model
from media.audio import AudioFormat

__all__ = ["Talking"]

logger = logging.getLogger(__name__)

PLAYED_WAIT_MS = 15_000
"""Caller audio kept while the model session opens; what was said before that is stale."""

RELAYED_WAIT_MS = 300_000
"""The same of a client that sends faster than real time, and counts on all of it."""


class Talking:
    def __init__(self, models: Sequence[Model], setup_s: float, *, plays: bool, form: AudioFormat) -> None:
        """`models` in the order in which they are tried, each for `setup_s`; `plays`, `form`: the leg's."""
        self._models = models
        self._setup_s = setup_s
        self._waiting = Waiting(PLAYED_WAIT_MS if plays else RELAYED_WAIT_MS, form)
        self._session: ModelSession | None = None
        self._uplink = Uplink(form)
        self._answers = ("", "")
        self._next: ModelSpec | None = None
        """Who took over while the session was being opened."""

    @property
    def provider(self) -> str:
        """Whose model answers now, or answered last; empty while none has."""
        return self._answers[0]

    def audio(self, audio: bytes) -> None:
        """The caller's, to the model, or kept until there is one; of too much the oldest is dropped."""
        if self._session is None:
            self._waiting.audio(audio)
        else:
            self._session.audio(audio)

    def keep(self, audio: bytes) -> None:
        """The caller's, to go out with what `hand` is given next, or before the next event."""
        self._uplink.push(audio)

    def hand(self, audio: bytes, speech: bool | None) -> None:
        """The caller's, and what is kept, if it is to go now; it is kept otherwise. `speech`: whether what came last is
        speech; None: maybe."""
        ready = self._uplink.handed(audio, speech)
        if ready:
            self.audio(ready)

    def told(self, kind: str) -> None:
        """The model sent an event of this kind."""
        self._uplink.told(kind)

    def _flush(self) -> None:
        if self._uplink:
            self.audio(self._uplink.take())

    def send(self, event: Event) -> bool:
        """The same of an event; False when more wait than may."""
        self._flush()
        if self._session is None:
            return self._waiting.event(event)
        self._session.send(event)
        return True

    async def open(self, stack: AsyncExitStack, spec: ModelSpec) -> ModelSession:
        """The session of the first model that can be opened. Raises the last one's ModelError."""
        fault: ModelError = ModelUnavailable("no provider is configured")
        for model in self._models:
            try:
                async with asyncio.timeout(self._setup_s):
                    session = await stack.enter_async_context(open_model(model, spec))
            except ModelError as error:
                fault = error
            except TimeoutError:
                fault = ModelUnavailable(f"{model.name} did not open a session in {self._setup_s:.0f} s")
            else:
                self._session = session
                return session
            logger.warning("call %s: model %s could not be opened: %s", spec.call_id, model.name, fault)
        raise fault

    def succeed(self, spec: ModelSpec) -> None:
        """Another agent takes over. A session that cannot change hands is told of its words and tools; its voice
        stays."""
        self._flush()
        if self._session is None:
            self._next = spec
        elif isinstance(self._session, Succeeds):
            self._session.succeed(spec.persona, spec.session)
        else:
            kept = {
                key: spec.session[key] for key in ("type", "instructions", "tools") if key in spec.session
            }
            event_id = f"event_parley_succeed_{spec.persona.id}"
            self._session.send({"type": "session.update", "event_id": event_id, "session": kept})

    def hand_over(self, session: ModelSession) -> None:
        """What waited."""
        if self._next is not None:
            self.succeed(self._next)
        for waiting in self._waiting.drain():
            if isinstance(waiting, bytes):
                session.audio(waiting)
            else:
                session.send(waiting)

    def changed(self, session: ModelSession) -> str | None:
        """The provider that answered before, when another or another model does now: it may change under a session that
        lasts. None when nothing has changed."""
        answers = (session.provider, session.model)
        if answers == self._answers:
            return None
        (before, _), self._answers = self._answers, answers
        return before
