"""Requests to Azure Communication Services, signed with the resource's access key (reference/telephony.md, section 5.2;
"Authentication", HMAC, in the vendor's REST reference)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from api.surfaces.telephony.desk import Command
from gateway.config import Settings

__all__ = ["VERSION", "Resource", "command", "resource", "signed"]

VERSION = "2025-05-15"
"""Of the API: the first that streams both ways and tells keys."""
SIGNED = "x-ms-date;host;x-ms-content-sha256"


@dataclass(frozen=True, slots=True)
class Resource:
    endpoint: str
    """https://name.communication.azure.com, without a slash at its end."""
    key: bytes = field(repr=False)


def resource(settings: Settings) -> Resource | None:
    """What `ACS_CONNECTION_STRING` names: `endpoint=https://…;accesskey=…`."""
    text = settings.acs_connection_string
    if text is None:
        return None
    parts = {
        name.strip().lower(): value.strip()
        for name, _, value in (part.partition("=") for part in text.get_secret_value().split(";"))
    }
    return Resource(parts["endpoint"].rstrip("/"), b64decode(parts["accesskey"]))


def command(to: Resource, path: str, body: dict[str, Any], now: float) -> Command:
    """A POST to `path` (with a colon's action), made at a Unix time."""
    url = f"{to.endpoint}/calling/{quote(path, safe='/:')}?api-version={VERSION}"
    raw = orjson.dumps(body)
    authorization, headers = signed(to.key, url, raw, now)
    return Command(url, raw, authorization, headers=headers)


def signed(key: bytes, url: str, raw: bytes, now: float) -> tuple[str, dict[str, str]]:
    """`Authorization` of a POST, and the headers that it covers besides the host."""
    parts = urlsplit(url)
    date, digest = formatdate(now, usegmt=True), b64encode(hashlib.sha256(raw).digest()).decode()
    text = f"POST\n{parts.path}?{parts.query}\n{date};{parts.netloc};{digest}"
    mac = b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    headers = {"x-ms-date": date, "x-ms-content-sha256": digest}
    return f"HMAC-SHA256 SignedHeaders={SIGNED}&Signature={mac}", headers
