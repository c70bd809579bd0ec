"""What carriers ask and tell over HTTP: a call comes in, its socket is gone, its status changed."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from aiohttp import web

from api.errors import ApiError
from api.records import channel, sessions
from api.records.sessions import NewSession
from api.surfaces.telephony.commands import Commands, Refused
from api.surfaces.telephony.counter import Counter
from api.surfaces.telephony.desk import Asked, Command, Desk, Document, Incoming, Notice, Unreadable
from api.surfaces.telephony.events import event_of, received
from api.surfaces.telephony.tickets import Ticket
from gateway.stores.schema import DEFAULT_TENANT
from gateway.stores.telephone import PhoneCall

__all__ = ["Webhooks"]

logger = logging.getLogger(__name__)

RETRIED_S = 60.0
"""How long a carrier may ask again about the same call: most give up on an answer after 15 s."""
BUSY = "All our lines are busy. Please call again in a moment."


class Webhooks:
    def __init__(self, counter: Counter, commands: Commands) -> None:
        self._counter = counter
        self._commands = commands
        self._deps = counter.deps

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/telephony/{carrier}/voice", self.voice),
            web.get("/telephony/{carrier}/voice", self.voice),
            web.post("/telephony/{carrier}/after", self.after),
            web.get("/telephony/{carrier}/after", self.after),
            web.post("/telephony/{carrier}/transfer", self.transfer),
            web.post("/telephony/{carrier}/status", self.status),
            web.get("/telephony/{carrier}/status", self.status),
        ]

    async def voice(self, request: web.Request) -> web.Response:
        """A call comes in: the answer connects it to our media socket."""
        desk, asked = await self._counter.webhook(request)
        if (greeting := _greeting(desk, asked)) is not None:
            return _written(greeting)
        incoming = _incoming(desk, asked)
        if incoming is None:
            # Carriers with one address for everything tell the call's course here too.
            await self._tell(desk, _notices(desk, asked))
            await self._end(desk, asked)
            return web.Response()
        deps = self._deps
        if self._counter.phones.full:
            logger.warning("a call of %s was refused: no line is free", desk.name)
            return await self._given(desk, desk.refuse(incoming, deps.settings))
        ticket = await self._ticket(request, desk, incoming, asked.now)
        place = self._counter.place(request, desk, ticket)
        return await self._given(desk, desk.answer(incoming, place, deps.settings))

    async def after(self, request: web.Request) -> web.Response:
        """The socket of a call is gone, and the carrier asks how to go on."""
        desk, asked = await self._counter.webhook(request)
        incoming = _incoming(desk, asked)
        if incoming is None:
            return _written(desk.hang_up())
        call = await self._counter.known(desk, incoming.call)
        if call is None:
            return _written(desk.hang_up())
        call_id = self._counter.phones.live_in(call.session_id)
        live = None if call_id is None else self._deps.supervisor.find(call_id)
        if live is None:
            began = await channel.began(self._deps.database, call)
            return _written(desk.hang_up() if began else desk.sorry(BUSY))
        plan = live.plan
        ticket = Ticket(desk.name, incoming.call, plan.session_id, plan.tenant, plan.persona.id, again=True)
        place = self._counter.place(request, desk, ticket)
        return await self._given(desk, desk.answer(incoming, place, self._deps.settings))

    async def transfer(self, request: web.Request) -> web.Response:
        """A carrier that was told to transfer a caller asks to whom."""
        desk, asked = await self._counter.webhook(request)
        try:
            onward = desk.onward(asked)
        except Unreadable as error:
            raise ApiError(400, str(error)) from None
        if onward is None:
            raise ApiError(404, "This carrier does not ask that.")
        return _written(onward)

    async def status(self, request: web.Request) -> web.Response:
        """A call's course, for its channel events."""
        desk, asked = await self._counter.webhook(request)
        await self._tell(desk, _notices(desk, asked))
        return web.Response()

    async def _given(self, desk: Desk, answer: Document | Command) -> web.Response:
        """In the answer to the webhook, or by a command. Raises ApiError 503."""
        if isinstance(answer, Document):
            return _written(answer)
        try:
            await self._commands.run(desk.name, answer)
        except Refused as refusal:
            if not refusal.ended:
                logger.warning("%s refused a command: %s", desk.name, refusal)
                raise ApiError(503, "The carrier's API refused.") from None
            logger.info("%s: a call was over before it could be answered", desk.name)
        return web.Response()

    async def _end(self, desk: Desk, asked: Asked) -> None:
        """End a call whose stream is over, where nothing else does."""
        try:
            stopped = desk.stopped(asked, self._deps.settings)
        except Unreadable as error:
            raise ApiError(400, str(error)) from None
        if stopped is None:
            return
        name, command = stopped
        call = await self._counter.known(desk, name)
        if call is None:
            return
        call_id = self._counter.phones.live_in(call.session_id)
        if call_id is not None:
            self._deps.supervisor.hang_up(call_id)
        await self._given(desk, command)

    async def _ticket(self, request: web.Request, desk: Desk, incoming: Incoming, now: float) -> Ticket:
        """Raises ApiError 404, 503, SQLAlchemyError."""
        deps = self._deps
        known = await self._counter.known(desk, incoming.call)
        if known is not None and known.direction == "outbound":
            return await self._of_outbound(desk, incoming, known)
        if incoming.outbound:
            raise ApiError(403, "This call was not placed here.")
        if known is not None and now - known.created_at > RETRIED_S:
            logger.warning("refused: a webhook of %s was sent again long after its call", desk.name)
            raise ApiError(403, "This call was answered long ago.")
        persona = self._counter.answering.persona(request.query.get("persona"), incoming.called)
        new = NewSession(DEFAULT_TENANT, persona.scenario, persona.scenario_title, persona.id)
        call = incoming.call or f"unnamed-{new.id}"
        session_id = await channel.open_call(
            deps.database,
            deps.access,
            new,
            carrier=desk.name,
            carrier_call=call,
            direction="inbound",
            first=received(desk.name, now),
            now=now,
        )
        return Ticket(desk.name, call, session_id, DEFAULT_TENANT, persona.id)

    async def _of_outbound(self, desk: Desk, incoming: Incoming, call: PhoneCall) -> Ticket:
        """Whom we called has answered. Raises ApiError 403, SQLAlchemyError."""
        deps = self._deps
        session = await sessions.find(deps.database, call.session_id, deps.clock())
        if session is None or await channel.began(deps.database, call):
            raise ApiError(403, "This call was answered long ago.")
        persona = deps.personas.get(session.persona_id) or self._counter.answering.persona(None, "")
        return Ticket(desk.name, incoming.call, session.id, session.tenant, persona.id, outbound=True)

    async def _tell(self, desk: Desk, notices: Sequence[Notice]) -> None:
        database = self._deps.database
        for notice in notices:
            call = await self._counter.known(desk, notice.call)
            if call is None:
                logger.info("%s told of a call that is none of ours", desk.name)
                continue
            await channel.append(
                database,
                call.tenant,
                call.session_id,
                [event_of(desk.name, notice)],
                carrier_call=notice.call,
                began=call.created_at,
            )
            call_id = self._counter.phones.live_in(call.session_id)
            if notice.kind == "call_completed" and call_id is not None:
                # Its socket may be lost, and the call waiting for another that will never come.
                self._deps.supervisor.hang_up(call_id)


def _greeting(desk: Desk, asked: Asked) -> Document | None:
    try:
        return desk.greeting(asked)
    except Unreadable as error:
        raise ApiError(400, str(error)) from None


def _incoming(desk: Desk, asked: Asked) -> Incoming | None:
    try:
        return desk.incoming(asked)
    except Unreadable as error:
        raise ApiError(400, str(error)) from None


def _notices(desk: Desk, asked: Asked) -> Sequence[Notice]:
    try:
        return desk.notices(asked)
    except Unreadable as error:
        raise ApiError(400, str(error)) from None


def _written(answer: Document) -> web.Response:
    return web.Response(text=answer.body, content_type=answer.content_type, status=answer.status)
