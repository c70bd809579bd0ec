"""How Telnyx proves its webhooks and its handshakes (reference/telephony.md, section 2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from gateway.carriers.dialects.ed25519 import verify_ed25519
from gateway.carriers.dialects.proof import header, require, same
from gateway.wire import Unverified

__all__ = ["AUTH_TOKEN", "proof", "verify_socket", "verify_webhook"]

TOLERANCE_S = 300
SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"
AUTH_TOKEN = "x-telnyx-streaming-auth-token"


def verify_webhook(
    url: str, headers: Mapping[str, str], body: bytes = b"", *, public_key: str, now: float
) -> None:
    """Checks a webhook's Ed25519 signature over time and raw body; `public_key` is the portal's, base64, `now` a Unix
    time. The URL is not signed: events are told apart by their ids, and one of them may be sent again for five
    minutes. Raises Unverified."""
    timestamp = header(headers, TIMESTAMP)
    verify_ed25519(header(headers, SIGNATURE), f"{timestamp}|".encode() + body, public_key=public_key)
    # Checked after the signature, which covers it: only Telnyx's own clock is compared with ours.
    if not timestamp.isdecimal() or not abs(now - int(timestamp)) <= TOLERANCE_S:
        raise Unverified("signed too long ago, or in the future")


def proof(headers: Mapping[str, str], body: bytes) -> str:
    """What is signed of a webhook that was checked. Not the signature: base64 writes one in sixteen ways."""
    return f"{header(headers, TIMESTAMP)}|{hashlib.sha256(body).hexdigest()}"


def verify_socket(url: str, headers: Mapping[str, str], *, secret: str) -> None:
    """Checks the handshake of a stream; `secret` is the `auth_token` it was begun with. Raises Unverified."""
    require(secret)
    if not same(header(headers, AUTH_TOKEN), secret):
        raise Unverified("without the token we gave")
