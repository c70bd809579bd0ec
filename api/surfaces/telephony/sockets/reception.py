"""The reception of one socket: whose call it is, announced by a webhook or come by itself, and that it is over."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from api.composing import Sitting, agent_of, colleagues_of
from api.errors import ApiError
from api.records import channel
from api.records.sessions import NewSession
from api.spoken import check_spoken
from api.surfaces.telephony.calls.departures import Arrived, Departures
from api.surfaces.telephony.calls.events import received
from api.surfaces.telephony.counter import DESKS, Counter
from api.surfaces.telephony.proofs.tickets import Ticket
from api.switchboard import LiveCall
from gateway.call.plan import nobody
from gateway.errors import CallRejected
from gateway.stores.schema import DEFAULT_TENANT
from gateway.supervisor import CallRequest
from gateway.wire import Started, Unverified
from personas.persona import Persona

__all__ = ["Announced", "WalkIn"]

logger = logging.getLogger(__name__)

NAME_LONGEST = 90
"""Characters of a call's name; together with a session's id it fits where carriers' calls are kept."""


class Announced:
    """The reception (`api.switchboard.Reception`) of one socket that a webhook announced."""

    def __init__(self, counter: Counter, departures: Departures) -> None:
        self._counter = counter
        self._departures = departures
        self._arrived: Arrived | None = None

    async def receive(self, carrier: str, started: Started) -> CallRequest | LiveCall:
        """Uses the token up that the stream tells. Raises Unverified, CallRejected."""
        ticket = self.redeemed(carrier, started.parameters.get("token", ""))
        if ticket is None:
            raise Unverified("a stream without a token of ours that is still good")
        return await self.request(ticket)

    def redeemed(self, carrier: str, token: str) -> Ticket | None:
        return self._counter.tickets.redeem(token, carrier, self._counter.deps.clock())

    async def request(self, ticket: Ticket) -> CallRequest | LiveCall:
        """Raises CallRejected."""
        deps = self._counter.deps
        self._counter.coming.arrived(ticket.carrier, ticket.call)
        if ticket.again:
            call_id = self._counter.phones.live_in(ticket.session_id)
            if call_id is None:
                raise CallRejected("the call is over")
            return LiveCall(call_id)
        if DESKS[ticket.carrier].silent:
            self._arrived = Arrived(ticket.carrier, ticket.call, ticket.session_id, deps.clock())
        if ticket.outbound:
            return await self._picked_up(ticket)
        persona = deps.personas.get(ticket.persona_id)
        if persona is None:
            raise CallRejected("the persona is there no more")
        sitting = Sitting(ticket.session_id, persona.scenario, tenant=ticket.tenant, telephone=True)
        return CallRequest(
            ticket.session_id,
            ticket.tenant,
            self._reachable(agent_of(deps, persona, sitting), ticket.tenant),
            exchange=self._counter.exchange(ticket),
            colleague=colleagues_of(deps, sitting, lambda one: self._reachable(one, ticket.tenant)),
        )

    def _reachable(self, persona: Persona, tenant: str) -> Persona:
        """With the tenant's own numbers to put callers through to."""
        return self._counter.targets.of(persona, tenant)

    async def _picked_up(self, ticket: Ticket) -> CallRequest:
        """Whom we called is there. Raises CallRejected."""
        await self._counter.settled()
        placing = self._counter.ringing.find(ticket.session_id)
        if placing is None or not placing.wanted:
            raise CallRejected("the call was given up")
        return CallRequest(
            ticket.session_id,
            ticket.tenant,
            self._reachable(placing.persona, ticket.tenant),
            outbound=True,
            exchange=self._counter.exchange(ticket),
            consultation=placing.consultation,
            colleague=nobody
            if placing.consultation is not None
            else colleagues_of(
                self._counter.deps,
                Sitting(ticket.session_id, tenant=ticket.tenant, telephone=True),
                lambda one: self._reachable(one, ticket.tenant),
            ),
        )

    def over(self) -> None:
        """The socket is gone."""
        if self._arrived is not None:
            self._departures.over(self._arrived)
            self._arrived = None


class WalkIn:
    """The same of one that needs no ticket: its call has a session as soon as its stream begins."""

    def __init__(
        self,
        counter: Counter,
        departures: Departures,
        *,
        name_of: Callable[[Started], str],
        wish: str | None = None,
        once: bool = False,
    ) -> None:
        """`name_of`: the carrier's own name of a call, empty when it has none that can be believed. `wish`: the persona
        that the socket's URL names. `once`: the name is the proof, so it is good for one call."""
        self._deps = counter.deps
        self._answering = counter.answering
        self._departures = departures
        self._name_of = name_of
        self._wish = wish
        self._once = once
        self._arrived: Arrived | None = None
        self.coming = True
        """Let in, and not a call yet: it is none of the supervisor's, and its line is taken."""

    async def receive(self, carrier: str, started: Started) -> CallRequest:
        """Raises Unverified, CallRejected."""
        try:
            return await self._received(carrier, started)
        finally:
            # Whoever awaits this makes the call of it before anybody else has a turn.
            self.coming = False

    async def _received(self, carrier: str, started: Started) -> CallRequest:
        now = self._deps.clock()
        try:
            wish = self._wish or started.parameters.get("persona")
            persona = self._answering.persona(wish, started.called)
            check_spoken(self._deps, persona)
        except ApiError as error:
            raise CallRejected(str(error)) from None
        new = NewSession(DEFAULT_TENANT, persona.scenario, persona.scenario_title, persona.id)
        call = self._name_of(started)
        if not call or len(call) > NAME_LONGEST or not call.isprintable():
            call = f"walk-in-{new.id}"
        try:
            if not await self._opened(carrier, call, new, now):
                if self._once:
                    raise Unverified("a name that was good for one call, and had it")
                # A carrier may bring one call twice, and two switches may name theirs alike: the later has a
                # longer name.
                call = f"{call}-{new.id}"
                await self._opened(carrier, call, new, now)
        except SQLAlchemyError as error:
            raise CallRejected(f"the database does not answer: {type(error).__name__}") from None
        self._arrived = Arrived(carrier, call, new.id, now)
        sitting = Sitting(new.id, new.scenario)
        return CallRequest(
            new.id,
            new.tenant,
            agent_of(self._deps, persona, sitting),
            colleague=colleagues_of(self._deps, sitting),
        )

    async def _opened(self, carrier: str, call: str, new: NewSession, now: float) -> bool:
        """Whether the new session is the call's; it had one already if not. Raises SQLAlchemyError."""
        session_id = await channel.open_call(
            self._deps.database,
            self._deps.access,
            new,
            carrier=carrier,
            carrier_call=call,
            direction="inbound",
            first=received(carrier, now),
            now=now,
        )
        return session_id == new.id

    def over(self) -> None:
        """The socket is gone."""
        self.coming = False
        if self._arrived is not None:
            self._departures.over(self._arrived)
            self._arrived = None
