"""The routes of the realtime front."""

from __future__ import annotations

from aiohttp import web

from api.deps import Deps
from api.surfaces.realtime import calls, client_secrets
from api.surfaces.realtime.sockets import Sockets

__all__ = ["add_to"]


def add_to(app: web.Application, deps: Deps) -> None:
    sockets = Sockets(deps)
    app.router.add_routes([*calls.routes(deps), *client_secrets.routes(deps), *sockets.routes()])
    app.on_shutdown.append(sockets.shut)
