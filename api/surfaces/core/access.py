"""Who may see and change a session: whoever presents its access key, in the header `x-session-access` or else the
cookie; and a server of its tenant, by its key: nobody holds the access key of a phone call.

A browser sends the cookie with requests of any page, so a change that only the cookie allows needs the token of
`GET /api/csrf` too."""

from __future__ import annotations

import hmac

from aiohttp import web

from api import auth
from api.deps import Deps
from api.errors import ApiError
from api.records import recordings, sessions
from gateway.config import Settings
from gateway.stores.schema import Session

__all__ = [
    "COOKIE",
    "NO_TOKEN",
    "found_session",
    "held_session",
    "presented_key",
    "served_session",
    "set_cookie",
    "without_token",
]

COOKIE = "session_access"
CALL = "rtc_"
CSRF = "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 section 9.2.1)."""
NO_TOKEN = f"With the cookie alone a change needs the token of GET /api/csrf, as {CSRF}."


def presented_key(request: web.Request) -> str | None:
    return request.headers.get("X-Session-Access") or request.cookies.get(COOKIE)


def set_cookie(response: web.Response, key: str, lifetime_s: int, settings: Settings) -> None:
    """HttpOnly, so that scripts cannot take it away; Secure when the world comes over https."""
    response.set_cookie(
        COOKIE,
        key,
        max_age=lifetime_s,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=(settings.public_url or "").startswith("https://"),
    )


async def found_session(request: web.Request, deps: Deps) -> Session:
    """The session of the path. Raises ApiError 404."""
    session = await sessions.find(deps.database, request.match_info["id"], deps.clock())
    if session is None:
        raise ApiError(404, "There is no such session, or it has expired.")
    return session


async def held_session(request: web.Request, deps: Deps) -> Session:
    """The session of the path, for who holds its key or a server key of its tenant. With a server key the path may
    name a call (`rtc_…`) in the session's place. Raises ApiError 404, 401."""
    session = await served_session(request, deps)
    if session is not None and session.expires_at > deps.clock():
        return session
    session = await found_session(request, deps)
    key = presented_key(request)
    if key is None or not deps.access.opens(key, session.access_hash):
        how = "Send the session's access key as cookie or as X-Session-Access, or a server key as bearer."
        raise ApiError(401, how)
    if without_token(request, deps, key):
        raise ApiError(403, NO_TOKEN, code="csrf_token_required")
    return session


def without_token(request: web.Request, deps: Deps, key: str) -> bool:
    """Whether this is a change for which nothing speaks but the cookie with that key: a browser sends it with what any
    page asks for."""
    if request.method in SAFE or "X-Session-Access" in request.headers:
        return False
    told = request.headers.get(CSRF, "").encode("utf-8", "replace")
    return not hmac.compare_digest(told, deps.access.csrf_of(key).encode())


async def served_session(request: web.Request, deps: Deps) -> Session | None:
    """The session of the path, or of the call that it names, when a server key of its tenant comes along; also when
    it has expired."""
    key = auth.bearer(request)
    tenant = None if key is None else auth.tenant_of_key(key, deps.settings)
    if tenant is None:
        return None
    name = request.match_info["id"]
    session = await sessions.of_call(deps.database, tenant, name) if name.startswith(CALL) else None
    session = session or await recordings.session_of(deps.database, name)
    return session if session is not None and session.tenant == tenant else None
