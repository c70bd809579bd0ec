"""All the tools of a server as they are now: Parley's own, those of a user's folder, those of MCP servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.contract import Tool
from tools.kit import Kit, KitFiles, ToolboxError
from tools.outbound.addresses import Allowed
from tools.outbound.guard import Guard
from tools.outbound.sender import Sender
from tools.secrets import Secrets

if TYPE_CHECKING:
    from tools.mcp.session import Connection

__all__ = ["Health", "Toolbox", "ToolboxError"]

SETTLE_S = 3.0
"""How long a start waits for MCP servers; one that takes longer has its tools offered to the calls after that."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a source of tools is. Holds no secret."""

    about: str
    """`tool find_order`, `MCP server crm`, `mail`."""
    well: bool
    seen: str


class Toolbox(Mapping[str, Tool]):
    """The tools by name, as they are now: those of MCP servers come and change, and so do the files."""

    def __init__(self, files: KitFiles, kit: Kit, sender: Sender, secrets: Secrets) -> None:
        self.files = files
        """What a kit is read from."""
        self.kit = Kit()
        """What is in force of them."""
        self.sender = sender
        self.secrets = secrets
        self._servers: dict[str, Connection] = {}
        self._group: asyncio.TaskGroup | None = None
        self.put_in_force(kit)

    @classmethod
    def read(
        cls, folder: Path | None = None, secrets: Path | None = None, allowed: tuple[str, ...] = ()
    ) -> Toolbox:
        """Reads files. Raises ToolboxError with every fault of every file."""
        faults: list[str] = []
        guard = Guard()
        try:
            guard = Guard(Allowed.read(allowed))
        except ValueError as fault:
            faults.append(f"PARLEY_OUTBOUND_ALLOW: {fault}")
        known, sender = Secrets(secrets), Sender(guard)
        files, kit = KitFiles(folder, known, sender), Kit()
        try:
            kit = files.load()
        except ToolboxError as error:
            faults += error.faults
        if faults:
            raise ToolboxError(faults)
        return cls(files, kit, sender, known)

    def put_in_force(self, kit: Kit) -> None:
        """From now on these are the tools. What runs goes on; servers that are asked as before stay connected to."""
        before, self.kit = self._servers, kit
        self._servers = {}
        for name, about in kit.servers.items():
            known = before.pop(name, None)
            if known is not None and known.about == about:
                self._servers[name] = known
                continue
            if known is not None:
                known.close()
            # A second and more to import, so only where it is wanted.
            from tools.mcp.session import Connection

            assert self.files.folder is not None
            server = Connection(name, about, self.files.folder, self.sender.guard, self.secrets)
            self._servers[name] = server
            if self._group is not None:
                self._group.create_task(server.run(), name=f"mcp:{name}")
        for gone in before.values():
            gone.close()

    # ── the tools ──

    def __getitem__(self, name: str) -> Tool:
        if name in self.kit.fixed:
            return self.kit.fixed[name]
        server = self._servers.get(name.partition("__")[0])
        if server is None:
            raise KeyError(name)
        return server.tools[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.kit.fixed
        for server in self._servers.values():
            yield from server.tools

    def __len__(self) -> int:
        return len(self.kit.fixed) + sum(len(server.tools) for server in self._servers.values())

    def names(self, kit: Kit | None = None) -> Collection[str]:
        """The names that a persona may list, of the kit in force or of another. What an MCP server offers is not known
        before it is there."""
        return _Names(self, kit or self.kit)

    # ── while a server runs ──

    @asynccontextmanager
    async def opened(self, settle_s: float = SETTLE_S) -> AsyncIterator[Toolbox]:
        """While the block runs, HTTP tools can ask and MCP servers are connected to; it begins when each was tried, or
        after `settle_s`. What the block raises is raised as it is."""
        failure: BaseException | None = None
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.sender)
            self._group = group = await stack.enter_async_context(asyncio.TaskGroup())
            for name, server in self._servers.items():
                group.create_task(server.run(), name=f"mcp:{name}")
            try:
                await self._settled(settle_s)
                yield self
            except BaseException as fault:  # noqa: BLE001 - raised again below, without the group's wrapping
                failure = fault
            self._group = None
            for server in self._servers.values():
                server.close()
        if failure is not None:
            raise failure

    async def _settled(self, settle_s: float) -> None:
        try:
            async with asyncio.timeout(settle_s):
                for server in self._servers.values():
                    await server.settled.wait()
        except TimeoutError:
            pass

    async def health(self) -> list[Health]:
        """How each source of tools is, asked now. For the doctor; needs `opened`."""
        from tools.http.tool import probe  # which most servers do without, as they have no such tools

        found = []
        for name, about in self.kit.http.items():
            if about.health is not None:
                why = await probe(about, self.sender, self.secrets)
                found.append(Health(f"tool {name}", not why, why or "its service answers"))
        for name, server in self._servers.items():
            seen = server.why or f"connected, {len(server.tools)} tools"
            words = f" (it wrote: {server.last_words[:200]})" if server.why and server.last_words else ""
            found.append(Health(f"MCP server {name}", not server.why, seen + words))
        for connector in self.kit.connectors:
            why = await connector.probe()
            found.append(Health(connector.about, not why, why or "answers"))
        return found

    @property
    def own(self) -> list[str]:
        """Names of the tools that are not Parley's: a user's, and those of MCP servers."""
        return [name for name in self if name not in self.kit.built_in]

    def exposed(self) -> list[str]:
        """Secrets that other users of the machine may read. Reads the disk."""
        return self.secrets.exposed()


class _Names(Collection[str]):
    def __init__(self, box: Toolbox, kit: Kit) -> None:
        self._box = box
        self._kit = kit

    def __contains__(self, name: object) -> bool:
        if name in self._kit.fixed:
            return True
        server, parted, tool = str(name).partition("__")
        return bool(parted and tool) and server in self._kit.servers

    def __iter__(self) -> Iterator[str]:
        yield from self._kit.fixed
        yield from (name for name in self._box if name not in self._kit.fixed and name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
