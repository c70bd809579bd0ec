"""Scenarios: the public ones for everybody, all of them for operators (getScenarios, getScenarioBySlug, cpGetScenarios,
cpGetScenarioBySlug)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from aiohttp import web

from api import auth
from api.deps import Deps
from api.errors import ApiError
from api.surfaces.core.per_catalog import PerCatalog
from personas.catalog import Catalog
from personas.scenario import INDUSTRIES, PUBLIC, VISIBILITIES, Scenario
from tools.contract import Tool

__all__ = ["routes", "scenario_view"]


def routes(deps: Deps) -> list[web.RouteDef]:
    def made(catalog: Catalog) -> dict[str, dict[str, Any]]:
        return {slug: scenario_view(one, deps.tools) for slug, one in catalog.scenarios.items()}

    views = PerCatalog(deps.catalogs, made)

    def listed(
        request: web.Request, visibilities: Collection[str], seen: Callable[[Scenario], bool]
    ) -> web.Response:
        industry = _one_of(request, "industry", INDUSTRIES)
        visibility = _one_of(request, "visibility", visibilities)
        told = views()
        items = [
            told[slug]
            for slug, scenario in deps.catalogs.current.scenarios.items()
            if seen(scenario)
            and industry in (None, scenario.industry)
            and visibility in (None, scenario.visibility)
        ]
        return web.json_response({"items": items, "count": len(items)})

    def one(request: web.Request, seen: Callable[[Scenario], bool]) -> web.Response:
        slug = request.match_info["slug"]
        scenario = deps.catalogs.current.scenarios.get(slug)
        if scenario is None or not seen(scenario):
            raise ApiError(404, "There is no scenario of that slug.")
        return web.json_response(views()[slug])

    async def get_public(request: web.Request) -> web.Response:
        return listed(request, PUBLIC, lambda scenario: scenario.public)

    async def get_public_one(request: web.Request) -> web.Response:
        return one(request, lambda scenario: scenario.public)

    async def get_all(request: web.Request) -> web.Response:
        auth.operator_tenant(request, deps.settings)
        return listed(request, VISIBILITIES, lambda _scenario: True)

    async def get_any(request: web.Request) -> web.Response:
        auth.operator_tenant(request, deps.settings)
        return one(request, lambda _scenario: True)

    return [
        web.get("/api/scenarios", get_public),
        web.get("/api/scenarios/{slug}", get_public_one),
        web.get("/api/cp/scenarios", get_all),
        web.get("/api/cp/scenarios/{slug}", get_any),
    ]


def scenario_view(scenario: Scenario, tools: Mapping[str, Tool]) -> dict[str, Any]:
    """As the contract has it. What a shown tool does not say of itself the tool says."""
    told = scenario.wire()
    for shown in told["tools"]:
        tool = tools.get(shown["name"])
        definition = tool.definition() if tool is not None else {}
        if not shown.get("description"):
            shown["description"] = definition.get("description", "")
        if "parameters" not in shown and "parameters" in definition:
            shown["parameters"] = definition["parameters"]
    return told


def _one_of(request: web.Request, name: str, known: Collection[str]) -> str | None:
    """A filter of the query. Raises ApiError 400."""
    wish = request.query.get(name)
    if wish is not None and wish not in known:
        raise ApiError(400, f"{name} is one of: {', '.join(known)}.", param=name)
    return wish
