"""What tells of the API itself: its contract, a page to try it from, and what is running (getOpenApiDocument,
getApiDocsUi, redirectApiDocs, getBuildInfo, getCsrfToken)."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from api.deps import Deps
from api.late import complete
from api.surfaces.core.access import COOKIE
from api.surfaces.core.examples import with_examples

__all__ = ["CONTRACT", "routes", "served"]

CONTRACT = Path(__file__).resolve().parents[2] / "contracts" / "tellgence.openapi.json"
DOC = "/api/doc"
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley API</title>
<link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/static/vendor/swagger-ui/swagger-ui.css">
<link rel="stylesheet" href="/static/doc.css">
<div id="doc"></div>
<noscript>
This page needs JavaScript. The document itself is at <a href="/api/openapi.json">/api/openapi.json</a>.
</noscript>
<script src="/static/vendor/swagger-ui/swagger-ui-bundle.js"></script>
<script src="/static/doc.js"></script>
</html>
"""
_PAGE_HEADERS = {
    # Swagger UI writes style attributes and draws its arrows from data URLs; scripts are ours alone.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}
_NAME = re.compile(r"\{[^}]*\}")


def routes(deps: Deps) -> list[web.RouteDef]:
    """Public, all of them."""
    started = (
        datetime.fromtimestamp(deps.started_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )

    async def document(request: web.Request) -> web.Response:
        await complete(request.app)
        paths = frozenset(
            (route.method, route.resource.canonical)
            for route in request.app.router.routes()
            if route.resource is not None
        )
        body = await asyncio.to_thread(served, paths, deps.version)
        response = web.Response(body=body, content_type="application/json")
        response.enable_compression()
        return response

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html", headers=_PAGE_HEADERS)

    async def elsewhere(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": DOC})

    async def build(_request: web.Request) -> web.Response:
        settings = deps.settings
        return web.json_response(
            {
                "buildId": settings.build_id or deps.version,
                "deploymentTime": started,
                "version": deps.version,
            }
        )

    async def csrf(request: web.Request) -> web.Response:
        return web.json_response({"csrfToken": deps.access.csrf_of(request.cookies.get(COOKIE, ""))})

    return [
        web.get("/api/openapi.json", document),
        web.get(DOC, page),
        web.get("/api/docs", elsewhere),
        web.get("/api/docs/ui", elsewhere),
        web.get("/api/build-info", build),
        web.get("/api/csrf", csrf),
    ]


@cache
def served(routes: frozenset[tuple[str, str]], version: str) -> bytes:
    """The contract as JSON, with those of its operations that `routes` (method, path) has, and examples that work: what
    a client reads there it can call here."""
    known = {(method.lower(), _shape(path)) for method, path in routes}
    contract: dict[str, Any] = orjson.loads(CONTRACT.read_bytes())
    paths = {
        path: kept
        for path, operations in contract["paths"].items()
        if (
            kept := {
                method: with_examples(operation)
                for method, operation in operations.items()
                if (method, _shape(path)) in known
            }
        )
    }
    tags = {
        tag for operations in paths.values() for one in operations.values() for tag in one.get("tags", ())
    }
    document = {
        **contract,
        "info": {
            "title": "Parley API",
            "version": version,
            "description": "Personas, credentials, sessions and tools of a realtime voice agent gateway.",
        },
        "servers": [{"url": "/"}],
        "tags": [tag for tag in contract.get("tags", ()) if tag["name"] in tags],
        "paths": paths,
    }
    return orjson.dumps(document)


def _shape(path: str) -> str:
    """A path whatever its parameters are called."""
    return _NAME.sub("{}", path)
