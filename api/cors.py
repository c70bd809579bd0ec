"""Cross-origin rules (bearer paths for every origin and without cookies, all others for FRONTEND_URLS)."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

from aiohttp import web

from gateway.config import Settings

__all__ = ["allow", "is_preflight", "preflight"]

ANY_ORIGIN = "/v1/realtime"
"""Paths under it take a bearer, never a cookie, so a foreign page gains nothing that its user did not give it."""
_METHODS = "GET, POST, PATCH, DELETE, OPTIONS"
_EXPOSED = "Location, Retry-After, X-Session-Id, X-Session-Access"
_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1024}")


def is_preflight(request: web.Request) -> bool:
    return (
        request.method == "OPTIONS"
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )


def preflight(request: web.Request, settings: Settings) -> web.Response:
    """The answer to a preflight; without permission when the origin has none."""
    response = web.Response(status=204)
    if allow(request, response.headers, settings):
        asked = request.headers.get("Access-Control-Request-Headers", "")
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        # The vendors' packages send headers of their own, so a fixed list would break the next one.
        if _HEADER_NAMES.fullmatch(asked):
            response.headers["Access-Control-Allow-Headers"] = asked
        response.headers["Access-Control-Max-Age"] = "600"
    return response


def allow(request: web.Request, headers: MutableMapping[str, str], settings: Settings) -> bool:
    """Put the permission for the request's origin into `headers`; say whether it has one."""
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    if request.path == ANY_ORIGIN or request.path.startswith(f"{ANY_ORIGIN}/"):
        headers["Access-Control-Allow-Origin"] = "*"
    else:
        headers["Vary"] = "Origin"
        if origin not in {url.rstrip("/") for url in settings.frontend_urls}:
            return False
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Credentials"] = "true"
    headers["Access-Control-Expose-Headers"] = _EXPOSED
    return True
