"""One model session that lasts: the shell round its core. Opens and closes the providers' sessions, never leaks one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from gateway.carrying import Carries
from gateway.continuity.core import Core
from gateway.continuity.effects import Close, Effect, GiveUp, Live, Open, Proven, Replay, Tell, ToModel, Why
from gateway.continuity.health import Failure, Health
from gateway.continuity.line import Line
from gateway.continuity.out import Out
from gateway.continuity.ring import Ring
from gateway.continuity.state import CoreSettings
from gateway.errors import LanguageNotSpoken, ModelError, ModelLost, ModelRefused, ModelUnavailable
from gateway.languages import refusal, written
from gateway.log import where
from gateway.ports import Event, Model, ModelSession, ModelSpec
from gateway.pulse import Pulse
from gateway.transcoding import open_model
from personas.persona import Persona

__all__ = ["LastingSession"]

logger = logging.getLogger(__name__)

OPEN_S = 6.0
"""How long one provider may take to open a session while others could be tried."""

TICK_MS = 250

BLAMED: dict[Why, Failure] = {"lost": "lost", "stalled": "stalled"}
"""What of a link's end speaks against its provider."""


@dataclass(slots=True)
class Link:
    """One session of one provider."""

    model: Model
    task: asyncio.Task[None] | None = None
    session: ModelSession | None = None
    line: Line | None = None


