"""One MCP server, kept: connected to, listed, asked, and connected to again when it is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, cast

import anyio
import mcp_types
from mcp.client import Client, IncomingMessage
from mcp.client._transport import TransportStreams
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types import RequestParamsMeta
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from tools.contract import Tool, ToolContext
from tools.http.proof import proof
from tools.mcp.http import streamable_http
from tools.mcp.model import McpServer
from tools.mcp.offer import offered, readable, told
from tools.mcp.stdio import Tail, stdio
from tools.outbound.guard import Guard
from tools.secrets import SecretError, SecretRef, Secrets

__all__ = ["Connection"]

logger = logging.getLogger(__name__)

for _chatty in ("mcp", "httpx2", "httpcore2"):
    # They log addresses, sessions, and with their faults what was asked and answered: that may be what callers said.
    logging.getLogger(_chatty).setLevel(logging.CRITICAL + 1)

CONNECT_S = 10.0
"""From the start of a program, or the first request, to the list of its tools."""
PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Before the next attempt to connect; it doubles with every one that fails."""
REFRESH_S = 300.0
"""How often the list is asked for even when nobody says that it changed; this also notices a server that is gone."""
PAGES = 20
MOST_TOOLS = 200
"""Of one server. Each has its schema checked, which takes a while."""


class Lost(Exception):
    """The connection is of no more use."""


