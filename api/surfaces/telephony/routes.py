"""The routes of the telephone."""

from __future__ import annotations

from aiohttp import web

from api.deps import Deps
from api.surfaces.telephony.counter import Counter
from api.surfaces.telephony.streams import Streams
from api.surfaces.telephony.webhooks import Webhooks

__all__ = ["routes"]


def routes(deps: Deps) -> list[web.RouteDef]:
    """Raises ConfigError when a setting of the telephone cannot be meant."""
    counter = Counter(deps)
    return [*Webhooks(counter).routes(), *Streams(counter).routes()]
