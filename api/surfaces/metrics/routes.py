"""`/metrics`: how this process is, in the words of Prometheus (its exposition formats, text 0.0.4 and OpenMetrics)."""

from __future__ import annotations

import asyncio

from aiohttp import web

from api import auth
from api.deps import Deps
from api.errors import ApiError
from api.surfaces.metrics.figures import figures
from gateway.metrics.process import process_figures
from gateway.metrics.snapshot import Snapshot, merged

__all__ = ["SNAPSHOT", "exposition", "routes", "taken"]

SNAPSHOT = "application/vnd.parley.snapshot+json"
"""What is accepted to be told the figures as `Snapshot.to_json`, to be merged with those of other processes."""


def routes(deps: Deps) -> list[web.RouteDef]:
    async def scrape(request: web.Request) -> web.Response:
        _check(request, deps)
        accept = request.headers.get("Accept", "")
        snapshot = await taken(deps)
        if deps.others is not None and accept != SNAPSHOT:
            snapshot = merged((snapshot, *await deps.others()))
        if accept == SNAPSHOT:
            return web.json_response(snapshot.to_json(), content_type=SNAPSHOT)
        body, content_type = exposition(snapshot, accept)
        return web.Response(body=body, headers={"Content-Type": content_type})

    return [web.get("/metrics", scrape)]


async def taken(deps: Deps) -> Snapshot:
    """Every figure of this process, as it is now."""
    return merged((figures(deps), await asyncio.to_thread(process_figures)))


def exposition(snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
    """The body and the content type of `/metrics`, in the format that a request's `Accept` asks for."""
    # Only a scraper needs these: starting does not wait for them.
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    from api.surfaces.metrics.families import Told

    registry = CollectorRegistry()
    registry.register(Told(snapshot))
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # it cannot compare every version that somebody may write
        encode, content_type = choose_encoder("")
    return encode(registry), content_type


def _check(request: web.Request, deps: Deps) -> None:
    """Figures are of the whole process and so no tenant's: a server key does not open them. Raises ApiError 401."""
    token = deps.settings.metrics_token
    if token is None:
        if auth.from_this_machine(request, deps.settings):
            return
        told = "Set PARLEY_METRICS_TOKEN, and send it as Authorization: Bearer."
    else:
        presented = auth.bearer(request)
        if presented is not None and auth.is_one_of(presented, (token,)):
            return
        told = "Send PARLEY_METRICS_TOKEN as Authorization: Bearer."
    raise ApiError(401, told, headers={"WWW-Authenticate": "Bearer"})
