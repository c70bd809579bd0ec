"""The routes of the telephone."""

from __future__ import annotations

from aiohttp import web

from api.deps import Deps
from api.surfaces.telephony.counter import Counter
from api.surfaces.telephony.exchange import CallExchange
from api.surfaces.telephony.openai.webhook import OpenAiSip
from api.surfaces.telephony.outbound.dialler import Dialler
from api.surfaces.telephony.outbound.orders import Outbound
from api.surfaces.telephony.sockets.audiosocket import Listener
from api.surfaces.telephony.sockets.streams import Streams
from api.surfaces.telephony.webhooks import Webhooks

__all__ = ["add_to"]


def add_to(app: web.Application, deps: Deps) -> None:
    """Raises ConfigError when a setting of the telephone cannot be meant."""
    counter = Counter(deps)
    dialler = Dialler(counter)
    counter.exchange = lambda ticket: CallExchange(counter, dialler, ticket)
    streams = Streams(counter)
    app.router.add_routes(
        [
            *OpenAiSip(counter, streams.departures).routes(),
            *Webhooks(counter).routes(),
            *streams.routes(),
            *Outbound(counter, dialler).routes(),
        ]
    )
    app.cleanup_ctx.append(counter.control.lifetime)
    # After the one before, so that it ends first: it hangs up what rings.
    app.cleanup_ctx.append(dialler.lifetime)
    app.cleanup_ctx.append(streams.departures.lifetime)
    app.cleanup_ctx.append(Listener(counter, streams.departures).lifetime)
