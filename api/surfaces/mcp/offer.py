"""The tools as a client of MCP has them: listed as the policy allows them to its tenant, run through the one door."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Coroutine, Mapping
from typing import Any

import anyio
import orjson
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as Listed

from api.deps import Deps
from gateway.log import where
from tools.contract import Tool
from tools.runtime import told
from tools.runtime.ledger import LedgerError
from tools.runtime.policy import Decision
from tools.runtime.request import Execution, Request

__all__ = ["KEY", "PAGE", "Flights", "Offer"]

logger = logging.getLogger(__name__)

KEY = "parley/idempotency-key"
"""In `_meta` of a call: what makes it the same one as another. Parley's own client of MCP sends it too."""
PAGE = 100
"""Tools of one answer to `tools/list`."""
CANCELLED = -32800
"""The error's code where a request was taken back, as the package's own sessions have it."""
Flight = tuple[str, str, str | int | None]
"""Tenant, session and id of a request."""
_KEY = re.compile(r"[^\x00-\x1f]{1,200}")

INSTRUCTIONS = (
    "What the agents of this business may do. A tool that needs a person's approval is not done at once: the result "
    "says so, and the same call with the same arguments tells later what came of it. The same change is made once, "
    "however often it is asked for with the same arguments."
)
APPROVED = "A person has to approve every run first."
WAITS = (
    "It was not done yet: a person has to approve it, and was asked (execution {id}). Call the tool again with the "
    "very same arguments to learn what came of it."
)
REPEATED = "It was done before, with the same arguments or key, and not again: that was the result."


class Flights:
    """The runs that clients of one process wait for now."""

    def __init__(self) -> None:
        self._tasks: dict[Flight, asyncio.Task[Execution]] = {}

    async def flown(self, flight: Flight | None, work: Coroutine[Any, Any, Execution]) -> Execution:
        """Run it as a task beside the package's own, which are cancelled again at each step they take: what is broken
        off has to be written down all the same. Raises MCPError when the client takes it back."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work, name="mcp:run")
            if flight is not None:
                self._tasks[flight] = task
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                task.cancel()
                with anyio.CancelScope(shield=True):
                    await asyncio.wait([task])
                raise
            finally:
                if flight is not None:
                    self._tasks.pop(flight, None)
        if task.cancelled():
            raise MCPError(CANCELLED, told.CANCELLED)
        return task.result()

    def take_back(self, flight: Flight) -> None:
        """Break off a run, if it is one."""
        if (task := self._tasks.get(flight)) is not None:
            task.cancel()


class Offer:
    """For one request of one tenant."""

    def __init__(self, deps: Deps, tenant: str, flights: Flights, session: str) -> None:
        """`session`: what the client was given to be known by; empty where it has none."""
        self._deps = deps
        self._tenant = tenant
        self._flights = flights
        self._session = session

    def server(self) -> Server[Any]:
        server: Server[Any] = Server(
            "parley",
            version=self._deps.version,
            instructions=INSTRUCTIONS,
            get_tool_input_schema=self._schema,
            on_list_tools=self._listed,
            on_call_tool=self._called,
        )
        # It would put spans round every message that are none of a call's.
        server.middleware.clear()
        return server

    def _schema(self, name: str) -> Mapping[str, Any] | None:
        tool = self._deps.tools.get(name)
        return None if tool is None else tool.schema()

    async def _listed(
        self, _context: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        """By name, a page at a time; the cursor is the last name of the page before."""
        try:
            policy = await self._deps.runtime.policy(self._tenant)
        except LedgerError:
            raise MCPError(INTERNAL_ERROR, "The database does not answer; try again.") from None
        try:
            after = (params.cursor if params is not None else None) or ""
            tools = [
                tool for tool in self._deps.tools.values() if not tool.needs_call and tool.name > after
            ]
            offered = sorted(policy.offers(tools), key=lambda tool: tool.name)
            return ListToolsResult(
                tools=[_view(tool, policy.decide(tool)) for tool in offered[:PAGE]],
                next_cursor=offered[PAGE - 1].name if len(offered) > PAGE else None,
            )
        except Exception as fault:
            # The package would tell nobody.
            logger.error("the tools could not be listed: %s", where(fault))
            raise

    async def _called(
        self, context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult:
        key: object = (context.meta or {}).get(KEY)
        if key is not None and not (isinstance(key, str) and _KEY.fullmatch(key)):
            raise MCPError(
                INVALID_PARAMS, f"_meta[{KEY!r}] has 1 to 200 characters, and no control characters."
            )
        tool = self._deps.tools.get(params.name)
        wish = Request(
            tool=params.name,
            arguments=params.arguments or {},
            caller="mcp",
            tenant=self._tenant,
            key=key,
        )
        flight = (self._tenant, self._session, context.request_id) if self._session else None
        execution = await self._flights.flown(flight, self._deps.runtime.execute(wish))
        if execution.reason == "unknown-tool":
            raise MCPError(INVALID_PARAMS, execution.error or "There is no such tool.")
        return _result(execution, tool)


def _view(tool: Tool, decision: Decision) -> Listed:
    return Listed(
        name=tool.name,
        description=f"{tool.description} {APPROVED}" if decision.approval else tool.description,
        input_schema=tool.schema(),
        # The door does the same arguments once, whatever the tool itself does.
        annotations=ToolAnnotations(read_only_hint=tool.effect == "read", idempotent_hint=True),
        _meta={"parley/category": tool.category, "parley/requires-approval": decision.approval},
    )


def _result(execution: Execution, tool: Tool | None) -> CallToolResult:
    known = {
        "parley/status": execution.status,
        "parley/reason": execution.reason,
        "parley/execution-id": execution.id,
        "parley/approval-id": execution.approval_id,
        KEY: execution.key,
        "parley/replayed": execution.replayed,
    }
    meta = {name: value for name, value in known.items() if value not in (None, "")}
    if execution.status == "pending_approval":
        return _said(WAITS.format(id=execution.id), meta)
    if execution.status != "done":
        return _said(execution.error or "It was not done.", meta, failed=True)
    result = execution.result or {}
    text = execution.text or orjson.dumps(result).decode()
    content = [TextContent(text=text)]
    if execution.replayed and tool is not None and tool.effect == "write":
        content.append(TextContent(text=REPEATED))
    return CallToolResult(content=[*content], structured_content=result, _meta=meta)


def _said(sentence: str, meta: Mapping[str, Any] | None = None, *, failed: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=sentence)], is_error=failed, _meta=dict(meta or {}))
