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

__all__ = ["add_to", "routes"]


class _Telephone:
    def __init__(self, deps: Deps) -> None:
        self.counter = counter = Counter(deps)
        self.dialler = dialler = Dialler(counter)
        counter.exchange = lambda ticket: CallExchange(counter, dialler, ticket)
        self.streams = Streams(counter)

    def routes(self) -> list[web.RouteDef]:
        return [
            *OpenAiSip(self.counter, self.streams.departures).routes(),
            *Webhooks(self.counter).routes(),
            *self.streams.routes(),
            *Outbound(self.counter, self.dialler).routes(),
        ]


def add_to(app: web.Application, deps: Deps) -> None:
    """Raises ConfigError when a setting of the telephone cannot be meant."""
    telephone = _Telephone(deps)
    app.router.add_routes(telephone.routes())
    app.cleanup_ctx.append(telephone.counter.control.lifetime)
    # After the one before, so that it ends first: it hangs up what rings.
    app.cleanup_ctx.append(telephone.dialler.lifetime)
    app.cleanup_ctx.append(telephone.streams.departures.lifetime)
    app.cleanup_ctx.append(Listener(telephone.counter, telephone.streams.departures).lifetime)


def routes(deps: Deps) -> list[web.RouteDef]:
    """Of a telephone of which nothing is set up: they say so, and no call comes or goes by them."""
    return _Telephone(deps).routes()
