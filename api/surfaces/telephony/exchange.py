"""What a live call can ask of its carrier beside its media stream (`gateway.ports.Exchange`), by the carrier's API."""

from __future__ import annotations

import logging

from sqlalchemy.exc import SQLAlchemyError

from api.records import channel
from api.surfaces.telephony.calls.events import transfer_told, unreached
from api.surfaces.telephony.commands.client import Refused, Unreached
from api.surfaces.telephony.commands.control import Failed, NoCommand
from api.surfaces.telephony.counter import DESKS, Counter
from api.surfaces.telephony.outbound.dialler import Dialler, NotPlaced
from api.surfaces.telephony.proofs.tickets import Ticket
from gateway.consultation import Consultation
from gateway.errors import ExchangeRefused

__all__ = ["CallExchange"]

logger = logging.getLogger(__name__)

CANNOT = "The carrier of this call cannot do that here. Say so, and offer what else you can do."
REFUSED = "The carrier refused. Say so, and offer to take a message or to try again."
UNREACHED = (
    "The carrier does not answer now. Say so, and offer to take a message or to try again in a moment."
)


class CallExchange:
    """One call's."""

    def __init__(self, counter: Counter, dialler: Dialler, ticket: Ticket) -> None:
        """`ticket`: of the call."""
        self._counter = counter
        self._dialler = dialler
        self._session_id = ticket.session_id
        self._tenant = ticket.tenant
        self._carrier = ticket.carrier
        self._told = 0
        self._asked: dict[Consultation, str] = {}
        """The session of each person that was called."""

    async def transfer(self, to: str) -> None:
        await self._tell("transferring")
        try:
            await self._counter.control.transfer(self._session_id, to)
        except (NoCommand, Refused, Unreached, Failed) as fault:
            await self._tell("transfer_failed")
            raise self._refused("transfer", fault) from None
        await self._tell("transferred")

    async def consult(self, to: str, consultation: Consultation) -> None:
        await self._tell("transferring")
        try:
            placed = await self._dialler.place(
                DESKS[self._carrier],
                to,
                tenant=self._tenant,
                persona=consultation.persona,
                composed=True,
                machine_detection=bool(self._counter.deps.settings.machine_detection),
            )
        except (NotPlaced, SQLAlchemyError) as fault:
            await self._tell("transfer_failed")
            raise self._refused("call", fault) from None
        placing = self._counter.ringing.find(placed.session_id)
        if placing is None:
            raise ExchangeRefused(REFUSED)
        # Nothing of the call is looked at before whoever places it has gone on: it is found by who picks up.
        placing.consultation = consultation
        self._asked[consultation] = placed.session_id

    async def recall(self, consultation: Consultation) -> None:
        session_id = self._asked.pop(consultation, None)
        if session_id is not None and self._counter.ringing.drop(session_id) is not None:
            await self._counter.control.hang_up(session_id)

    async def press(self, digits: str) -> bool:
        try:
            await self._counter.control.press(self._session_id, digits)
        except NoCommand:
            return False
        except (Refused, Unreached) as fault:
            raise self._refused("press keys", fault) from None
        return True

    def _refused(self, what: str, fault: Exception) -> ExchangeRefused:
        logger.warning("%s did not %s: %s", self._carrier, what, fault)
        match fault:
            case NoCommand():
                return ExchangeRefused(CANNOT)
            case Refused():
                return ExchangeRefused(REFUSED)
            case Failed():
                return ExchangeRefused(unreached(""))
            case NotPlaced() if fault.status < 500:
                return ExchangeRefused(REFUSED)
            case _:
                return ExchangeRefused(UNREACHED)

    async def _tell(self, status: str) -> None:
        """Write it down as an event of the caller's channel; the call does not wait for a database that fails."""
        counter, now = self._counter, self._counter.deps.clock()
        handle = counter.handles.of(self._session_id)
        if handle is None:
            return
        self._told += 1
        try:
            call = await channel.find(counter.deps.database, handle.carrier, handle.call)
            if call is not None:
                await channel.append(
                    counter.deps.database, self._tenant, self._session_id,
                    [transfer_told(self._carrier, status, self._told, now)],
                    carrier_call=handle.call, began=call.created_at,
                )  # fmt: skip
        except SQLAlchemyError as error:
            logger.error("a transfer was not written down: %s", type(error).__name__)
