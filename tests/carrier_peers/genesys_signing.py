"""How Genesys signs the handshake of AudioHook (reference 7; HTTP message signatures)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.carrier_peers.ids import new_uuid

__all__ = ["Hook", "signed_headers"]

COVERED = (
    "@request-target",
    "@authority",
    "audiohook-organization-id",
    "audiohook-session-id",
    "audiohook-correlation-id",
    "x-api-key",
)
LIFETIME_S = 10


@dataclass(frozen=True, slots=True)
class Hook:
    """One session of one organization's."""

    api_key: str = "demo-api-key"
    secret: str | None = None
    """Base64; without one only the API key is sent."""
    organization: str = field(default_factory=new_uuid)
    session: str = field(default_factory=new_uuid)
    correlation: str = field(default_factory=new_uuid)


def signed_headers(
    hook: Hook, url: str, created: int | None = None, nonce: str | None = None
) -> Mapping[str, str]:
    """The headers of a handshake at `url`, made at a Unix time (now)."""
    headers = {
        "Audiohook-Organization-Id": hook.organization,
        "Audiohook-Session-Id": hook.session,
        "Audiohook-Correlation-Id": hook.correlation,
        "X-API-KEY": hook.api_key,
    }
    if hook.secret is None:
        return headers
    parts, at = urlsplit(url), round(time.time()) if created is None else created
    target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    values = {"@request-target": target, "@authority": parts.netloc}
    values |= {name.lower(): value for name, value in headers.items()}
    inner = " ".join(f'"{name}"' for name in COVERED)
    params = (
        f'({inner});keyid="{hook.api_key}";nonce="{nonce or secrets.token_urlsafe(18)}"'
        f';alg="hmac-sha256";created={at};expires={at + LIFETIME_S}'
    )
    lines = [f'"{name}": {values[name]}' for name in COVERED]
    base = "\n".join([*lines, f'"@signature-params": {params}'])
    mac = hmac.new(b64decode(hook.secret), base.encode(), hashlib.sha256).digest()
    return {
        **headers,
        "Signature-Input": f"sig1={params}",
        "Signature": f"sig1=:{b64encode(mac).decode()}:",
    }
