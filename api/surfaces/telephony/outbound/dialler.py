"""Placing calls: which carrier, on whose behalf, with which persona; and giving up those that come to nothing.

A session is written down once the carrier has taken the order, and not before: what is refused leaves nothing behind.
What may have been taken without our knowing (no answer in time) is told to have failed, and hung up should it ring.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from api.composing import Sitting, agent_of
from api.deps import Deps
from api.records import channel
from api.records.order_keys import Claim
from api.records.sessions import NewSession
from api.surfaces.telephony.calls.events import dialled, given_up
from api.surfaces.telephony.calls.ringing import GIVE_UP_S, RING_S, Placing
from api.surfaces.telephony.commands.client import Refused, Unreached
from api.surfaces.telephony.counter import DESKS, Counter
from api.surfaces.telephony.desk import Calling, Command, Desk, Place, Unreadable
from api.surfaces.telephony.proofs.tickets import Ticket
from gateway.config import ENVIRONMENT, Settings
from gateway.errors import ConfigError
from personas.briefing import briefed
from personas.persona import Persona

__all__ = ["Dialler", "NotPlaced", "Placed"]

logger = logging.getLogger(__name__)

SWEEP_S = 1.0
FAREWELL_S = 5.0
"""How long calls that ring may take to be given up when the server stops."""
NOWHERE = Calling(
    "https://x.invalid/", Place("wss://x.invalid/a", "a", "https://x.invalid/", "https://x.invalid/")
)


@dataclass(frozen=True, slots=True)
class Placed:
    """The carrier has taken the order."""

    session_id: str
    carrier_call: str
    """The carrier's own name of the call, as far as it told one by now."""


