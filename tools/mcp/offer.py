"""A tool of an MCP server as one of Parley's: its name, its schema, its answers, its faults."""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any

import jsonschema  # noqa: F401 - its first import reads the disk: not when the first list comes
import mcp_types
from mcp.shared.exceptions import MCPError

from tools.contract import Tool, ToolContext, ToolError, ToolUnavailable
from tools.mcp.model import McpServer
from tools.parameters import JsonSchemaParameters

__all__ = ["Ask", "Unsure", "offered", "readable", "told"]

logger = logging.getLogger(__name__)

MAX_SCHEMA = 16 * 1024
"""Characters of a tool's schema; it goes into the instructions of every call."""
MAX_DESCRIPTION = 1024
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories that say nothing to a reader, and a lot to a terminal: control, format, surrogates, the like."""
SEEN = "\n\u200c\u200d"
"""What of these counts: ends of lines, and joiners, by which some languages are spelled."""
OWN_WORDS = 500

Ask = Callable[[str, dict[str, Any], ToolContext, float], Awaitable[dict[str, Any]]]
"""Name at the server, arguments, context, seconds → `{content, structured_content, is_error}`."""


class Unsure(Exception):
    """It was asked, and nobody knows what became of it."""


class Away(Unsure):
    """There was no connection to ask over, so nothing was done."""


def offered(server: str, about: McpServer, tool: mcp_types.Tool, ask: Ask) -> Tool | None:
    """None for one that cannot be offered; the log tells why."""
    ruling = about.ruling(tool.name)
    name = f"{server}__{re.sub(r'[^A-Za-z0-9_-]', '_', tool.name)}"

    async def run(given: dict[str, Any], context: ToolContext) -> dict[str, Any]:
        try:
            answer = await ask(tool.name, given, context, ruling.timeout_s)
        except Away:
            raise ToolUnavailable(
                "The service cannot be reached at the moment. Say so, offer to try again."
            ) from None
        except Unsure as fault:
            if ruling.effect == "read":
                raise ToolUnavailable(
                    "The service did not answer. Say so, and offer to try again."
                ) from None
            raise fault from None
        return _result(answer)

    try:
        if len(json.dumps(tool.input_schema)) > MAX_SCHEMA:
            raise ValueError(f"its schema is longer than {MAX_SCHEMA} characters")  # noqa: TRY301 - told like the others
        return Tool(
            name=name,
            description=readable(tool.description or tool.title or tool.name)[:MAX_DESCRIPTION],
            parameters=JsonSchemaParameters(tool.input_schema, foreign=True),
            run=run,
            timeout_s=ruling.timeout_s,
            category=ruling.category,
            effect=ruling.effect,
            idempotent=ruling.idempotent,
            retries=ruling.retries,
            max_concurrent=ruling.max_concurrent,
            approval=ruling.approval,
            hipaa=ruling.hipaa,
            access=ruling.access,
        )
    except (ValueError, RecursionError) as fault:
        logger.warning("MCP server %s: a tool is not offered: %s", server, str(fault)[:200])
        return None


def readable(text: str) -> str:
    """Without what nobody sees."""
    return "".join(
        one if one in SEEN or unicodedata.category(one) not in UNSEEN else " " for one in text
    ).strip()


def told(fault: Exception | None, *, sent: bool) -> Exception:
    """What a failure to call means."""
    if not sent:
        return Away()
    if isinstance(fault, MCPError) and fault.code in (mcp_types.INVALID_PARAMS, mcp_types.METHOD_NOT_FOUND):
        return ToolError(f"The service did not accept it: {fault.message[:OWN_WORDS]}")
    return Unsure(type(fault).__name__)


def _result(answer: dict[str, Any]) -> dict[str, Any]:
    """Raises ToolError where the tool says that it failed."""
    words = [part["text"] for part in answer["content"] if part.get("type") == "text"]
    if answer["is_error"]:
        raise ToolError(" ".join(words)[:OWN_WORDS] or "The service could not do it.")
    structured = answer["structured_content"]
    if isinstance(structured, dict):
        return structured
    if structured is not None:
        return {"result": structured}
    left_out = sorted({str(part.get("type")) for part in answer["content"]} - {"text"})
    result: dict[str, Any] = {"result": "\n".join(words)}
    if left_out:
        result["left_out"] = left_out
    return result
