"""The HTTP application: every surface's routes, one place where errors become answers, and the headers of all."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from importlib import import_module

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from sqlalchemy.exc import SQLAlchemyError

from api import cors, handover
from api.deps import Deps
from api.errors import ApiError, Envelope, Fault, fault_of
from api.late import LATE, Late, LateRoutes
from api.surfaces.core.envelope import envelope as core_envelope
from api.surfaces.mcp.envelope import envelope as mcp_envelope
from api.surfaces.metrics.routes import routes as metrics_routes
from api.surfaces.realtime import routes as realtime
from api.surfaces.realtime.envelope import envelope as realtime_envelope
from api.surfaces.web.page import routes as web_routes
from gateway.config import TELEPHONE, Settings
from gateway.crew import Elsewhere
from gateway.log import where
from gateway.tracing.spans import traceparent

__all__ = ["IDLE_S", "create_app", "import_surfaces", "make_runner"]

logger = logging.getLogger(__name__)

ENVELOPES: tuple[tuple[str, Envelope], ...] = (
    ("/v1/realtime", realtime_envelope),
    ("/mcp", mcp_envelope),
    ("/", core_envelope),
)
"""Path prefix → how errors look there; the first that fits."""

IDLE_S = 75.0
"""How long a connection may be without a request, or within the head of one. Proxies let theirs wait 60 s and less, and
are to be the ones who close."""

TELEPHONE_ROUTES = "api.surfaces.telephony.routes"
MCP_ROUTES = "api.surfaces.mcp.routes"

_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def import_surfaces(settings: Settings) -> None:
    """What `create_app` imports where the settings ask for it. Reads the disk, for seconds perhaps: for a thread."""
    if _telephone(settings):
        import_module(TELEPHONE_ROUTES)
    if settings.mcp:
        import_module(MCP_ROUTES)


def _telephone(settings: Settings) -> bool:
    return not settings.model_fields_set.isdisjoint(TELEPHONE)


def create_app(deps: Deps) -> web.Application:
    """The application. It owns nothing: `deps` must outlive it. After `import_surfaces`."""
    app = web.Application(middlewares=[_middleware(deps)])
    app.router.add_routes([*web_routes(deps), *metrics_routes(deps)])
    realtime.add_to(app, deps)
    late = [LateRoutes("api.surfaces.core.routes", deps)]
    if _telephone(deps.settings):
        # Calls come by it, and its settings may be wrong: before anybody calls.
        import_module(TELEPHONE_ROUTES).add_to(app, deps)
    else:
        late.append(LateRoutes(TELEPHONE_ROUTES, deps))
    for routes in late:
        app.router.register_resource(routes)
    app[LATE] = Late([partial(asyncio.to_thread, lambda: deps.tokens.signer), *(one.ready for one in late)])
    if deps.settings.mcp:
        # It takes seconds to import, so only where it is wanted, and before anybody calls.
        app.router.add_routes(import_module(MCP_ROUTES).routes(deps))
    return app


def make_runner(app: web.Application) -> web.AppRunner:
    """How the application is served, in production and in tests: a handler whose client has gone is cancelled."""
    wire = logging.getLogger(f"{__name__}.wire")
    wire.addFilter(_without_content)
    return web.AppRunner(
        app,
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=5.0,
        keepalive_timeout=IDLE_S,
        logger=wire,
    )


def _without_content(record: logging.LogRecord) -> bool:
    """aiohttp logs a request that is no HTTP with a traceback that quotes it, keys and all: keep the kind only."""
    if record.exc_info and record.exc_info[0] is not None:
        record.msg, record.args = "request refused: %s", (record.exc_info[0].__name__,)
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def _middleware(deps: Deps) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if cors.is_preflight(request):
            return cors.preflight(request, deps.settings)
        # A connection's requests share a context: without one, a request must not have that of the one before.
        traceparent.set(request.headers.get("traceparent", ""))
        handover.arrived(request, deps)
        response = await _answer(request, handler, deps)
        if response.status >= 400:
            deps.counts.add("parley_requests_refused", 1, str(response.status))
        if not response.prepared:
            cors.allow(request, response.headers, deps.settings)
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            if not response.headers.get("Cache-Control"):
                response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


async def _answer(request: web.Request, handler: Handler, deps: Deps) -> web.StreamResponse:
    try:
        try:
            return await handler(request)
        except Elsewhere as elsewhere:
            return await handover.give(request, elsewhere.home, deps)
    except ApiError as error:
        fault = error.fault
    except web.HTTPException as error:
        if error.status < 400:
            raise
        fault = fault_of(error)
    except SQLAlchemyError as error:
        logger.warning("%s %s: database: %s", request.method, _route(request), type(error).__name__)
        message = "The database does not answer; try again."
        fault = Fault(503, "service_unavailable", message, None, {"Retry-After": "5"})
    except Exception as error:  # noqa: BLE001 - our bug: an honest 500 for the client, its place for the log
        logger.error("%s %s failed: %s", request.method, _route(request), where(error))
        fault = Fault(500, "internal_error", "Something went wrong on our side.")
    envelope = next(made for prefix, made in ENVELOPES if _under(request.path, prefix))
    response = envelope(fault)
    response.headers.update(fault.headers)
    return response


def _under(path: str, prefix: str) -> bool:
    return prefix == "/" or path == prefix or path.startswith(f"{prefix}/")


def _route(request: web.Request) -> str:
    """The route's pattern: paths themselves hold ids."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(no route)"
