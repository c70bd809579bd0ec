"""Ephemeral tokens: `ek_…`, signed and short-lived, for the calls of one session or of one stored configuration.

A token is a JWT (HS256, RFC 7515) without its header, which is always the same, and without dots, since it also
travels in a WebSocket subprotocol: base64url payload, then the 43 characters of the signature. Checking it needs
no database.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gateway.config import Settings

if TYPE_CHECKING:
    from api.signing import Signer

__all__ = [
    "LIFETIME_S",
    "PREFIX",
    "Grant",
    "SecretGrant",
    "SessionGrant",
    "TokenError",
    "TokenExpired",
    "TokenForged",
    "TokenMisused",
    "Tokens",
    "derived_key",
    "load_signing_key",
]

LIFETIME_S = 600
"""How long a token opens calls when nobody says."""
PREFIX = "ek_"
_LONGEST = 600
_SIGNATURE = 43
_LAST = frozenset("AEIMQUYcgkosw048")
"""How 32 bytes of base64url may end: any other letter would be a second spelling of the same signature."""
_SHAPE = re.compile(r"[A-Za-z0-9_-]+")


class TokenError(Exception):
    """The token opens nothing. Clients get one answer for all kinds; the log tells them apart by `kind`."""

    kind = "invalid"


class TokenForged(TokenError):
    """Not signed by us, or not a token at all."""

    kind = "forged"


class TokenExpired(TokenError):
    """Ours, and too old."""

    kind = "expired"


class TokenMisused(TokenError):
    """Ours, for another session than the one asked for."""

    kind = "other-session"


@dataclass(frozen=True, slots=True)
class SessionGrant:
    """What a token of `POST /api/realtime/credentials` allows: calls in one session, one at a time."""

    session_id: str
    tenant: str
    persona_id: str
    expires_at: int
    """Unix seconds."""
    tells_access: bool = False
    """Whether a call may be answered with the session's access key. Not when the token was minted for a session
    by someone who knew no more than its id."""


@dataclass(frozen=True, slots=True)
class SecretGrant:
    """What a client secret allows: any number of sessions, each a new one, that begin with one stored
    configuration (OpenAI API reference: "A secret can be used to create multiple sessions until it expires")."""

    configuration_id: str
    tenant: str
    expires_at: int
    """Unix seconds."""


Grant = SessionGrant | SecretGrant


class Tokens:
    """Mints and reads tokens. All processes with the same signing key read each other's."""

    def __init__(self, signing_key: bytes) -> None:
        self._key = derived_key(signing_key, "ephemeral-token")

    @cached_property
    def signer(self) -> Signer:
        """Imports a hundred modules the first time. A call without a token does without; `api.app.complete` has it done
        once calls are taken."""
        from api.signing import Signer

        return Signer(self._key)

    def mint(self, grant: Grant) -> str:
        """A token that grants this until `grant.expires_at`."""
        claims: dict[str, object] = {"ten": grant.tenant}
        match grant:
            case SessionGrant(session_id, _, persona_id, _, tells_access):
                claims |= {"sid": session_id, "per": persona_id, "acc": tells_access}
            case SecretGrant(configuration_id):
                claims |= {"cfg": configuration_id}
        claims |= {"exp": grant.expires_at, "jti": secrets.token_urlsafe(6)}
        payload, signature = self.signer.sign(claims)
        return f"{PREFIX}{payload}{signature}"

    def read(self, token: str, *, now: float, session_id: str | None = None) -> Grant:
        """What the token grants. Raises TokenForged, TokenExpired, or, when `session_id` is given and is not the
        token's, TokenMisused."""
        body = token.removeprefix(PREFIX)
        if body == token or len(token) >= _LONGEST or len(body) <= _SIGNATURE or not _SHAPE.fullmatch(body):
            raise TokenForged("not a token")
        payload, signature = body[:-_SIGNATURE], body[-_SIGNATURE:]
        if signature[-1] not in _LAST:
            raise TokenForged("not a token")
        try:
            grant = _granted(self.signer.read(payload, signature))
        except (ValueError, KeyError, TypeError):
            raise TokenForged("not signed by this server") from None
        if now >= grant.expires_at:
            raise TokenExpired("the token has expired")
        if session_id is not None and not (
            isinstance(grant, SessionGrant) and session_id == grant.session_id
        ):
            raise TokenMisused("the token is for another session")
        return grant


def _granted(claims: Mapping[str, Any]) -> Grant:
    """Raises KeyError, ValueError or TypeError for claims that are none of a token's."""
    tenant, expires_at = str(claims["ten"]), int(claims["exp"])
    if "cfg" in claims:
        return SecretGrant(str(claims["cfg"]), tenant, expires_at)
    return SessionGrant(str(claims["sid"]), tenant, str(claims["per"]), expires_at, bool(claims["acc"]))


def derived_key(signing_key: bytes, purpose: str) -> bytes:
    """A key of its own per purpose, so that what is made for one proves nothing for another."""
    return hmac.digest(signing_key, purpose.encode(), hashlib.sha256)


def load_signing_key(settings: Settings) -> bytes:
    """`PARLEY_SIGNING_KEY`, else the file `signing.key` in the data folder, made with mode 0600 when it is missing.
    Reads and writes files: not for the event loop. Raises OSError."""
    if settings.signing_key is not None:
        return settings.signing_key.get_secret_value().encode()
    path = settings.data_dir / "signing.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written aside and linked: of two processes that start at once both read the same whole key.
    draft = path.with_name(f".signing.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_urlsafe(48).encode())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path.read_bytes()
