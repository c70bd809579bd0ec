"""The access key that a client presents: header `x-session-access`, else the cookie."""

from __future__ import annotations

from aiohttp import web

from gateway.config import Settings

__all__ = ["COOKIE", "presented_key", "set_cookie"]

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