class LastingSession:
    """`gateway.ports.ModelSession`. Lives in `group`, in which nothing of it is left after `close`."""

    def __init__(
        self,
        models: Mapping[str, Model],
        health: Health,
        spec: ModelSpec,
        settings: CoreSettings,
        group: asyncio.TaskGroup,
    ) -> None:
        self._models = models
        self._health = health
        self.spec = spec
        """What it is to be by now."""
        self._group = group
        self._loop = asyncio.get_running_loop()
        self._core = Core(settings, self._loop.time())
        self._ring = Ring(spec.form)
        self._out = Out()
        self._links: dict[int, Link] = {}
        self._answering: Link | None = None
        """The link in force, or the last that was."""
        self._left_in_time = False
        """The link that was closed last was left for a new one of our own accord."""
        self._pulse = Pulse.of_loop()
        self._closed = False

    # ── gateway.ports.ModelSession ──

    @property
    def provider(self) -> str:
        return self._answering.model.name if self._answering is not None else ""

    @property
    def model(self) -> str:
        session = self._answering.session if self._answering is not None else None
        return session.model if session is not None else ""

    def send(self, event: Event) -> None:
        self._do(self._core.client(event, self._loop.time()))

    def audio(self, audio: bytes) -> None:
        self._ring.append(audio)
        self._core.audio(len(audio))
        link = self._in_force()
        if link is not None and link.line is not None:
            link.line.audio(audio)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self._out.get()

    async def carry(self, take: Callable[[Event], None]) -> None:
        await self._out.carry(take)

    def succeed(self, persona: Persona, session: dict[str, Any]) -> None:
        self.spec = replace(self.spec, persona=persona, session=session)
        self._do(self._core.succeed(session, self._loop.time()))

    # ── its life ──

    async def open(self) -> None:
        """Open the first link: each provider that is fit is tried once, then the others, but none that does not speak
        the call's language. Raises ModelUnavailable or ModelRefused when none can be had."""
        (wanted,) = self._core.start()
        assert isinstance(wanted, Open)
        now = self._loop.time()
        fit = self._fit(wanted.session)
        if not fit:
            raise LanguageNotSpoken(next(filter(None, self._refusals(wanted.session).values())))
        order = self._health.order(now, among=fit)
        order += [name for name in fit if name not in order]
        faults: list[ModelError] = []
        for at, name in enumerate(order):
            opened: asyncio.Future[ModelError | None] = self._loop.create_future()
            last = at == len(order) - 1
            self._begin(wanted, name, 0.0, None if last else OPEN_S, opened)
            fault = await opened
            if fault is None:
                self._pulse.join(TICK_MS, self._tick)
                return
            faults.append(fault)
        raise next((f for f in faults if not isinstance(f, ModelRefused)), faults[-1])

    def close(self) -> None:
        """Stop everything."""
        self._closed = True
        self._pulse.leave(self._tick)
        for link in self._links.values():
            if link.task is not None:
                link.task.cancel()
        self._links.clear()
        self._out.end(ModelLost("the session was closed"))

    # ── out of the core ──

    def _do(self, effects: list[Effect], *, now: bool = False) -> None:
        """`now`: see `Out.settle`."""
        if self._closed or not effects:
            return
        for effect in effects:
            match effect:
                case Tell(event):
                    self._out.put(event)
                case ToModel(number, event):
                    if (line := self._line(number)) is not None:
                        line.send(event)
                case Replay(number, from_ms, to_ms):
                    if (line := self._line(number)) is not None:
                        line.replay(from_ms, to_ms)
                case Live(number, from_ms):
                    self._takes_force(number)
                    if (line := self._line(number)) is not None:
                        line.live(from_ms)
                case Open(_, session, after, keep, attempt):
                    fit = self._fit(session)
                    if not fit:
                        self._out.end(ModelLost("no provider is left that speaks the call's language"))
                        continue
                    name, wait_s = self._health.choose(
                        self._loop.time(), after=after, keep=keep, attempt=attempt, among=fit
                    )
                    self._begin(effect, name, wait_s, OPEN_S, None)
                case Close(number, why):
                    self._end(number, why)
                case Proven(number):
                    if (link := self._links.get(number)) is not None:
                        self._health.proven(link.model.name)
                case GiveUp():
                    self._out.end(ModelLost("no provider could be reached"))
        self._out.settle(now=now)

    def _line(self, number: int) -> Line | None:
        link = self._links.get(number)
        return None if link is None else link.line

    def _in_force(self) -> Link | None:
        number = self._core.link
        return None if number is None else self._links.get(number)

    def _takes_force(self, number: int) -> None:
        link, before = self._links.get(number), self._answering
        self._answering = link or before
        if before is None or link is None:
            return
        planned, self._left_in_time = self._left_in_time, False
        logger.log(
            logging.INFO if planned else logging.WARNING,
            "call %s %s %s after %s",
            self.spec.call_id,
            "moves to a new session of" if planned else "goes on with",
            link.model.name,
            before.model.name,
        )

    def _refusals(self, session: Mapping[str, Any]) -> dict[str, str | None]:
        """By provider: why it cannot hold the call, which is in this session by now."""
        in_text = written(session, plays=self.spec.realtime)
        persona = self.spec.persona
        return {name: refusal(model, persona, written=in_text) for name, model in self._models.items()}

    def _fit(self, session: Mapping[str, Any]) -> list[str]:
        """Those that can, in order of preference."""
        return [name for name, why in self._refusals(session).items() if why is None]

    # ── links ──

    def _begin(
        self,
        wanted: Open,
        name: str,
        wait_s: float,
        patience_s: float | None,
        opened: asyncio.Future[ModelError | None] | None,
    ) -> None:
        link = Link(self._models[name])
        self._links[wanted.link] = link
        work = self._hold(wanted, link, wait_s, patience_s, opened)
        link.task = self._group.create_task(work, name=f"link:{name}")

    def _end(self, number: int, why: Why) -> None:
        link = self._links.pop(number, None)
        if link is None:
            return
        self._left_in_time = why in ("rolled-over", "succeeded")
        if why in BLAMED:
            self._health.failed(link.model.name, BLAMED[why], self._loop.time())
        if link.task is not None and link.task is not asyncio.current_task():
            link.task.cancel()

    async def _hold(
        self,
        wanted: Open,
        link: Link,
        wait_s: float,
        patience_s: float | None,
        opened: asyncio.Future[ModelError | None] | None,
    ) -> None:
        """Open one link and read it until it is over. Never raises but for its own cancellation: what breaks here
        costs the link, not the call. `opened` is told how the opening went; without it the core is."""
        number, name = wanted.link, link.model.name
        await asyncio.sleep(wait_s)
        async with AsyncExitStack() as stack:
            fault = await self._enter(stack, wanted, link, patience_s)
            if fault is not None:
                self._failed(number, name, fault, opened)
                return
            assert link.session is not None
            assert link.line is not None
            self._health.opened(name)
            pump = self._group.create_task(link.line.pump(), name=f"line:{name}")
            try:
                self._do(self._core.opened(number, name, self._loop.time()))
                if opened is not None and not opened.done():
                    opened.set_result(None)
                await self._read(number, link.session)
                # Told before it is closed: that may take a while.
                if self._links.get(number) is link:
                    self._do(self._core.lost(number, self._loop.time()))
            finally:
                pump.cancel()

    async def _enter(
        self, stack: AsyncExitStack, wanted: Open, link: Link, patience_s: float | None
    ) -> ModelError | None:
        name = link.model.name
        spec = replace(self.spec, session=wanted.session)
        try:
            async with asyncio.timeout(patience_s):
                link.session = await stack.enter_async_context(open_model(link.model, spec))
        except ModelError as error:
            return error
        except TimeoutError:
            return ModelUnavailable(f"{name} did not open a session in {patience_s:.0f} s")
        except Exception as error:  # noqa: BLE001 - an adapter is a plug-in: its fault costs its link, not the call
            logger.error("provider %s broke while opening: %s", name, where(error))
            return ModelUnavailable(f"{name} broke while opening")
        link.line = Line(link.session, self._ring)
        return None

    async def _read(self, number: int, session: ModelSession) -> None:
        """Hand on what the provider says, until it says no more."""

        def hear(event: Event) -> None:
            now = asyncio.current_task() is None
            self._do(self._core.model(number, event, self._loop.time()), now=now)

        try:
            if not (self._out.carried and isinstance(session, Carries)):
                events = aiter(session)
                async for event in events:
                    hear(event)
                    await self._out.room()
                    if self._out.carried and isinstance(session, Carries):
                        break
                else:
                    return
                if isinstance(events, AsyncGenerator):
                    await events.aclose()
            await session.carry(hear)
        except ModelError as error:
            logger.warning("call %s: %s", self.spec.call_id, error)
        except Exception as error:  # noqa: BLE001 - an adapter is a plug-in: its fault costs its link, not the call
            logger.error("provider %s broke: %s", session.provider, where(error))

    def _failed(
        self, number: int, name: str, fault: ModelError, opened: asyncio.Future[ModelError | None] | None
    ) -> None:
        how: Failure = "refused" if isinstance(fault, ModelRefused) else "unavailable"
        self._health.failed(name, how, self._loop.time())
        logger.warning("call %s: %s could not be opened: %s", self.spec.call_id, name, fault)
        self._links.pop(number, None)
        if opened is None:
            self._do(self._core.failed(number, name, self._loop.time()))
        elif not opened.done():
            opened.set_result(fault)

    def _tick(self) -> None:
        try:
            self._do(self._core.tick(self._loop.time()), now=True)
            self._ring.forget(self.spec.form.to_bytes(self._core.needed_ms))
        except Exception as error:  # noqa: BLE001 - a clock that failed once would leave the call without one unseen
            logger.error("the session broke at a tick: %s", where(error))
            self._out.end(ModelLost("the session broke"))
