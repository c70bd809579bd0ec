"""What a session cost (getSessionCost). The answer is a closed object."""

from __future__ import annotations

from aiohttp import web

from api import auth
from api.deps import Deps
from api.limits import Rate
from api.records import costs
from api.surfaces.core.access import held_session

__all__ = ["routes", "token_usage"]

READ = Rate("session-costs", per_minute=600, burst=600)


def routes(deps: Deps) -> list[web.RouteDef]:
    async def read(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, READ, deps.settings)
        session = await held_session(request, deps)
        spent = await costs.load(deps.database, session)
        view: dict[str, object] = {"sessionId": session.id, "tokenUsage": token_usage(spent)}
        if spent.usd is not None:
            view["estimatedCostUsd"] = round(spent.usd, 6)
        return web.json_response(view)

    return [web.get("/api/sessions/{id}/cost", read)]


def token_usage(spent: costs.Spent) -> dict[str, int]:
    return {
        "inputTokens": spent.input_tokens,
        "outputTokens": spent.output_tokens,
        "totalTokens": spent.input_tokens + spent.output_tokens,
    }
