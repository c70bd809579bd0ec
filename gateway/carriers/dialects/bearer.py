"""JSON web tokens with which carriers sign handshakes and webhooks (RFC 7519), checked against keys we are given."""

from __future__ import annotations

from typing import Any, Literal

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey

from gateway.wire import Unverified

__all__ = ["claims_of", "in_force"]


def claims_of(
    authorization: str, key: OctKey | KeySet, algorithm: Literal["HS256", "RS256"]
) -> dict[str, Any]:
    """The claims of `Authorization: Bearer …`, once the signature is proved. Says nothing of their meaning.
    Raises Unverified."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unverified("no bearer token")
    try:
        return dict(jwt.decode(token.strip(), key, algorithms=[algorithm]).claims)
    except Exception:  # noqa: BLE001  # a forged token makes the library fail in every way: TypeError, RecursionError …
        raise Unverified("not signed by the carrier") from None


def in_force(claims: dict[str, Any], now: float, skew_s: float) -> None:
    """Raises Unverified unless `now` (Unix time) lies between `nbf` and `exp`, as far as they are there."""
    begins, expires = claims.get("nbf", now), claims.get("exp", now)
    if not isinstance(expires, int | float) or not now <= expires + skew_s:
        raise Unverified("expired")
    if not isinstance(begins, int | float) or not begins - skew_s <= now:
        raise Unverified("not in force yet")