class Connection:
    """`run` keeps it; `tools` are those last listed, which stay while the server is away: a call that begins then is
    told the same, and its tool says that the service cannot be reached."""

    def __init__(self, name: str, about: McpServer, folder: Path, guard: Guard, secrets: Secrets) -> None:
        self.name = name
        self.about = about
        self.tools: Mapping[str, Tool] = {}
        self.why = "not connected yet"
        """Why it is not connected; empty when it is."""
        self.settled = asyncio.Event()
        """The first attempt to connect is over."""
        self._folder = folder
        self._guard = guard
        self._secrets = secrets
        self._client: Client | None = None
        self._wake = asyncio.Event()
        self._lost: str | None = None
        self._whole: anyio.CancelScope | None = None
        self._closed = False
        self._tail = Tail()

    async def run(self) -> None:
        """Until `close`. Never raises for what the server does."""
        with anyio.CancelScope() as self._whole:
            pause = PAUSE_S
            while not self._closed:
                listed = await self._attempt()
                self.settled.set()
                pause = PAUSE_S if listed else min(pause * 2, LONGEST_PAUSE_S)
                await anyio.sleep(pause)
        self.settled.set()

    def close(self) -> None:
        self._closed = True
        if self._whole is not None:
            self._whole.cancel()

    @property
    def last_words(self) -> str:
        """The last line that a program wrote to its standard error: for the doctor, not for a log."""
        return readable(self._tail.last_line)

    async def _attempt(self) -> bool:
        """Connect and stay connected; True when it came to a list of tools."""
        listed, why = False, ""
        self._lost = None
        self._wake.clear()
        with anyio.CancelScope(deadline=anyio.current_time() + CONNECT_S) as scope:
            try:
                client = Client(
                    await self._transport(),
                    read_timeout_seconds=self.about.timeout_s,
                    message_handler=self._heard,
                    client_info=mcp_types.Implementation(name="parley", version="0"),
                    cache=None,
                )
                async with client:
                    await self._list(client)
                    scope.deadline = float("inf")
                    listed, self._client, self.why = True, client, ""
                    logger.info("MCP server %s: %d tools", self.name, len(self.tools))
                    self.settled.set()
                    await self._stay(client)
            except* (Lost, SecretError, OSError) as group:
                why = str(_first(group))
            except* Exception as group:  # noqa: BLE001 - whatever a server does, the others and the calls go on
                # The class alone: an SDK's text may hold what was said.
                why = f"the connection broke ({type(_first(group)).__name__})"
            finally:
                self._client = None
        if scope.cancelled_caught and not listed:
            why = f"no list of tools within {CONNECT_S:g} s"
        # Why its output ended says more than what the SDK made of that.
        self.why = self._ended() or why
        if not self._closed:
            logger.warning("MCP server %s: %s; it is tried again", self.name, self.why)
        return listed

    async def _transport(self) -> AbstractAsyncContextManager[TransportStreams]:
        """Raises SecretError."""
        about = self.about
        if about.command is not None:
            refs = {name: ref.secret for name, ref in about.env.items() if isinstance(ref, SecretRef)}
            known = await self._secrets.read_all(refs.values())
            env = {
                name: known[refs[name]] if name in refs else str(text) for name, text in about.env.items()
            }
            folder = self._folder / (about.folder or ".")
            return stdio(about.command, env=env, folder=folder, tail=self._tail, over=self._over)
        assert about.url is not None
        # Before anything is begun: what the guard says is for people to read.
        url = self._guard.check(about.url)
        await self._guard.addresses(url.host or "", url.port or 0)
        headers = {**about.headers, **await proof(about.auth, self._secrets)}
        return streamable_http(about.url, guard=self._guard, headers=headers, timeout_s=about.timeout_s)

    async def _stay(self, client: Client) -> None:
        async with anyio.create_task_group() as group:
            if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
                group.start_soon(self._listen, client)
            while True:
                with anyio.move_on_after(REFRESH_S):
                    await self._wake.wait()
                self._wake.clear()
                if self._lost is not None:
                    raise Lost(self._lost)
                await self._list(client)
                # Some say all the time that their list has changed.
                await anyio.sleep(PAUSE_S)

    async def _listen(self, client: Client) -> None:
        """Servers of the newer protocol tell of changes to whoever subscribed; those of the older one tell anyhow."""
        while True:
            try:
                async with client.listen(tools_list_changed=True) as subscription:
                    async for _ in subscription:
                        self._wake.set()
            except SubscriptionLost:
                self._wake.set()
            except MCPError:
                return  # It does not tell; the list is asked for now and then.
            await anyio.sleep(PAUSE_S)

    async def _heard(self, message: IncomingMessage) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._wake.set()

    def _ended(self) -> str | None:
        return self._lost

    def _over(self, why: str) -> None:
        self._lost = self.why = why
        self._client = None
        self._wake.set()

    async def _list(self, client: Client) -> None:
        listed: list[mcp_types.Tool] = []
        cursor: str | None = None
        for _ in range(PAGES):
            page = await client.list_tools(cursor=cursor)
            listed += page.tools
            cursor = page.next_cursor
            if not cursor:
                break
        found = {}
        wanted = [tool for tool in listed if self.about.takes(tool.name)]
        if len(wanted) > MOST_TOOLS:
            logger.warning(
                "MCP server %s: the first %d of its %d tools are taken; name under `tools` which ones are wanted",
                self.name,
                MOST_TOOLS,
                len(wanted),
            )
        for tool in wanted[:MOST_TOOLS]:
            # Others have their turn between two: to check a schema takes milliseconds.
            await asyncio.sleep(0)
            if (made := offered(self.name, self.about, tool, self._call)) is not None:
                if made.name in found:
                    logger.warning(
                        "MCP server %s: two of its tools would be %s; the first stays", self.name, made.name
                    )
                    continue
                found[made.name] = made
        self.tools = found

    async def _call(
        self, name: str, given: dict[str, Any], context: ToolContext, ruling_s: float
    ) -> dict[str, Any]:
        """Raises what `told` makes of it."""
        client = self._client
        if client is None:
            raise told(None, sent=False)
        try:
            result = await client.call_tool(
                name,
                given,
                read_timeout_seconds=ruling_s,
                meta=cast(RequestParamsMeta, {"parley/idempotency-key": context.idempotency_key}),
            )
        except (
            MCPError,
            ValidationError,
            RuntimeError,
            anyio.ClosedResourceError,
            anyio.BrokenResourceError,
        ) as fault:
            raise told(fault, sent=True) from None
        return result.model_dump(include={"content", "structured_content", "is_error"})


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    for fault in group.exceptions:
        return _first(fault) if isinstance(fault, BaseExceptionGroup) else fault
    raise AssertionError("an exception group is never empty")
