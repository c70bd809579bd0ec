"""Calls that we place, and which carriers are set up (core contract: cpCreateOutboundSession, cpListChannels).

For servers, by their key.
"""

from __future__ import annotations

import math
import re
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api import auth, body
from api.composing import catalog_of
from api.errors import ApiError
from api.limits import Rate
from api.records import selection
from api.records.channel_words import provider_of
from api.records.order_keys import Claim, ClaimEnded, OrderKeys, Otherwise, Underway
from api.surfaces.telephony.counter import Counter, configured
from api.surfaces.telephony.outbound.dialler import Dialler, NotPlaced
from api.surfaces.telephony.outbound.idempotency import Once

__all__ = ["Outbound"]

PLACE = Rate("outbound-calls", per_minute=60, burst=60)
READ = Rate("channels", per_minute=600, burst=600)
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
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
    model_config = ConfigDict(
        defer_build=True, hide_input_in_errors=True, strict=True, str_strip_whitespace=True
    )

    number: str = Field(alias="phoneNumber", max_length=20)
    scenario: Annotated[str, Field(min_length=1, max_length=128)] = Field(alias="scenarioId")
    overrides: dict[str, str] = Field(default_factory=dict, alias="promptOverrides")


class Outbound:
    def __init__(self, counter: Counter, dialler: Dialler) -> None:
        self._counter = counter
        self._dialler = dialler
        self._deps = counter.deps
        self._once = Once(OrderKeys(self._deps.database, self._deps.clock))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/cp/sessions/outbound", self.place),
            web.get("/api/cp/channels", self.channels),
        ]

    async def place(self, request: web.Request) -> web.Response:
        """Have a carrier call somebody; the session is the answer, the call goes its way. With an `Idempotency-Key`
        the same request again is the same call."""
        deps, counter = self._deps, self._counter
        tenant = auth.operator_tenant(request, deps.settings)
        # Behind a proxy all have one address: whoever has no key is not to use up what servers may ask for.
        await auth.spend(request, deps.limiter, PLACE, deps.settings)
        key = _key(request)
        ask = await body.parsed(request, _Ask)
        if not NUMBER.fullmatch(ask.number):
            raise ApiError(400, "phoneNumber must be in E.164, as +15550100001.", param="phoneNumber")
        catalog = catalog_of(deps)
        if not catalog.players(ask.scenario):
            raise ApiError(400, "No persona has this scenario.", param="scenarioId")
        chosen = selection.choose(catalog, preferred=None, scenario=ask.scenario, locale=None)
        if chosen is None:
            raise ApiError(503, "No persona answers this scenario now.")
        persona, here = chosen.persona, counter.here(request)

        async def dial(claim: Claim | None = None) -> str:
            placed = await self._dialler.place(
                self._dialler.carrier(), ask.number, tenant=tenant, persona=persona, overrides=ask.overrides,
                machine_detection=persona.voicemail is not None, here=here, claim=claim,
            )  # fmt: skip
            return placed.session_id

        try:
            session_id = await (
                dial() if key is None else self._once.run(tenant, key, ask.model_dump_json(), dial)
            )
        except NotPlaced as error:
            headers = {} if error.after_s is None else {"Retry-After": str(error.after_s)}
            raise ApiError(error.status, str(error), headers=headers) from None
        except ClaimEnded:
            raise ApiError(
                503,
                "Placing the call took too long, so it was given up; ask again with this Idempotency-Key.",
                headers={"Retry-After": "5"},
            ) from None
        except Otherwise:
            raise ApiError(
                409, "This Idempotency-Key was used for another request: take a new one."
            ) from None
        except Underway as wait:
            headers = {"Retry-After": str(math.ceil(wait.left_s))}
            raise ApiError(
                503, "A call is being placed with this Idempotency-Key; ask again for it.", headers=headers
            ) from None
        return web.json_response({"success": True, "sessionId": session_id})

    async def channels(self, request: web.Request) -> web.Response:
        deps = self._deps
        auth.operator_tenant(request, deps.settings)
        await auth.spend(request, deps.limiter, READ, deps.settings)
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


def _key(request: web.Request) -> str | None:
    """The request's Idempotency-Key. Raises ApiError 400 for one that cannot be meant."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 0 < len(key) <= 255 or not key.isprintable():
        raise ApiError(400, "Idempotency-Key must be 1 to 255 printable characters.")
    return key
