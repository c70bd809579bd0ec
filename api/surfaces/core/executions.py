"""What tools ran, and what waits for a person, for operators (cpGetToolExecution, cpListSessionToolExecutions; the
approvals are not of the contract, which queues them and knows no way to decide)."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api import auth, body
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.surfaces.core.operators import Operator, operator
from api.surfaces.core.tools import unreadable
from api.surfaces.core.wire import iso
from gateway.crew import crew, stay
from tools.runtime.ledger import Entry, LedgerError

__all__ = ["routes"]

RATE = Rate("tool-executions", per_minute=600, burst=600)
LONGEST = 128


class _Decision(BaseModel):
    model_config = ConfigDict(
        defer_build=True, hide_input_in_errors=True, strict=True, extra="forbid", str_strip_whitespace=True
    )

    by: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f]*$")] = ""
    """Who decides, as they call themselves."""
    note: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f]*$")] = ""


def routes(deps: Deps) -> list[web.RouteDef]:
    ledger = deps.runtime.ledger

    async def asked(request: web.Request) -> Operator:
        await auth.spend(request, deps.limiter, RATE, deps.settings)  # guesses count too
        return operator(request, deps)

    async def one(request: web.Request) -> web.Response:
        who = await asked(request)
        name = request.match_info["executionId"]
        source, entry = "persisted", await _found(deps, who, name)
        if entry is None:
            stay(crew().home(name.removeprefix("exec_")))
            running = deps.runtime.running.get(name)
            if running is None or running.tenant != who.tenant:
                raise ApiError(404, "There is no execution of that id.")
            source, entry = "memory", running
        return web.json_response({"source": source, "execution": _execution(entry)})

    async def of_session(request: web.Request) -> web.Response:
        who = await asked(request)
        session_id = request.match_info["id"]
        # What its live call runs now is known where that is.
        stay(crew().home(session_id))
        try:
            kept = await ledger.of_session(who.tenant, session_id) if _is_name(session_id) else []
        except LedgerError:
            raise unreadable() from None
        running = [
            {
                "executionId": entry.id,
                "toolName": entry.tool,
                "sessionId": entry.session_id,
                "status": "running",
                "startedAt": iso(entry.started_at),
                "source": "memory",
            }
            for entry in deps.runtime.running.values()
            if (entry.tenant, entry.session_id) == (who.tenant, session_id)
        ]
        view = {
            "sessionId": session_id,
            "persisted": [_execution(entry) for entry in kept],
            "memory": running,
        }
        return web.json_response(view)

    async def queue(request: web.Request) -> web.Response:
        who = await asked(request)
        wanted = request.query.get("status", "pending")
        if wanted not in ("pending", "decided"):
            raise ApiError(400, "status is pending or decided.", param="status")
        try:
            entries = await ledger.queue(who.tenant, deps.clock(), settled=wanted == "decided")
        except LedgerError:
            raise unreadable() from None
        approvals = [_approval(entry, deps) for entry in entries]
        return web.json_response({"success": True, "approvals": approvals, "count": len(approvals)})

    async def approval(request: web.Request) -> web.Response:
        entry = await _found(deps, await asked(request), request.match_info["approvalId"])
        if entry is None or entry.approval_id is None:
            raise ApiError(404, "There is no approval of that id.")
        return web.json_response({"success": True, "approval": _approval(entry, deps)})

    async def approve(request: web.Request) -> web.Response:
        return await decided(request, approves=True)

    async def reject(request: web.Request) -> web.Response:
        return await decided(request, approves=False)

    async def decided(request: web.Request, *, approves: bool) -> web.Response:
        who = await asked(request)
        ask = await body.parsed(request, _Decision)
        name = request.match_info["approvalId"]
        if not _is_name(name):
            raise ApiError(404, "There is no approval of that id.")
        by = ask.by or who.name
        try:
            found = await deps.runtime.approvals.decide(
                who.tenant, name, approve=approves, by=by, note=ask.note
            )
        except LedgerError:
            raise unreadable() from None
        if found is None:
            raise ApiError(404, "There is no approval of that id.")
        entry, counts = found
        if not counts:
            raise ApiError(409, _too_late(entry))
        return web.json_response({"success": True, "approval": _approval(entry, deps)})

    return [
        web.get("/api/cp/tools/executions/{executionId}", one),
        web.get("/api/cp/sessions/{id}/tool-executions", of_session),
        web.get("/api/cp/tools/approvals", queue),
        web.get("/api/cp/tools/approvals/{approvalId}", approval),
        web.post("/api/cp/tools/approvals/{approvalId}/approve", approve),
        web.post("/api/cp/tools/approvals/{approvalId}/reject", reject),
    ]


def _is_name(name: str) -> bool:
    """Whether anything can be called so; databases refuse other names."""
    return len(name) <= LONGEST and "\x00" not in name


async def _found(deps: Deps, who: Operator, name: str) -> Entry | None:
    try:
        return await deps.runtime.ledger.find(who.tenant, name) if _is_name(name) else None
    except LedgerError:
        raise unreadable() from None


def _execution(entry: Entry) -> dict[str, object]:
    view: dict[str, object] = {
        "executionId": entry.id,
        "toolName": entry.tool,
        "status": entry.state,
        "reason": entry.reason,
        "caller": entry.caller,
        "effect": entry.effect,
        "hipaaImpact": entry.hipaa,
        "attempts": entry.attempts,
        "startedAt": iso(entry.started_at),
        "parametersPreview": entry.preview,
        "resultPreview": entry.result_preview,
    }
    known = {
        "sessionId": entry.session_id,
        "callId": entry.call_id,
        "personaId": entry.persona_id,
        "idempotencyKey": entry.key,
        "endedAt": _iso(entry.ended_at),
        "durationMs": None if entry.ended_at is None else round((entry.ended_at - entry.started_at) * 1000),
        "error": entry.error,
        "approvalId": entry.approval_id,
        "decidedAt": _iso(entry.decided_at),
        "decidedBy": entry.decided_by,
    }
    return view | {name: value for name, value in known.items() if value not in (None, "")}


def _approval(entry: Entry, deps: Deps) -> dict[str, object]:
    tool, persona = deps.tools.get(entry.tool), deps.personas.get(entry.persona_id)
    view: dict[str, object] = {
        "approvalId": entry.approval_id,
        "executionId": entry.id,
        "status": _status(entry),
        "toolName": entry.tool,
        "description": "" if tool is None else tool.description,
        "effect": entry.effect,
        "hipaaImpact": entry.hipaa,
        "caller": entry.caller,
        "requestedAt": iso(entry.started_at),
        "expiresAt": _iso(entry.expires_at),
        "parametersPreview": entry.preview,
    }
    known = {
        "parameters": entry.arguments,
        "sessionId": entry.session_id,
        "callId": entry.call_id,
        "personaId": entry.persona_id,
        "personaName": None if persona is None else persona.display_name,
        "decidedAt": _iso(entry.decided_at),
        "decidedBy": entry.decided_by,
        "endedAt": _iso(entry.ended_at),
        "reason": None if entry.state == "pending_approval" else entry.reason,
        "note": entry.note,
        "resultPreview": entry.result_preview,
        "error": entry.error,
    }
    return view | {name: value for name, value in known.items() if value not in (None, "")}


def _status(entry: Entry) -> str:
    """What became of an approval, in a word: what was approved has run since, as a rule."""
    return "pending" if entry.state == "pending_approval" else entry.state


def _too_late(entry: Entry) -> str:
    if entry.state != "expired":
        return f"It is decided already: {_status(entry)}."
    if entry.reason == "call-over":
        return "The call is over that this was for, so it can be decided no more: it expired, and was not done."
    return "Nobody decided in time, so it can be decided no more: it expired, and was not done."


def _iso(at: float | None) -> str | None:
    return None if at is None else iso(at)
