"""Tools over REST: which there are, and running one (getTools, executeTool)."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api import auth, body
from api.deps import Deps
from api.errors import ApiError
from api.limits import TOOL_RUNS, Rate
from api.records import sessions
from api.surfaces.core.access import NO_TOKEN, presented_key, without_token
from api.surfaces.core.operators import operator_or_none
from gateway.stores.schema import DEFAULT_TENANT
from tools.contract import Tool
from tools.runtime.ledger import LedgerError
from tools.runtime.policy import Decision
from tools.runtime.request import Execution, Request

__all__ = ["routes", "unreadable"]

READ = Rate("tools", per_minute=600, burst=600)
QUEUE = "approvals"
NOT_YOURS = "Send the session's access key with its sessionId, or a server key as bearer: nobody else runs tools here."
ASKED_WRONGLY = frozenset({"unknown-tool", "invalid", "key-reused"})
STATUS = {"done": "allowed", "failed": "failed", "denied": "denied", "pending_approval": "pending_approval"}

PLAIN = r"^[^\x00-\x1f]*$"
Id = Annotated[str, Field(min_length=1, max_length=128, pattern=PLAIN)]
Key = Annotated[str, Field(min_length=1, max_length=200, pattern=PLAIN)]


class _Ask(BaseModel):
    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True, strict=True)

    tool: Id = Field(alias="toolName")
    parameters: dict[str, Any] = Field(default_factory=dict)
    call_id: Id | None = Field(None, alias="callId", max_length=64)
    session_id: Id | None = Field(None, alias="sessionId")
    business_key: Key | None = Field(None, alias="businessKey")
    idempotency_key: Key | None = Field(None, alias="idempotencyKey")
    skip_validation: bool = Field(False, alias="skipValidation")
    use_retry: bool = Field(True, alias="useRetry")


def routes(deps: Deps) -> list[web.RouteDef]:
    async def listed(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, READ, deps.settings)
        persona = deps.personas.get(request.query.get("personaId", ""))
        if persona is None:
            raise ApiError(
                400,
                "personaId must name a persona, as in ?personaId=dental_reception; GET /api/personas lists them.",
                param="personaId",
            )
        try:
            policy = await deps.runtime.policy(DEFAULT_TENANT)
        except LedgerError:
            raise unreadable() from None
        tools = policy.offers(deps.tools[name] for name in persona.tools if name in deps.tools)
        views = [_view(tool, policy.decide(tool)) for tool in tools]
        return web.json_response({"personaId": persona.id, "tools": views})

    async def execute(request: web.Request) -> web.Response:
        await auth.spend(request, deps.limiter, TOOL_RUNS, deps.settings)
        ask = await body.parsed(request, _Ask)
        wish = await _wish(request, ask, deps)
        if isinstance(wish, str):
            return _refused(ask, Execution("", ask.tool, "denied", "not-offered", error=wish))
        return _answer(ask, await deps.runtime.execute(wish))

    return [web.get("/api/tools", listed), web.post("/api/tools/execute", execute)]


def unreadable() -> ApiError:
    return ApiError(503, "The database does not answer; try again.", headers={"Retry-After": "5"})


async def _wish(request: web.Request, ask: _Ask, deps: Deps) -> Request | str:
    """Or why who asks may run no tool. Raises ApiError 400 for a session that is none."""
    operator = operator_or_none(request, deps)
    session = None
    if ask.session_id is not None:
        session = await sessions.find(deps.database, ask.session_id, deps.clock())
        if session is None or (operator is not None and not operator.of(session.tenant)):
            raise ApiError(400, "There is no such session, or it has expired.", param="sessionId")
    if operator is None:
        key = presented_key(request)
        if session is None or key is None or not deps.access.opens(key, session.access_hash):
            return NOT_YOURS
        if without_token(request, deps, key):
            return NO_TOKEN
    persona = deps.personas.get(session.persona_id) if session is not None else None
    return Request(
        tool=ask.tool,
        arguments=ask.parameters,
        caller="rest",
        tenant=session.tenant if session is not None else operator.tenant if operator else "",
        session_id=session.id if session is not None else "",
        call_id=ask.call_id or "",
        persona_id=session.persona_id if session is not None else "",
        key=ask.idempotency_key,
        business_key=ask.business_key or "",
        # A session has the tools of its persona; of a persona that is gone, none.
        offered=None if session is None else frozenset(persona.tools if persona is not None else ()),
        retry=ask.use_retry,
        validate=operator is None or not ask.skip_validation,
    )


def _view(tool: Tool, decision: Decision) -> dict[str, object]:
    return {
        **tool.definition(),
        "category": tool.category,
        "effect": tool.effect,
        "access": decision.access,
        "requiresApproval": decision.approval,
        "hipaaImpact": decision.hipaa,
    }


def _answer(ask: _Ask, execution: Execution) -> web.Response:
    if execution.status == "denied":
        return _refused(ask, execution)
    if execution.reason in ASKED_WRONGLY:
        raise ApiError(400, execution.error or "The request cannot be carried out.")
    call = {} if ask.call_id is None else {"callId": ask.call_id}
    if execution.status == "pending_approval":
        queued = {"approvalQueued": True, "approvalId": execution.approval_id, "queue": QUEUE}
        view = {
            "success": True,
            "status": "pending_approval",
            "message": "A person has to approve this; ask again with the same idempotencyKey for what came of it.",
            **call,
            "toolName": execution.tool,
            "result": queued | ({"deduped": True} if execution.deduped else {}),
            "runtime": _runtime(execution),
        }
        return web.json_response(view, status=202)
    view = {
        "success": execution.status == "done",
        **call,
        "toolName": execution.tool,
        "result": execution.result,
        "error": execution.error,
        "runtime": _runtime(execution),
        "executionTime": execution.duration_ms,
        "retries": max(execution.attempts - 1, 0),
        "idempotentReplay": execution.replayed,
    }
    if execution.id:
        view["executionId"] = execution.id
    return web.json_response(view)


def _refused(ask: _Ask, execution: Execution) -> web.Response:
    view: dict[str, object] = {
        "success": False,
        "error": "Policy Denied",
        "message": execution.error,
        "toolName": execution.tool,
        "runtime": _runtime(execution),
    }
    if ask.call_id is not None:
        view["callId"] = ask.call_id
    return web.json_response(view, status=403)


def _runtime(execution: Execution) -> dict[str, object]:
    known = {
        "approvalId": execution.approval_id,
        "executionId": execution.id,
        "idempotencyKey": execution.key,
    }
    return {"status": STATUS[execution.status], **{name: value for name, value in known.items() if value}}
