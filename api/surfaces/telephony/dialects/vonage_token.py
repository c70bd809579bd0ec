"""What opens Vonage's API: a short-lived JWT, signed with the application's key (reference/telephony.md, 3.3)."""

from __future__ import annotations

import secrets
from functools import lru_cache

from joserfc import jwt
from joserfc.jwk import RSAKey

__all__ = ["LASTING_S", "api_token"]

LASTING_S = 60
"""Each is for one command."""


def api_token(application: str, key: str, now: float) -> str:
    """A bearer for the API; `key` is the PEM, `now` a Unix time. Raises ValueError for a key that is none."""
    claims = {
        "application_id": application,
        "iat": int(now),
        "exp": int(now) + LASTING_S,
        "jti": secrets.token_hex(16),
    }
    return jwt.encode({"alg": "RS256"}, claims, _key(key))


@lru_cache(maxsize=4)
def _key(key: str) -> RSAKey:
    return RSAKey.import_key(key)
