"""Calls that OpenAI answers on SIP for us: its webhook, the accepting, and the call that is held by its events alone.

The trunk sends its calls to OpenAI; OpenAI asks here what to do (`realtime.call.incoming`). The sound stays there.
"""

from __future__ import annotations

import logging

from aiohttp import web

from api import body
from api.composing import Sitting, agent_of, colleagues_of
from api.errors import ApiError
from api.records import channel
from api.records.sessions import NewSession
from api.surfaces.telephony.calls.departures import Arrived, Departures
from api.surfaces.telephony.calls.events import received
from api.surfaces.telephony.counter import WEBHOOK_LIMIT, Counter
from api.surfaces.telephony.desk import Asked, Unreadable
from api.surfaces.telephony.openai.call import CARRIER, OpenAiCall
from api.surfaces.telephony.openai.words import Invite, configured, invite_of, session_of, sideband
from api.surfaces.telephony.proofs.tickets import Seen
from gateway.call.sessions import upstream_session, visible_session
from gateway.carriers.dialects import standard_webhooks
from gateway.crew import crew, stay
from gateway.errors import CallRejected
from gateway.sip.leg import SipLeg
from gateway.sip.model import SidebandModel
from gateway.stores.schema import DEFAULT_TENANT
from gateway.supervisor import CallRequest
from gateway.wire import Unverified
from personas.persona import Persona

__all__ = ["OpenAiSip"]

logger = logging.getLogger(__name__)


class OpenAiSip:
    def __init__(self, counter: Counter, departures: Departures) -> None:
        self._counter = counter
        self._departures = departures
        self._deps = counter.deps
        self._seen = Seen()

    def routes(self) -> list[web.RouteDef]:
        """Before those of the carriers, whose paths are alike."""
        return [web.post("/telephony/openai/voice", self.voice)]

    async def voice(self, request: web.Request) -> web.Response:
        """A call rings at OpenAI. Answered 200 when nothing is left to be asked: whatever else is, it is sent again."""
        settings = self._deps.settings
        secret = settings.openai_webhook_secret
        if secret is None or not configured(settings):
            raise ApiError(404, "This carrier is not set up here.")
        raw = await body.read(request, WEBHOOK_LIMIT)
        now = self._deps.clock()
        try:
            proof = standard_webhooks.verify(
                request.headers, raw, secret=secret.get_secret_value(), now=now
            )
        except Unverified as refusal:
            raise self._counter.refused(CARRIER, "webhook", refusal) from None
        # One worker knows whether it was here before.
        stay(crew().home_of_name(proof))
        if not self._seen.first(proof, now):
            return web.Response()
        try:
            asked = Asked(request.method, str(request.url), request.headers, raw, now)
            invite = invite_of(asked)
            if invite is not None:
                await self._ring(invite, request.query.get("persona"), now)
        except Unreadable as error:
            raise ApiError(400, str(error)) from None
        except BaseException:
            self._seen.forget(proof)
            raise
        return web.Response()

    async def _ring(self, invite: Invite, wish: str | None, now: float) -> None:
        """Raises ApiError 404, 503, SQLAlchemyError."""
        deps, phones = self._deps, self._counter.phones
        call = OpenAiCall(invite.call, deps.settings, self._counter.commands)
        if phones.full:
            logger.warning("a call of %s was refused: no line is free", CARRIER)
            await call.reject()
            return
        persona = self._counter.answering.persona(wish, invite.called)
        new = NewSession(DEFAULT_TENANT, persona.scenario, persona.scenario_title, persona.id)
        session_id = await channel.open_call(
            deps.database,
            deps.access,
            new,
            carrier=CARRIER,
            carrier_call=invite.call,
            direction="inbound",
            first=received(CARRIER, now),
            now=now,
        )
        arrived = Arrived(CARRIER, invite.call, session_id, now)
        sitting = Sitting(session_id, persona.scenario, telephone=True)
        persona = agent_of(deps, persona, sitting)
        try:
            call_id = phones.reserve(session_id)
        except CallRejected:
            logger.warning("a call of %s was refused: no line is free", CARRIER)
            await call.reject()
            return
        try:
            if not await call.accept(self._session(persona, session_id)):
                logger.info("a call of %s was over before it could be answered", CARRIER)
                self._departures.over(arrived)
                phones.release(call_id)
                return
            leg = SipLeg(CARRIER, call.hang_up, lambda: self._departures.over(arrived))
            model = SidebandModel(sideband(deps.settings, invite.call), leg)
            request = CallRequest(
                session_id, DEFAULT_TENANT, persona, exchange=call, model=model,
                colleague=colleagues_of(deps, sitting),
            )  # fmt: skip
            phones.begin(call_id, leg, request)
        except BaseException:
            phones.release(call_id)
            raise

    def _session(self, persona: Persona, session_id: str) -> dict[str, object]:
        """What the call's own session will be, for `accept`."""
        deps = self._deps
        tools = tuple(deps.tools[name] for name in persona.tools if name in deps.tools)
        model = deps.settings.openai_model
        visible = visible_session(persona, session_id, model, tools)
        definitions = tuple(tool.definition() for tool in tools)
        return session_of(upstream_session(visible, definitions, persona, gateway_turns=False), model)
