"""The telephone channel over REST (getSessionChannelEvents, postTelephonyWebhook)."""

from __future__ import annotations

import hmac
import logging
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api import auth, body
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import channel, sessions
from api.records.channel import ChannelEvent, MetaValue
from api.records.channel_words import (
    AZURE,
    AZURE_STATUSES,
    KINDS,
    Kind,
    canonical,
    kind_of,
    label_of,
    provider_of,
)
from api.surfaces.core.access import held_session
from api.surfaces.core.wire import iso
from gateway.stores.telephone import ChannelEventRow
from tools.wording import in_words, place

__all__ = ["routes"]

logger = logging.getLogger(__name__)

READ = Rate("channel-events", per_minute=600, burst=600)
SIGNATURE = "X-Telephony-Signature"
META_AT_MOST = 20

PLAIN = r"^[^\x00-\x1f]*$"
"""Databases refuse NUL, and nothing here needs the others."""
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=PLAIN)]
Id = Annotated[str, Field(min_length=1, max_length=128, pattern=PLAIN)]


class _Event(BaseModel):
    """What is understood of an event. The contract leaves its shape open; other fields are ignored."""

    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True, populate_by_name=True)

    session_id: Id | None = Field(None, alias="sessionId")
    call: Id | None = Field(None, alias="callSid")
    provider: Annotated[Word, Field(max_length=32)] = Field("telephony", alias="providerId")
    type: Annotated[str, Field(max_length=128)] | None = None
    status: Word | None = None
    id: Annotated[str, Field(min_length=1, max_length=150, pattern=PLAIN)] | None = None
    at: datetime | None = Field(None, alias="timestamp")
    sequence: int | None = Field(None, alias="sequenceNumber", ge=0, lt=10**15)
    meta: dict[str, MetaValue] = Field(default_factory=dict, max_length=META_AT_MOST)


def routes(deps: Deps) -> list[web.RouteDef]:
    async def listed(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, READ, deps.settings)
        session = await held_session(request, deps)
        events = [_view(row) for row in await channel.of_session(deps.database, session)]
        return web.json_response({"sessionId": session.id, "events": events, "count": len(events)})

    async def told(request: web.Request) -> web.Response:
        raw = await body.read(request, body.JSON_LIMIT)
        _check_signature(request, deps, raw)
        event = _read(raw)
        found = await _session(deps, event)
        if found is None:
            logger.info("an event of a call that is none of ours")
            return web.json_response({"success": True, "recorded": 0})
        tenant, session_id, call, began = found
        recorded = await channel.append(
            deps.database,
            tenant,
            session_id,
            [_record(event, deps.clock())],
            carrier_call=call,
            began=began,
        )
        return web.json_response({"success": True, "recorded": recorded})

    return [
        web.get("/api/sessions/{id}/channel-events", listed),
        web.post("/api/webhooks/telephony-events", told),
    ]


def _view(row: ChannelEventRow) -> dict[str, object]:
    view: dict[str, object] = {
        "timestamp": iso(row.at),
        "type": row.type,
        "status": row.status,
        "providerId": row.provider,
        "label": row.label,
    }
    if row.raw_status is not None:
        view["rawStatus"] = row.raw_status
    if row.carrier_call is not None:
        view["callSid"] = row.carrier_call
    if row.meta:
        view["meta"] = row.meta
    return view


def _check_signature(request: web.Request, deps: Deps, raw: bytes) -> None:
    """Raises ApiError 401."""
    secret = deps.settings.telephony_webhook_secret
    if secret is None:
        if not auth.from_this_machine(request, deps.settings):
            raise ApiError(
                401, "This server takes telephony events signed only: set TELEPHONY_WEBHOOK_SECRET."
            )
        return
    wanted = hmac.new(secret.get_secret_value().encode(), raw, "sha256").hexdigest()
    given = request.headers.get(SIGNATURE, "").strip().lower().encode("utf-8", "replace")
    if not hmac.compare_digest(given, wanted.encode()):
        raise ApiError(401, f"{SIGNATURE} is not the HMAC-SHA256 of this body, in hex.")


def _read(raw: bytes) -> _Event:
    """Raises ApiError 400."""
    try:
        document: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ApiError(400, "The body is not JSON.") from None
    if not isinstance(document, dict):
        raise ApiError(400, "The body must be a JSON object.")
    try:
        event = _Event.model_validate(_cloud_event(document))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = place(first["loc"])
        raise ApiError(400, f"{where}: {in_words(first)}", param=where) from None
    if event.session_id is None and event.call is None:
        raise ApiError(400, "The event names no call: give sessionId or callSid.")
    if event.status is None and event.type not in KINDS:
        raise ApiError(400, "The event has no status.")
    return event


def _cloud_event(document: dict[str, Any]) -> dict[str, Any]:
    """An event of Azure's call automation in our words, or under a name of its own; any other event as it is."""
    kind, data = document.get("type"), document.get("data")
    if not isinstance(kind, str) or not kind.startswith(AZURE) or not isinstance(data, dict):
        return document
    name = kind.removeprefix(AZURE)
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    return {
        "sessionId": data.get("operationContext"),
        "callSid": data.get("callConnectionId"),
        "providerId": "acs",
        "status": AZURE_STATUSES.get(name, snake),
        "type": kind,
        "id": document.get("id"),
        "timestamp": document.get("time"),
    }


async def _session(deps: Deps, event: _Event) -> tuple[str, str, str, float] | None:
    """Tenant, session, the carrier's call and when it began; None when it is none of ours."""
    if event.session_id is not None:
        session = await sessions.find(deps.database, event.session_id, deps.clock())
        if session is not None:
            return session.tenant, session.id, event.call or "", session.created_at
    if event.call is not None:
        carrier = event.provider.removesuffix("_voice")
        call = await channel.find(deps.database, carrier, event.call)
        if call is not None:
            return call.tenant, call.session_id, call.carrier_call, call.created_at
    return None


def _record(event: _Event, now: float) -> ChannelEvent:
    status = canonical(event.status or (event.type or "").removeprefix("call_"))
    kind: Kind = next((one for one in KINDS if one == event.type), kind_of(status))
    at = now
    if event.at is not None:
        at = (event.at if event.at.tzinfo else event.at.replace(tzinfo=UTC)).timestamp()
    key = event.id or (status if event.sequence is None else f"{status}:{event.sequence}")
    return ChannelEvent(
        key=key,
        kind=kind,
        status=status,
        provider=provider_of(event.provider),
        at=at,
        label=label_of(status),
        raw_status=event.status,
        position=event.sequence,
        meta=event.meta,
    )
