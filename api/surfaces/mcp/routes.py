"""`/mcp`: who may ask for tools over MCP, from where, how often and how much."""

from __future__ import annotations

import uuid

from aiohttp import web

from api import auth, body
from api.deps import Deps
from api.errors import ApiError
from api.limits import TOOL_RUNS, Rate
from api.surfaces.mcp.bridge import answered
from api.surfaces.mcp.offer import Flights, Offer
from gateway.crew import crew, stay

__all__ = ["routes"]

RATE = Rate("mcp", per_minute=600, burst=600)


SESSION = "Mcp-Session-Id"
"""Given to clients of the older protocol, which take a request back by another one. Nothing is kept under it but what
they wait for; it tells the worker that knows."""


def routes(deps: Deps) -> list[web.RouteDef]:
    flights = Flights()

    async def asked(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, RATE, deps.settings)  # guesses count too
        if auth.foreign_origin(request, deps.settings):
            raise ApiError(403, "Pages of other origins do not get tools; FRONTEND_URLS says which may.")
        tenant = auth.operator_tenant(request, deps.settings)
        # One message, as the protocol has it: an object.
        message = await body.json_object(request)
        if message.get("method") == "tools/call":
            await auth.spend(request, deps.limiter, TOOL_RUNS, deps.settings)
        session = request.headers.get(SESSION, "")
        if session:
            stay(crew().home(session))
        if message.get("method") == "notifications/cancelled":
            taken_back = message.get("params")
            if isinstance(taken_back, dict) and isinstance(name := taken_back.get("requestId"), (str, int)):
                flights.take_back((tenant, session, name))
        server = Offer(deps, tenant, flights, session).server()
        response = await answered(request, request[body.READ], server)
        if message.get("method") == "initialize" and response.status == 200:
            response.headers[SESSION] = crew().mark(uuid.uuid4().hex)
        return response

    # No stream of messages by GET, and no session to DELETE: a 405 says so, as the protocol has it.
    return [web.post("/mcp", asked)]
