"""What carriers ask and tell over HTTP: a call comes in, its socket is gone, its status changed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from api.errors import ApiError
from api.records import channel, sessions
from api.records.sessions import NewSession
from api.spoken import check_spoken
from api.surfaces.telephony.calls.events import event_of, received, unreached
from api.surfaces.telephony.commands.client import Refused, Unreached
from api.surfaces.telephony.commands.control import TOLD_S
from api.surfaces.telephony.counter import Counter
from api.surfaces.telephony.desk import Asked, Command, Desk, Document, Incoming, Notice, Unreadable
from api.surfaces.telephony.proofs.tickets import Ticket
from gateway.call.inputs import MachineVerdict
from gateway.carriers import asterisk_audiosocket
from gateway.crew import crew, stay
from gateway.stores.schema import DEFAULT_TENANT
from gateway.stores.telephone import PhoneCall
from personas.languages import language_of

__all__ = ["Webhooks"]

logger = logging.getLogger(__name__)

RETRIED_S = 60.0
"""How long a carrier may ask again about the same call: most give up on an answer after 15 s."""
BUSY = "All our lines are busy. Please call again in a moment."


class Webhooks:
    def __init__(self, counter: Counter) -> None:
        self._counter = counter
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
        placed = request.query.get("placed")
        if placed is not None:
            stay(crew().home(placed))
        if incoming is None:
            # Carriers with one address for everything tell the call's course here too.
            notices = _notices(desk, asked)
            if placed is None or not notices or not self._unwanted(desk, placed, notices[0]):
                await self._tell(desk, notices)
            await self._end(desk, asked)
            return web.Response()
        if placed is not None:
            return await self._answered(request, desk, placed, incoming)
        if crew().size > 1:
            # The carrier may tell again of a call that another worker answers: that is not one more.
            await self._counter.known(desk, incoming, maybe_new=True)
        if desk.name == asterisk_audiosocket.NAME:
            # Its sockets come to one port, which is the first worker's.
            stay(0)
        seen = self._counter.seen
        told = f"{desk.name}:call:{incoming.call}" if incoming.once else ""
        if told and not seen.first(told, asked.now):
            return web.Response()
        try:
            return await self._taken(request, desk, incoming, asked.now)
        except Exception:
            # It was not answered: the carrier may tell of it again.
            seen.forget(told)
            raise

    async def _taken(
        self, request: web.Request, desk: Desk, incoming: Incoming, now: float
    ) -> web.Response:
        """Raises ApiError, SQLAlchemyError."""
        deps, coming = self._deps, self._counter.coming
        if self._counter.phones.crowded(coming.others(desk.name, incoming.call, now)):
            logger.warning("a call of %s was refused: no line is free", desk.name)
            return await self._given(desk, desk.refuse(incoming, deps.settings))
        if not incoming.outbound:
            persona = self._counter.answering.persona(request.query.get("persona"), incoming.called)
            try:
                check_spoken(deps, persona)
            except ApiError:
                # A carrier that is told of a fault tells it to the caller, in English; a busy line says nothing.
                return await self._given(desk, desk.refuse(incoming, deps.settings))
        coming.expect(desk.name, incoming.call, now)
        try:
            ticket = await self._ticket(request, desk, incoming, now)
        except BaseException:
            coming.arrived(desk.name, incoming.call)
            raise
        place = self._counter.place(request, desk, ticket)
        answer = desk.answer(incoming, place, deps.settings)
        if isinstance(answer, Document):
            return _written(answer)
        handle = desk.handle(await self._commanded(desk, answer))
        if handle:
            self._counter.handles.note(ticket.session_id, desk.name, ticket.call, handle)
        return web.Response()

    async def _answered(
        self, request: web.Request, desk: Desk, placed: str, incoming: Incoming
    ) -> web.Response:
        """Whom we called has picked up, and the carrier asks what to do."""
        counter = self._counter
        placing = counter.ringing.find(placed)
        if placing is None or placing.carrier != desk.name or self._unwanted(desk, placed, incoming):
            logger.warning("%s asked about a call that was given up, or is over", desk.name)
            return _written(desk.hang_up())
        await counter.known(desk, incoming)
        ticket = Ticket(desk.name, incoming.call, placed, placing.tenant, placing.persona.id, outbound=True)
        place = counter.place(request, desk, ticket)
        return await self._given(desk, desk.answer(incoming, place, self._deps.settings))

    def _unwanted(self, desk: Desk, placed: str, told: Incoming | Notice) -> bool:
        """Whether it rings although whoever wanted it was told that it does not; then it is hung up."""
        placing = self._counter.ringing.find(placed)
        if placing is None or placing.wanted or placing.carrier != desk.name:
            return False
        self._counter.ringing.drop(placed)
        self._counter.handles.note(placed, desk.name, told.call, told.handle)
        self._counter.control.soon(placed)
        return True

    async def after(self, request: web.Request) -> web.Response:
        """The socket of a call is gone, and the carrier asks how to go on."""
        desk, asked = await self._counter.webhook(request)
        incoming = _incoming(desk, asked)
        if incoming is None:
            return _written(desk.hang_up())
        call = await self._counter.known(desk, incoming)
        if call is None:
            return _written(desk.hang_up())
        call_id = self._counter.phones.live_in(call.session_id)
        live = None if call_id is None else self._deps.supervisor.find(call_id)
        if live is None:
            began = await channel.began(self._deps.database, call) or not await self._in_english(call)
            return _written(desk.hang_up() if began else desk.sorry(BUSY))
        plan = live.plan
        ticket = Ticket(desk.name, incoming.call, plan.session_id, plan.tenant, plan.persona.id, again=True)
        place = self._counter.place(request, desk, ticket)
        return await self._given(desk, desk.answer(incoming, place, self._deps.settings))

    async def _in_english(self, call: PhoneCall) -> bool:
        """Whether the caller may be told something in English: who called for somebody else is not."""
        deps = self._deps
        session = await sessions.find(deps.database, call.session_id, deps.clock())
        persona = None if session is None else deps.personas.get(session.persona_id)
        return persona is None or language_of(persona.locale) == "en"

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
        await self._end(desk, asked)
        return web.Response()

    async def _given(self, desk: Desk, answer: Document | Command) -> web.Response:
        """In the answer to the webhook, or by a command. Raises ApiError 503."""
        if isinstance(answer, Document):
            return _written(answer)
        await self._commanded(desk, answer)
        return web.Response()

    async def _commanded(self, desk: Desk, command: Command) -> dict[str, Any]:
        """What the carrier answers; nothing when the call was over. Raises ApiError 503."""
        try:
            return await self._counter.commands.run(desk.name, command)
        except Refused as refusal:
            if not refusal.ended:
                logger.warning("%s refused a command: %s", desk.name, refusal)
                raise ApiError(503, "The carrier's API refused.") from None
            logger.info("%s: a call was over before it could be answered", desk.name)
        except Unreached as failure:
            raise ApiError(503, f"{desk.name}: {failure}.") from None
        return {}

    async def _end(self, desk: Desk, asked: Asked) -> None:
        """End a call whose stream is over, where nothing else does."""
        try:
            stopped = desk.stopped(asked)
        except Unreadable as error:
            raise ApiError(400, str(error)) from None
        if stopped is None:
            return
        call = await self._counter.known(desk, stopped)
        if call is None:
            return
        self._counter.phones.lost(call.session_id)
        self._counter.control.soon(call.session_id, after_s=TOLD_S)

    async def _ticket(self, request: web.Request, desk: Desk, incoming: Incoming, now: float) -> Ticket:
        """Raises ApiError 404, 503, SQLAlchemyError."""
        deps = self._deps
        known = await self._counter.known(desk, incoming, maybe_new=not incoming.outbound)
        if incoming.outbound or (known is not None and known.direction == "outbound"):
            # Those that we place are asked about at an address of their own.
            raise ApiError(403, "This call was not placed here, or was answered long ago.")
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
        # Another worker may have been quicker with the same call.
        stay(crew().home(session_id))
        self._counter.handles.note(session_id, desk.name, call, incoming.handle)
        return Ticket(desk.name, call, session_id, DEFAULT_TENANT, persona.id)

    async def _tell(self, desk: Desk, notices: Sequence[Notice]) -> None:
        database = self._deps.database
        for notice in notices:
            if notice.onward:
                if notice.home is not None:
                    stay(notice.home % crew().size)
                self._counter.control.alone(desk.name, notice.onward)
                continue
            call = await self._counter.known(desk, notice)
            if call is None:
                logger.info("%s told of a call that is none of ours", desk.name)
                continue
            if notice.transferred is not None:
                # Who asked for the transfer writes it down.
                self._counter.control.told(call.session_id, transferred=notice.transferred)
                continue
            await channel.append(
                database,
                call.tenant,
                call.session_id,
                [event_of(desk.name, notice)],
                carrier_call=notice.call,
                began=call.created_at,
            )
            if notice.machine is not None:
                self._counter.phones.machine(call.session_id, MachineVerdict(notice.machine, desk.name))
            if notice.kind != "call_completed" and not notice.over:
                continue
            self._counter.handles.ended(call.session_id)
            self._counter.control.told(call.session_id, transferred=False)
            ringing = self._counter.ringing.drop(call.session_id)
            if ringing is not None and ringing.consultation is not None:
                ringing.consultation.failed(unreached(notice.status))
            # Its socket may be lost, and the call waiting for another that will never come.
            self._counter.phones.lost(call.session_id)


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
