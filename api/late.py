"""Routes that are imported once calls are taken, or when the first request for one of them comes.

A start is mostly imports, and no call waits for what only people and servers ask for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from importlib import import_module
from typing import NoReturn

from aiohttp import web
from aiohttp.web_urldispatcher import AbstractResource, AbstractRoute, UrlDispatcher, UrlMappingMatchInfo

from api.deps import Deps

__all__ = ["LATE", "Late", "LateRoutes", "complete"]

Routes = Callable[[Deps], Iterable[web.AbstractRouteDef]]


class Late(list[Callable[[], Awaitable[object]]]):
    """What imports or makes that which no call waits for."""


LATE = web.AppKey("LATE", Late)


async def complete(app: web.Application) -> None:
    """Import and make it all now, so that no request has to wait for it."""
    for made in app[LATE]:
        await made()


class LateRoutes(AbstractResource):
    """The routes that `routes` of a module gives, found after all others: the module is asked only for paths that are
    nobody else's."""

    def __init__(self, module: str, deps: Deps) -> None:
        super().__init__()
        self._module = module
        self._deps = deps
        self._router: UrlDispatcher | None = None
        self._once = asyncio.Lock()

    async def ready(self) -> UrlDispatcher:
        """Import them now, unless that was done. The loop runs on: a thread imports."""
        async with self._once:
            if self._router is None:
                routes: Routes = (await asyncio.to_thread(import_module, self._module)).routes
                router = UrlDispatcher()
                router.add_routes(routes(self._deps))
                self._router = router
            return self._router

    async def resolve(self, request: web.Request) -> tuple[UrlMappingMatchInfo | None, set[str]]:
        found = await (self._router or await self.ready()).resolve(request)
        refused = found.http_exception
        if refused is None:
            return found, set()
        return None, refused.allowed_methods if isinstance(refused, web.HTTPMethodNotAllowed) else set()

    def __iter__(self) -> Iterator[AbstractRoute]:
        """None before they are imported: `complete`."""
        return iter(()) if self._router is None else iter(self._router.routes())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def canonical(self) -> str:
        return "/"

    def raw_match(self, path: str) -> bool:
        return False

    # What only a resource with one path of its own can tell; the router asks it of none that it finds by `resolve`.

    def get_info(self) -> NoReturn:
        raise NotImplementedError

    def url_for(self, **kwargs: str) -> NoReturn:
        raise NotImplementedError

    def add_prefix(self, prefix: str) -> NoReturn:
        raise NotImplementedError
