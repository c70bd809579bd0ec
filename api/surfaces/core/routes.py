"""The routes of the core contract that exist so far."""

from __future__ import annotations

from aiohttp import web

from api.deps import Deps
from api.surfaces.core import (
    catalogue,
    channel,
    costs,
    credentials,
    documents,
    executions,
    health,
    onboarding,
    recordings,
    runtime,
    runtime_sessions,
    scenarios,
    sessions,
    state,
    tool_policy,
    tools,
    verticals,
)

__all__ = ["routes"]


def routes(deps: Deps) -> list[web.RouteDef]:
    return [
        *health.routes(deps),
        *catalogue.routes(deps),
        *runtime.routes(deps),
        *onboarding.routes(deps),
        *scenarios.routes(deps),
        *verticals.routes(deps),
        *credentials.routes(deps),
        *sessions.routes(deps),
        *runtime_sessions.routes(deps),
        *costs.routes(deps),
        *channel.routes(deps),
        *recordings.routes(deps),
        *state.routes(deps),
        *documents.routes(deps),
        *tools.routes(deps),
        *tool_policy.routes(deps),
        *executions.routes(deps),
    ]
