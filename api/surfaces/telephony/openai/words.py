"""What OpenAI tells of a call on SIP, and what it can be told (reference/openai-realtime.md, sections 11 and 12)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import orjson

from api.surfaces.telephony.desk import Asked, Command, Unreadable
from api.surfaces.telephony.dialects.fields import identity, json_of
from gateway.config import Settings
from gateway.connector import Endpoint
from gateway.sip.model import without_formats

__all__ = ["INCOMING", "Invite", "command", "configured", "invite_of", "session_of", "sideband"]

INCOMING = "realtime.call.incoming"
ADDRESS = re.compile(r"sips?:([^@;>?]{1,128})@|tel:([^;>?]{1,128})", re.IGNORECASE)
"""Who is called or calls, in a From or To of SIP (RFC 3261, 20.20; RFC 3966)."""


@dataclass(frozen=True, slots=True)
class Invite:
    """A call that rings at OpenAI."""

    call: str
    caller: str = field(default="", repr=False)
    called: str = field(default="", repr=False)


def configured(settings: Settings) -> bool:
    return settings.openai_webhook_secret is not None and settings.openai_api_key is not None


def invite_of(asked: Asked) -> Invite | None:
    """The call of a webhook; None when it tells of something else. Raises Unreadable."""
    event = json_of(asked)
    if event.get("type") != INCOMING:
        return None
    data = event.get("data")
    if not isinstance(data, dict):
        raise Unreadable("The event has no data.")
    headers = data.get("sip_headers")
    given: dict[str, str] = {}
    for header in headers if isinstance(headers, list) else []:
        if isinstance(header, dict) and isinstance(header.get("name"), str):
            given.setdefault(header["name"].lower(), str(header.get("value", "")))
    return Invite(identity(data, "call_id"), _user(given.get("from", "")), _user(given.get("to", "")))


def _user(header: str) -> str:
    """The number, or the name before the @; nothing of it is proved."""
    found = ADDRESS.search(header)
    user = unquote(found[1] or found[2]) if found is not None else ""
    return user if user.isprintable() else ""


def session_of(session: dict[str, Any], model: str) -> dict[str, Any]:
    """A session as `accept` takes it: the audio's formats are between OpenAI and the trunk."""
    return {**without_formats(session), "type": "realtime", "model": model}


def command(settings: Settings, call: str, verb: str, body: dict[str, Any] | None = None) -> Command:
    """`accept`, `reject`, `refer` or `hangup`."""
    url = f"{settings.openai_api_url.rstrip('/')}/realtime/calls/{quote(call, safe='')}/{verb}"
    headers = _headers(settings)
    written = b"{}" if body is None else orjson.dumps(body)
    return Command(url, written, headers.pop("Authorization"), headers=headers)


def sideband(settings: Settings, call: str) -> Endpoint:
    """The socket of the call's events."""
    base = urlsplit(settings.openai_api_url.rstrip("/"))
    scheme = "ws" if base.scheme == "http" else "wss"
    url = f"{scheme}://{base.netloc}{base.path}/realtime?call_id={quote(call, safe='')}"
    return Endpoint("openai", url, _headers(settings), settings.openai_model)


def _headers(settings: Settings) -> dict[str, str]:
    key = settings.openai_api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value() if key is not None else ''}"}
    if settings.openai_organization:
        headers["OpenAI-Organization"] = settings.openai_organization
    if settings.openai_project:
        headers["OpenAI-Project"] = settings.openai_project
    return headers
