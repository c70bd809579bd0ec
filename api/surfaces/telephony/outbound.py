"""Calls that we place, and which carriers are set up (core contract: cpCreateOutboundSession, cpListChannels).

For servers, by their key. Twilio's API is one form over HTTPS: the vendor's SDK would add a blocking client for it.
"""

from __future__ import annotations

import re
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api import auth, body
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import channel, selection
from api.records.channel_words import provider_of
from api.records.sessions import NewSession
from api.surfaces.telephony.commands import Commands, Refused
from api.surfaces.telephony.counter import DESKS, Counter, configured
from api.surfaces.telephony.desk import Calling, Unreadable
from api.surfaces.telephony.events import dialled
from api.surfaces.telephony.tickets import Ticket
from gateway.stores.schema import DEFAULT_TENANT

__all__ = ["Outbound"]

PLACE = Rate("outbound-calls", per_minute=60, burst=60)
READ = Rate("channels", per_minute=600, burst=600)
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
"""E.164."""
NAMES = {
    "acs": "Azure Communication Services",
    "asterisk_audiosocket": "Asterisk (AudioSocket)",
    "asterisk_websocket": "Asterisk",
    "freeswitch": "FreeSWITCH",
    "jambonz": "jambonz",
    "signalwire": "SignalWire",
}


class _Ask(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, strict=True, str_strip_whitespace=True)

    number: str = Field(alias="phoneNumber", max_length=20)
    scenario: Annotated[str, Field(min_length=1, max_length=128)] = Field(alias="scenarioId")
    overrides: dict[str, str] = Field(default_factory=dict, alias="promptOverrides")


class Outbound:
    def __init__(self, counter: Counter, commands: Commands) -> None:
        self._counter = counter
        self._commands = commands
        self._deps = counter.deps

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/cp/sessions/outbound", self.place),
            web.get("/api/cp/channels", self.channels),
        ]

    async def place(self, request: web.Request) -> web.Response:
        """Have Twilio call somebody; the session is the answer, the call goes its way."""
        deps, counter = self._deps, self._counter
        await auth.spend(request, deps.limiter, PLACE, deps.settings)
        tenant = _tenant(request, deps)
        ask = await body.parsed(request, _Ask)
        if not NUMBER.fullmatch(ask.number):
            raise ApiError(400, "phoneNumber must be in E.164, as +15550100001.", param="phoneNumber")
        if ask.overrides:
            raise ApiError(
                400, "promptOverrides are not taken yet: leave them out.", param="promptOverrides"
            )
        if all(persona.scenario != ask.scenario for persona in deps.personas.values()):
            raise ApiError(400, "No persona has this scenario.", param="scenarioId")
        chosen = selection.for_scenario(deps.personas, ask.scenario, None)
        if chosen is None or counter.phones.full:
            raise ApiError(503, "No line is free; try again in a moment.", headers={"Retry-After": "5"})
        persona = chosen.persona
        desk = DESKS["twilio"]
        new = NewSession(tenant, persona.scenario, persona.scenario_title, persona.id)
        ticket = Ticket(desk.name, "", new.id, tenant, persona.id)
        here = f"{counter.here(request)}/telephony/{desk.name}"
        calling = Calling(f"{here}/voice", counter.place(request, desk, ticket))
        command = desk.dial(ask.number, calling, deps.settings)
        if command is None:
            raise ApiError(400, "Set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_PHONE_NUMBER first.")
        with counter.placing():
            try:
                placed = await self._commands.run("twilio", command)
            except Refused as refusal:
                raise ApiError(400, f"Twilio refused the call: {refusal}.") from None
            try:
                call = desk.placed(placed)
            except Unreadable:
                raise ApiError(503, "Twilio's answer names no call.") from None
            now = deps.clock()
            session_id = await channel.open_call(
                deps.database,
                deps.access,
                new,
                carrier="twilio",
                carrier_call=call,
                direction="outbound",
                first=dialled("twilio", now),
                now=now,
            )
        return web.json_response({"success": True, "sessionId": session_id})

    async def channels(self, request: web.Request) -> web.Response:
        deps = self._deps
        await auth.spend(request, deps.limiter, READ, deps.settings)
        _tenant(request, deps)
        channels = [
            {
                "channelConnectionId": name,
                "provider": provider_of(name),
                "displayName": NAMES.get(name, name.capitalize()),
                "status": "configured",
            }
            for name in configured(deps.settings)
        ]
        return web.json_response({"success": True, "channels": channels})


def _tenant(request: web.Request, deps: Deps) -> str:
    """Whose server asks. Without server keys only programs on this machine may. Raises ApiError 401."""
    if not deps.settings.server_keys and auth.from_this_machine(request, deps.settings):
        return DEFAULT_TENANT
    key = auth.bearer(request)
    tenant = None if key is None else auth.tenant_of_key(key, deps.settings)
    if tenant is None:
        raise ApiError(
            401, "Send a server key as Authorization: Bearer.", headers={"WWW-Authenticate": "Bearer"}
        )
    return tenant
