"""Who may see a session: whoever presents its access key, in the header `x-session-access` or else the cookie."""

from __future__ import annotations

from aiohttp import web

from api.deps import Deps
from api.errors import ApiError
from api.records import sessions
from gateway.config import Settings
from gateway.stores.schema import Session

__all__ = ["COOKIE", "found_session", "held_session", "presented_key", "set_cookie"]

COOKIE = "session_access"


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
    """The session of the path, for who holds its key. Raises ApiError 404, 401."""
    session = await found_session(request, deps)
    key = presented_key(request)
    if key is None or not deps.access.opens(key, session.access_hash):
        raise ApiError(401, "Send the session's access key as cookie or as X-Session-Access.")
    return session
