"""Vertical packs and their workflows (cpListVerticalPacks, getAccountingWorkflows, getHealthcareWorkflows,
getLegalWorkflows)."""

from __future__ import annotations

from aiohttp import web

from api import auth
from api.deps import Deps
from api.errors import ApiError

__all__ = ["routes"]

PUBLIC = ("accounting", "healthcare", "legal")
"""Packs whose workflows everybody may read."""


def routes(deps: Deps) -> list[web.RouteDef]:
    async def workflows(request: web.Request) -> web.Response:
        name = request.path.split("/")[3]
        pack = deps.catalogs.current.packs.get(name) if name in PUBLIC else None
        if pack is None:
            raise ApiError(404, f"There is no such vertical pack here; there are {', '.join(PUBLIC)}.")
        return web.json_response(
            {"success": True, "verticalPack": pack.id, "workflows": pack.workflows_wire()}
        )

    async def packs(request: web.Request) -> web.Response:
        auth.operator_tenant(request, deps.settings)
        told = [pack.wire() for pack in deps.catalogs.current.packs.values()]
        return web.json_response({"success": True, "packs": told})

    return [
        # Each is an operation of the contract.
        *(web.get(f"/api/verticals/{name}/workflows", workflows) for name in PUBLIC),
        web.get("/api/verticals/{pack}/workflows", workflows),
        web.get("/api/cp/verticals/packs", packs),
    ]