class NotPlaced(Exception):
    """No call was placed, and no session made. The text is a sentence for whoever asked, with how to mend it."""

    def __init__(self, status: int, sentence: str, *, after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        """As an HTTP status: 400 for what was asked, 503 for what may work later."""
        self.after_s = after_s
        """When to try again, in seconds, where that is known."""


class Dialler:
    """One per process."""

    def __init__(self, counter: Counter) -> None:
        """Raises ConfigError for a carrier of calls out that cannot dial."""
        self._counter = counter
        self._deps: Deps = counter.deps
        wanted = self._deps.settings.outbound_carrier
        can = able(self._deps.settings)
        if wanted is not None and wanted not in can:
            variable = ENVIRONMENT["outbound_carrier"]
            known = f"these can: {', '.join(can)}" if can else "docs/phone.md says what calls out need"
            raise ConfigError(
                [f"{variable} is {wanted!r}, which cannot place calls as things are set; {known}"]
            )

    def carrier(self) -> Desk:
        """The one that dials. Raises NotPlaced when there is none, or more than one and none is chosen."""
        settings = self._deps.settings
        can = able(settings)
        if settings.outbound_carrier is not None:
            return DESKS[settings.outbound_carrier]
        if not can:
            raise NotPlaced(400, "No carrier is set up to place calls: docs/phone.md, Calls out.")
        if len(can) > 1:
            names = ", ".join(can)
            raise NotPlaced(
                400, f"Several carriers can place calls ({names}): choose by PARLEY_OUTBOUND_CARRIER."
            )
        return DESKS[can[0]]

    async def place(
        self,
        desk: Desk,
        to: str,
        *,
        tenant: str,
        persona: Persona,
        overrides: Mapping[str, str] | None = None,
        machine_detection: bool = False,
        here: str | None = None,
        composed: bool = False,
        claim: Claim | None = None,
    ) -> Placed:
        """Have `desk` call `to` (E.164), where `persona` speaks once somebody picks up. `overrides`: what it is told of
        this call (`personas.briefing`). `here`: how the carrier reaches us, where `PARLEY_PUBLIC_URL` does not say.
        `composed`: the persona is one of a call already (`personas.consulting`), not of the catalog.
        `machine_detection` asks the carrier who answered, unless the settings forbid it. `claim`: of the key that the
        call is placed by, which is kept once the call is written down.
        Raises NotPlaced, SQLAlchemyError."""
        deps, counter = self._deps, self._counter
        here = here or deps.settings.public_url
        if here is None:
            raise NotPlaced(400, "Set PARLEY_PUBLIC_URL: the carrier has to reach this server.")
        new = NewSession(tenant, persona.scenario, persona.scenario_title, persona.id)
        if not composed:
            sitting = Sitting(new.id, new.scenario, tenant=tenant, telephone=True)
            persona = agent_of(deps, persona, sitting)
        try:
            persona = briefed(persona, overrides or {})
        except ValueError as error:
            raise NotPlaced(400, f"promptOverrides: {error}.") from None
        if (why := deps.unspoken(persona, False)) is not None:
            raise NotPlaced(503, why)
        if counter.phones.full:
            raise NotPlaced(503, "No line is free; try again in a moment.", after_s=5)
        ticket = Ticket(desk.name, "", new.id, tenant, persona.id, outbound=True)
        place = counter.place_at(here, desk, ticket, lasting_s=GIVE_UP_S)
        calling = Calling(f"{here}/telephony/{desk.name}/voice?placed={new.id}", place, RING_S)
        detection = machine_detection and bool(deps.settings.machine_detection)
        command = desk.dial(to, calling, deps.settings, machine_detection=detection)
        if command is None:
            raise NotPlaced(400, f"{desk.name} is not set up to place calls: docs/phone.md, Calls out.")
        now = asyncio.get_running_loop().time()
        placing = Placing(new.id, tenant, persona, desk.name, now + GIVE_UP_S)
        with counter.placing():
            counter.ringing.add(placing)
            try:
                answer = await self._ordered(desk, command, placing)
                return await self._written(desk, answer, new, claim)
            except NotPlaced:
                raise
            except BaseException:
                # Cancelled, or the database does not answer: nobody will ever ask for this call.
                placing.wanted, placing.due = False, 0.0
                raise

    async def _ordered(self, desk: Desk, command: Command, placing: Placing) -> dict[str, Any]:
        """The carrier's answer. Raises NotPlaced; then the call rings no more, or is not to."""
        try:
            return await self._counter.commands.run(desk.name, command)
        except Refused as refusal:
            self._counter.ringing.drop(placing.session_id)
            raise _refused(desk.name, refusal) from None
        except Unreached as failure:
            if failure.sent:
                placing.wanted = False
            else:
                self._counter.ringing.drop(placing.session_id)
            raise NotPlaced(503, f"{desk.name}: {failure}. No call was placed.", after_s=5) from None

    async def _written(
        self, desk: Desk, answer: dict[str, Any], new: NewSession, claim: Claim | None
    ) -> Placed:
        """Raises NotPlaced, SQLAlchemyError."""
        deps, counter = self._deps, self._counter
        try:
            call = desk.placed(answer)
        except Unreadable:
            placing = counter.ringing.find(new.id)
            if placing is not None:
                placing.wanted = False
            raise NotPlaced(503, f"{desk.name} took the order, and its answer names no call.") from None
        counter.handles.note(new.id, desk.name, call, desk.handle(answer))
        now = deps.clock()
        await channel.open_call(
            deps.database,
            deps.access,
            new,
            carrier=desk.name,
            carrier_call=call,
            direction="outbound",
            first=dialled(desk.name, now),
            now=now,
            also=None if claim is None else claim.keep,
        )
        return Placed(new.id, call)

    # ── calls that come to nothing ────────────────────────────────────────────────────────────────────────

    async def lifetime(self, _app: web.Application) -> AsyncIterator[None]:
        """For `app.cleanup_ctx`: gives up what rings for too long, and when the application stops all that rings."""
        sweeper = asyncio.get_running_loop().create_task(self._sweep(), name="ringing")
        yield
        sweeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeper
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._give_up_all(self._counter.ringing.all())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = asyncio.get_running_loop().time()
            await self._give_up_all(self._counter.ringing.overdue(now))

    async def _give_up_all(self, placings: Sequence[Placing]) -> None:
        async with asyncio.TaskGroup() as group:
            for placing in placings:
                group.create_task(self._give_up(placing), name="give-up")

    async def _give_up(self, placing: Placing) -> None:
        counter = self._counter
        if counter.ringing.drop(placing.session_id) is None:
            return
        logger.warning("%s: a call that was placed came to nothing, and is hung up", placing.carrier)
        handle = counter.handles.of(placing.session_id)
        if handle is None:
            return
        await counter.control.hang_up(placing.session_id)
        if not placing.wanted:
            return
        now = self._deps.clock()
        try:
            await channel.append(
                self._deps.database,
                placing.tenant,
                placing.session_id,
                [given_up(placing.carrier, now)],
                carrier_call=handle.call,
                began=now,
            )
        except SQLAlchemyError as error:
            logger.error("what became of a call was not written down: %s", type(error).__name__)


def able(settings: Settings) -> list[str]:
    """The carriers that can place calls as things are set."""
    return sorted(
        name for name, desk in DESKS.items() if desk.dial("+15550100001", NOWHERE, settings) is not None
    )


def _refused(carrier: str, refusal: Refused) -> NotPlaced:
    """The carrier's reason, in words that say whose business it is."""
    if refusal.status in (401, 403):
        return NotPlaced(503, f"{carrier} does not take the server's credentials ({refusal}).")
    if refusal.status == 429:
        return NotPlaced(
            503, f"{carrier} takes no more calls now ({refusal}).", after_s=refusal.after_s or 5
        )
    return NotPlaced(400, f"{carrier} refused the call: {refusal}.")
