"""An MCP server of the official package, as a program and as a web application, with tools that behave and ones that
do not. `python -m tests.tools.mcp_peer` speaks on its standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

__all__ = ["server"]


def server() -> MCPServer:
    peer = MCPServer("peer")

    @peer.tool(description="Add two numbers.")
    def add(a: int, b: int) -> int:
        return a + b

    @peer.tool(description="A member by number, as a record.")
    def member(number: str) -> dict[str, Any]:
        return {"number": number, "name": "Susan Walker"}

    @peer.tool(description="Say no.")
    def refuse() -> str:
        raise ToolError("Members only. Ask for the number of the card.")

    @peer.tool(description="Never answer.")
    async def hang() -> str:
        await asyncio.sleep(3600)
        return "late"

    @peer.tool(description="Answer with a hundred million characters.")
    def flood() -> str:
        return "x" * 100_000_000

    @peer.tool(description="The environment that it sees, by name.")
    def seen(name: str) -> str:
        return os.environ.get(name, "nothing")

    @peer.tool(description="Which process this is.")
    def process() -> int:
        return os.getpid()

    @peer.tool(description="Die at once.")
    def die() -> str:
        os._exit(3)

    @peer.tool(description="Have one tool more, and say so to whoever listens in either way.")
    async def grow(ctx: Context) -> str:
        def grown() -> str:
            return "new"

        peer.add_tool(grown, name="grown", description="A tool that was not there before.")
        peer.remove_tool("refuse")
        await ctx.notify_tools_changed()
        await ctx.session.send_tool_list_changed()
        return "done"

    @peer.tool(description="The key that came with the call.")
    def key(ctx: Context) -> str:
        meta = ctx.request_context.meta or {}
        return str(meta.get("parley/idempotency-key"))

    return peer


def wrong() -> MCPServer:
    """One whose list holds what cannot be offered."""
    peer = MCPServer("wrong")

    def fine(a: int) -> int:
        return a

    peer.add_tool(fine, description="\x1b[2J\u202efirst\nsecond " + "x" * 5000)
    for name, schema in (
        ("remote", {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}}),
        ("broken", {"type": "object", "properties": {"a": {"type": "strange"}}}),
        ("long", {"type": "object", "description": "y" * 20_000}),
    ):
        peer.add_tool(fine, name=name, description="Not fine.")
        peer._tool_manager.get_tool(name).parameters = schema  # type: ignore[union-attr]  # it is there
    return peer


def many() -> MCPServer:
    """One with more tools than anybody wants."""
    peer = MCPServer("many")

    def fine(a: int) -> int:
        return a

    for number in range(250):
        peer.add_tool(fine, name=f"fine{number:03}", description="One of many.")
    return peer


def _over_http() -> None:
    """Tells its port on the standard output, and serves until that is closed."""
    config = uvicorn.Config(server().streamable_http_app(), port=0, log_level="critical", ws="none")
    http = uvicorn.Server(config)

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(http.serve(), name="uvicorn")
            while not http.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            sys.stdout.write(f"{http.servers[0].sockets[0].getsockname()[1]}\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.read)
            http.should_exit = http.force_exit = True

    asyncio.run(both())


if __name__ == "__main__":
    sys.stderr.write("a word of chatter before the first message\n")
    match sys.argv[1:]:
        case ["wrong"]:
            wrong().run()
        case ["many"]:
            many().run()
        case ["http"]:
            _over_http()
        case ["silent"]:
            sys.stdin.read()
        case ["absent"]:
            sys.exit("\x1b[2Jno licence found")
        case ["nonsense"]:
            for line in sys.stdin:
                answer = {"jsonrpc": "2.0", "id": json.loads(line).get("id"), "result": {"tools": 7}}
                sys.stdout.write(f"{json.dumps(answer)}\n")
                sys.stdout.flush()
        case ["babble"]:
            while True:
                sys.stdout.write("y" * 65536)
        case ["stubborn"]:
            import signal

            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                asyncio.run(asyncio.sleep(3600))
        case _:
            server().run()
