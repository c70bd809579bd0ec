"""Who asks: a server key, or a token; in the `Authorization` header, or in a browser's subprotocol."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from aiohttp import web

from api import auth
from api.deps import Deps
from api.errors import ApiError
from api.tokens import PREFIX, SecretGrant, SessionGrant, TokenError
from gateway.stores.schema import DEFAULT_TENANT

__all__ = [
    "KEY_PROTOCOL",
    "STALE",
    "Caller",
    "Server",
    "identify",
    "offered_protocols",
    "server_only",
    "unauthorized",
]

logger = logging.getLogger(__name__)

KEY_PROTOCOL = "openai-insecure-api-key."
"""What a browser puts before its key to send it as a subprotocol: it can set no header (openai npm, realtime)."""
STALE = "The token is not valid, or not any more; ask for a new one."


@dataclass(frozen=True, slots=True)
class Server:
    """A server of this tenant, by its key. It may do everything that the tenant may."""

    tenant: str


Caller = Server | SessionGrant | SecretGrant


def identify(request: web.Request, deps: Deps, *, subprotocol: bool = False) -> Caller:
    """Who sent it; with `subprotocol` the key may stand there too, and the header wins.

    Without server keys in the settings, whatever runs on this machine counts as a server of the default tenant.
    Raises ApiError 401.
    """
    credential = auth.bearer(request) or (_key_protocol(request) if subprotocol else None)
    if credential is not None and credential.startswith(PREFIX):
        try:
            return deps.tokens.read(
                credential, now=deps.clock(), session_id=request.headers.get("X-Session-Id")
            )
        except TokenError as error:
            logger.warning("refused: token %s", error.kind)
            raise unauthorized(STALE) from None
    if not deps.settings.server_keys and auth.from_this_machine(request, deps.settings):
        return Server(DEFAULT_TENANT)
    if credential is None:
        raise unauthorized("Send a token (ek_…) or a server key as Authorization: Bearer.")
    tenant = auth.tenant_of_key(credential, deps.settings)
    if tenant is None:
        raise unauthorized("The key is not valid.")
    return Server(tenant)


def server_only(caller: Caller, what: str) -> Server:
    """Raises ApiError 403 when a token asks for what needs a server key."""
    if not isinstance(caller, Server):
        raise ApiError(
            403, f"{what} needs a server key; a token opens calls only.", code="server_key_needed"
        )
    return caller


def offered_protocols(request: web.Request) -> list[str]:
    """The WebSocket subprotocols that the client offers, in its order (RFC 6455 section 4.1, point 10)."""
    return [
        part.strip()
        for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        if part.strip()
    ]


def unauthorized(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})


def _key_protocol(request: web.Request) -> str | None:
    for protocol in offered_protocols(request):
        if protocol.startswith(KEY_PROTOCOL):
            return protocol.removeprefix(KEY_PROTOCOL) or None
    return None
