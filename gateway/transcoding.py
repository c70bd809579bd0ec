"""A call's audio format where a model's session has another one: the session of a model that takes PCM only, converted.

Telephones speak G.711 at 8 kHz, and so does a call with one (`gateway.ports.Leg.form`). A provider that takes it is
given it untouched; for any other one what goes up is made PCM24 here, and what comes down G.711.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from gateway.carrying import carry
from gateway.ports import Event, Model, ModelSession, ModelSpec
from gateway.realtime.session import with_format
from media.audio import PCM24, AudioFormat
from media.transcoder import Transcoder

__all__ = ["TranscodedSession", "open_model"]


@asynccontextmanager
async def open_model(model: Model, spec: ModelSpec) -> AsyncIterator[ModelSession]:
    """A session of the model in the format of `spec`, whatever it takes itself. Raises as `Model.open`."""
    if spec.form in model.forms:
        async with model.open(spec) as session:
            yield session
        return
    plain = replace(spec, form=PCM24, session=with_format(spec.session, PCM24))
    async with model.open(plain) as session:
        yield TranscodedSession(session, spec.form)


class TranscodedSession:
    """`gateway.ports.ModelSession` in `form`, over one in PCM24."""

    def __init__(self, session: ModelSession, form: AudioFormat) -> None:
        self._session = session
        self._up = Transcoder(form, PCM24)
        self._down = Transcoder(PCM24, form)
        self._item = ""
        """What the audio that came last is part of."""

    @property
    def provider(self) -> str:
        return self._session.provider

    @property
    def model(self) -> str:
        return self._session.model

    def send(self, event: Event) -> None:
        if event["type"] == "session.update":
            event = {**event, "session": with_format(event["session"], PCM24)}
        self._session.send(event)

    def audio(self, audio: bytes) -> None:
        self._session.audio(self._up.process(audio))

    async def __aiter__(self) -> AsyncIterator[Event]:
        async for event in self._session:
            yield self.converted(event)

    async def carry(self, take: Callable[[Event], None]) -> None:
        await carry(self._session, lambda event: take(self.converted(event)))

    def converted(self, event: Event) -> Event:
        """The same with its audio in the call's format."""
        if event["type"] != "response.output_audio.delta":
            return event
        if event["item_id"] != self._item:
            self._item = event["item_id"]
            self._down.reset()
        return {**event, "delta": self._down.process(event["delta"])}
