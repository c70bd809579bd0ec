"""`/`, `/console/approvals` and `/static/…`: pages for browsers, and what they load (core API: getApiRoot)."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from aiohttp import web

from api.deps import Deps

__all__ = ["routes"]

PAGES = Path(__file__).resolve().parents[2] / "web"
_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
_LONGEST = 200
"""Characters of a file's path; file systems refuse names a little longer than this."""
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wav": "audio/wav",
    ".txt": "text/plain",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "media-src 'self' blob: mediastream:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}
"""`no-cache` means: ask again, by the ETag."""


def routes(deps: Deps) -> list[web.RouteDef]:
    async def root(request: web.Request) -> web.StreamResponse:
        if "text/html" in request.headers.get("Accept", ""):
            page = await _file("index.html")
            if page is not None:
                page.headers["Vary"] = "Accept"
                return page
        links = {
            "health": "/api/health/live",
            "readiness": "/api/health/ready",
            "docs": "/api/doc",
            "openapi": "/api/openapi.json",
            "personas": "/api/personas",
            "voices": "/api/voices",
            "credentials": "/api/realtime/credentials",
            "sessions": "/api/sessions",
            "calls": "/v1/realtime/calls",
        }
        body = {"name": "Parley", "version": deps.version, "links": links}
        return web.json_response(body, headers={"Vary": "Accept"})

    async def static(request: web.Request) -> web.StreamResponse:
        found = await _file(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        return found

    async def approvals(_request: web.Request) -> web.StreamResponse:
        page = await _file("console/approvals.html")
        if page is None:
            raise web.HTTPNotFound
        return page

    return [
        web.get("/", root),
        web.get("/static/{name:.+}", static),
        web.get("/console/approvals", approvals),
    ]


async def _file(name: str) -> web.FileResponse | None:
    """A file of the page, with its ETag; None for anything else, whatever the name tries."""
    path = PAGES / name
    kind = _TYPES.get(path.suffix)
    if kind is None or len(name) > _LONGEST or not _NAME.fullmatch(name):
        return None
    try:
        found = await asyncio.to_thread(path.is_file)
    except OSError:
        # A path that the file system will not even look up names none of our files.
        return None
    if not found:
        return None
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    return web.FileResponse(path, headers={"Content-Type": kind + charset, **_HEADERS})
