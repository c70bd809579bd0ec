"""User name and password of a handshake or a webhook (RFC 7617)."""

from __future__ import annotations

import binascii
import hmac

from gateway.wire import Unverified

__all__ = ["verify_basic"]


def verify_basic(authorization: str, *, username: str, password: str) -> None:
    """Checks `Authorization: Basic …`. Raises Unverified."""
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic" or not text:
        raise Unverified("no user name and password")
    if not password:
        raise Unverified("no password of ours to check it with")
    try:
        given = binascii.a2b_base64(text.strip(), strict_mode=True)
    except ValueError:
        raise Unverified("a user name and password that cannot be read") from None
    if not hmac.compare_digest(given, f"{username}:{password}".encode()):
        raise Unverified("another user name or password")
