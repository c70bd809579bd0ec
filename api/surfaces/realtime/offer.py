"""The body of `POST /v1/realtime/calls`: a raw SDP offer, or a form with the offer and a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from api import body
from api.errors import ApiError
from api.multipart import MultipartFault, parts_of
from gateway.realtime.weight import MAX_VALUES, too_many_values

__all__ = ["OFFER_LIMIT", "SESSION_LIMIT", "Offer", "invalid_offer", "read_offer"]

OFFER_LIMIT = 64 * 1024
SESSION_LIMIT = 256 * 1024
"""As for a message of the event channel."""
_FORM_LIMIT = OFFER_LIMIT + SESSION_LIMIT + 16 * 1024


@dataclass(frozen=True, slots=True)
class Offer:
    """What the client wants of its call."""

    sdp: str
    session: object | None = None
    """The `session` part as the JSON it was, unchecked; None when there was none."""


async def read_offer(request: web.Request) -> Offer:
    """OpenAI API reference: "Create call". Raises ApiError 400, 408, 413, 415."""
    if request.content_type == "application/sdp":
        return Offer(_sdp(await body.read(request, OFFER_LIMIT)))
    if request.content_type != "multipart/form-data":
        raise ApiError(
            415,
            "Send the SDP offer as application/sdp, or as multipart/form-data with the parts sdp and session.",
        )
    raw = await body.read(request, _FORM_LIMIT)
    try:
        parts = parts_of(raw, request.headers["Content-Type"])
    except MultipartFault as fault:
        raise ApiError(400, f"The form cannot be read. {fault}", code="invalid_form") from None
    if "sdp" not in parts:
        raise ApiError(
            400, "Missing required parameter: 'sdp'.", code="missing_required_parameter", param="sdp"
        )
    sdp, session = parts["sdp"], parts.get("session")
    for part, limit in (sdp, OFFER_LIMIT), (session, SESSION_LIMIT):
        if part is not None and len(part.content) > limit:
            raise ApiError(413, f"The part '{part.name}' may have at most {limit} bytes.", param=part.name)
    return Offer(_sdp(sdp.content), _json(session.content) if session is not None else None)


def invalid_offer(message: str) -> ApiError:
    return ApiError(400, message, code="invalid_offer", param="sdp")


def _sdp(raw: bytes) -> str:
    try:
        offer = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid_offer("The offer is not text.") from None
    if not offer.lstrip().startswith("v=0"):
        raise invalid_offer("The offer is not SDP: it must begin with v=0.")
    return offer


def _json(raw: bytes) -> dict[str, Any]:
    if too_many_values(raw.decode("latin-1")):
        raise ApiError(400, f"The part 'session' may hold at most {MAX_VALUES} values.", param="session")
    try:
        session: object = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ApiError(
            400, "The part 'session' is not JSON.", code="invalid_json", param="session"
        ) from None
    if not isinstance(session, dict):
        raise ApiError(
            400, "The part 'session' must be a JSON object.", code="invalid_type", param="session"
        )
    return session
