"""Who may use which tool, for operators (cpListToolPolicy, cpUpdateToolPolicy, and the overrides of a tenant)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api import auth, body
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import tool_policy
from api.surfaces.core.operators import Operator, operator
from api.surfaces.core.tools import unreadable
from api.surfaces.core.wire import iso
from tools.contract import Tool
from tools.runtime.ledger import LedgerError
from tools.runtime.policy import Override, Policy, Rule

__all__ = ["routes"]

RATE = Rate("tool-policy", per_minute=600, burst=600)
Text = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]*$")]


class _Wish(BaseModel):
    """Keys that are unknown are ignored: whoever sends back what was told sends them too. But a body that has no other
    is refused, so that a slip of the pen does not pass for a tool that is blocked."""

    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True, strict=True, extra="allow")

    def changes(self) -> dict[str, Any]:
        """What is named. Raises ApiError 400."""
        known = self.model_dump(include=set(type(self).model_fields), exclude_unset=True)
        if self.model_extra and not known:
            names = [field.alias or name for name, field in type(self).model_fields.items()]
            raise ApiError(400, f"Nothing here can be changed; what can is {', '.join(names)}.")
        return known


class _Rule(_Wish):
    """Null: as the tool says. What is not named stays."""

    access: Literal["global", "tenant_optin", "blocked"] | None = None
    hipaa: bool | None = Field(None, alias="hipaaImpact")
    category: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")] | None = None
    description: Text | None = None


class _Override(_Wish):
    """Null: as the rule and the tool say. What is not named stays."""

    enabled: bool | None = None
    approval: bool | None = Field(None, alias="requiresApproval")


def routes(deps: Deps) -> list[web.RouteDef]:
    loaded_at = deps.clock()

    async def asked(request: web.Request) -> Operator:
        await auth.spend(request, deps.limiter, RATE, deps.settings)  # guesses count too
        return operator(request, deps)

    async def rules(request: web.Request) -> web.Response:
        who = await asked(request)
        policy = await _policy(deps, who.tenant)
        views = [
            _rule(tool, policy.rules.get(name), loaded_at) for name, tool in sorted(deps.tools.items())
        ]
        return web.json_response({"success": True, "rules": views})

    async def change(request: web.Request) -> web.Response:
        who = await asked(request)
        tool = _tool(request, deps)
        if not who.everywhere:
            raise ApiError(
                401,
                "A rule holds for all tenants: it takes a server key that is no tenant's. An override is yours.",
            )
        ask = await body.parsed(request, _Rule)
        rule = await tool_policy.lay_down(
            deps.database, tool.name, ask.changes(), by=who.name, now=deps.clock()
        )
        await deps.runtime.look()
        return web.json_response({"success": True, "rule": _rule(tool, rule, loaded_at)})

    async def overrides(request: web.Request) -> web.Response:
        who = await asked(request)
        tenant = _tenant(request, who)
        found = (await _policy(deps, tenant)).overrides
        views = [_override(tenant, name, one) for name, one in sorted(found.items())]
        return web.json_response({"success": True, "overrides": views})

    async def override(request: web.Request) -> web.Response:
        who = await asked(request)
        tenant = _tenant(request, who)
        tool = _tool(request, deps)
        ask = await body.parsed(request, _Override)
        changed = await tool_policy.override(
            deps.database,
            tenant,
            tool.name,
            ask.changes(),
            by=who.name,
            now=deps.clock(),
        )
        await deps.runtime.look()
        return web.json_response({"success": True, "override": _override(tenant, tool.name, changed)})

    return [
        web.get("/api/cp/tool-policy", rules),
        web.patch("/api/cp/tool-policy/{toolId}", change),
        web.get("/api/cp/tool-policy/tenants/{tenantId}/overrides", overrides),
        web.patch("/api/cp/tool-policy/tenants/{tenantId}/overrides/{toolId}", override),
    ]


async def _policy(deps: Deps, tenant: str) -> Policy:
    try:
        return await deps.runtime.policy(tenant)
    except LedgerError:
        raise unreadable() from None


def _tool(request: web.Request, deps: Deps) -> Tool:
    """Raises ApiError 404."""
    tool = deps.tools.get(request.match_info["toolId"])
    if tool is None:
        raise ApiError(404, "There is no tool of that name; GET /api/cp/tool-policy lists them.")
    return tool


def _tenant(request: web.Request, who: Operator) -> str:
    """Raises ApiError 401."""
    tenant = request.match_info["tenantId"]
    if not who.of(tenant) or not 0 < len(tenant) <= 64 or not tenant.isprintable():
        raise ApiError(401, "This key is another tenant's.")
    return tenant


def _rule(tool: Tool, rule: Rule | None, loaded_at: float) -> dict[str, object]:
    rule = rule or Rule(updated_at=loaded_at)
    view: dict[str, object] = {
        "toolId": tool.name,
        "category": rule.category or tool.category,
        "description": rule.description or tool.description,
        "access": rule.access or tool.access,
        "hipaaImpact": tool.hipaa if rule.hipaa is None else rule.hipaa,
        "updatedAt": iso(rule.updated_at),
    }
    if rule.updated_by:
        view["updatedBy"] = rule.updated_by
    return view


def _override(tenant: str, tool: str, override: Override) -> dict[str, object]:
    return {
        "tenantId": tenant,
        "toolId": tool,
        "enabled": override.enabled,
        "requiresApproval": override.approval,
        "updatedAt": iso(override.updated_at),
        "updatedBy": override.updated_by,
    }
