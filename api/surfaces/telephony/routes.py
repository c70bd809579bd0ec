"""The routes of the telephone."""

from __future__ import annotations

from aiohttp import web

from api.deps import Deps
from api.surfaces.telephony.audiosocket import Listener
from api.surfaces.telephony.commands import Commands
from api.surfaces.telephony.counter import Counter
from api.surfaces.telephony.outbound import Outbound
from api.surfaces.telephony.streams import Streams
from api.surfaces.telephony.webhooks import Webhooks

__all__ = ["add_to"]


def add_to(app: web.Application, deps: Deps) -> None:
    """Raises ConfigError when a setting of the telephone cannot be meant."""
    counter, commands = Counter(deps), Commands()
    streams = Streams(counter)
    app.router.add_routes(
        [
            *Webhooks(counter, commands).routes(),
            *streams.routes(),
            *Outbound(counter, commands).routes(),
        ]
    )
    app.cleanup_ctx.append(commands.lifetime)
    app.cleanup_ctx.append(streams.departures.lifetime)
    app.cleanup_ctx.append(Listener(counter, streams.departures).lifetime)
