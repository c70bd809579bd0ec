"""All the tools of a server: Parley's own, and those of a user's folder.

The folder (`PARLEY_TOOLS_DIR`) has one-file Python tools (`*.py`), HTTP tools (`*.yaml`), the MCP servers to take tools
from (`mcp.yaml`) and the connectors that tools act through (`connectors.yaml`).
"""

from __future__ import annotations

import asyncio
import importlib.util
import traceback
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools import library
from tools.connectors.model import ConnectorsFile
from tools.connectors.model import check as check_connectors
from tools.contract import Tool
from tools.http.model import HttpTool
from tools.http.model import check as check_http
from tools.http.tool import http_tool, probe
from tools.mcp.model import McpFile
from tools.mcp.model import check as check_mcp
from tools.outbound.addresses import Allowed
from tools.outbound.guard import Guard
from tools.outbound.sender import Sender
from tools.secrets import Secrets
from tools.yaml_file import FileFault, read_yaml

if TYPE_CHECKING:
    from tools.connectors.health import Connector
    from tools.mcp.session import Connection

__all__ = ["Health", "Toolbox", "ToolboxError"]

CONNECTORS, MCP = "connectors.yaml", "mcp.yaml"
SETTLE_S = 3.0
"""How long a start waits for MCP servers; one that takes longer has its tools offered to the calls after that."""


class ToolboxError(Exception):
    """Files of tools are wrong; `faults` lists every one as `file:line: what is wrong; what to do`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Health:
    """How a source of tools is. Holds no secret."""

    about: str
    """`tool find_order`, `MCP server crm`, `mail`."""
    well: bool
    seen: str


class Toolbox(Mapping[str, Tool]):
    """The tools by name, as they are now: those of MCP servers come and change."""

    def __init__(self) -> None:
        self._fixed: dict[str, Tool] = {}
        self._built_in: frozenset[str] = frozenset()
        self._http: dict[str, HttpTool] = {}
        self._reserved: dict[str, tuple[str, ...]] = {}
        self._servers: dict[str, Connection] = {}
        self._connectors: list[Connector] = []
        self._mcp_personas: dict[str, tuple[str, ...] | None] = {}
        self.secrets = Secrets(None)
        self.sender = Sender(Guard())

    @classmethod
    def read(
        cls, folder: Path | None = None, secrets: Path | None = None, allowed: tuple[str, ...] = ()
    ) -> Toolbox:
        """Reads files. Raises ToolboxError with every fault of every file."""
        box, faults = cls(), []
        box.secrets = Secrets(secrets)
        try:
            box.sender = Sender(Guard(Allowed.read(allowed)))
        except ValueError as fault:
            faults.append(f"PARLEY_OUTBOUND_ALLOW: {fault}")
        try:
            box._fixed = library.load()
            box._built_in = frozenset(box._fixed)
        except ValueError as fault:
            faults.append(str(fault))
        if folder is not None:
            faults += (
                box._read_folder(folder)
                if folder.is_dir()
                else [f"PARLEY_TOOLS_DIR: {folder} is no folder; make it, or correct the setting"]
            )
        if faults:
            raise ToolboxError(faults)
        return box

    # ── the tools ──

    def __getitem__(self, name: str) -> Tool:
        if name in self._fixed:
            return self._fixed[name]
        server = self._servers.get(name.partition("__")[0])
        if server is None:
            raise KeyError(name)
        return server.tools[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._fixed
        for server in self._servers.values():
            yield from server.tools

    def __len__(self) -> int:
        return len(self._fixed) + sum(len(server.tools) for server in self._servers.values())

    @property
    def names(self) -> Collection[str]:
        """The names that a persona may list. What an MCP server offers is not known before it is there."""
        return _Names(self, frozenset(self._servers))

    def reserved(self, name: str, persona_id: str) -> str | None:
        """Why this persona may not list the tool; None when it may."""
        only = self._reserved.get(name, self._mcp_personas.get(name.partition("__")[0]))
        if only is None or persona_id in only:
            return None
        return f"the tool {name} is for {', '.join(only) or 'no persona'} only; see `personas` in its file"

    # ── while a server runs ──

    @asynccontextmanager
    async def opened(self, settle_s: float = SETTLE_S) -> AsyncIterator[Toolbox]:
        """While the block runs, HTTP tools can ask and MCP servers are connected to; it begins when each was tried, or
        after `settle_s`. What the block raises is raised as it is."""
        failure: BaseException | None = None
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.sender)
            group = await stack.enter_async_context(asyncio.TaskGroup())
            for name, server in self._servers.items():
                group.create_task(server.run(), name=f"mcp:{name}")
            try:
                await self._settled(settle_s)
                yield self
            except BaseException as fault:  # noqa: BLE001 - raised again below, without the group's wrapping
                failure = fault
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
        found = []
        for name, about in self._http.items():
            if about.health is not None:
                why = await probe(about, self.sender, self.secrets)
                found.append(Health(f"tool {name}", not why, why or "its service answers"))
        for name, server in self._servers.items():
            seen = server.why or f"connected, {len(server.tools)} tools"
            words = f" (it wrote: {server.last_words[:200]})" if server.why and server.last_words else ""
            found.append(Health(f"MCP server {name}", not server.why, seen + words))
        for connector in self._connectors:
            why = await connector.probe()
            found.append(Health(connector.about, not why, why or "answers"))
        return found

    @property
    def own(self) -> list[str]:
        """Names of the tools that are not Parley's: a user's, and those of MCP servers."""
        return [name for name in self if name not in self._built_in]

    def exposed(self) -> list[str]:
        """Secrets that other users of the machine may read. Reads the disk."""
        return self.secrets.exposed()

    # ── reading ──

    def _read_folder(self, folder: Path) -> list[str]:
        faults: list[str] = []
        for file in sorted(folder.glob("*.py")):
            faults += self._taken(file, *_python_tool(file))
        for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            try:
                match file.name:
                    case "mcp.yaml":
                        faults += self._read_mcp(file)
                    case "connectors.yaml":
                        faults += self._read_connectors(file)
                    case _:
                        faults += self._read_http(file)
            except FileFault as fault:
                faults += fault.faults
        return faults

    def _taken(self, file: Path, tool: Tool | None, faults: list[str]) -> list[str]:
        if tool is None:
            return faults
        if tool.name in self._fixed or "__" in tool.name:
            why = (
                "has __ in it, which parts an MCP server from its tool" if "__" in tool.name else "is taken"
            )
            return [f"{file}:1: the name {tool.name} {why}; choose another"]
        self._fixed[tool.name] = tool
        return []

    def _read_http(self, file: Path) -> list[str]:
        about = read_yaml(file, HttpTool, check_http)
        proofs = {
            each.auth.secret for each in (about.request, about.health) if each is not None and each.auth
        }
        faults = self._without_secret(file, proofs)
        faults += self._taken(file, http_tool(about, self.sender, self.secrets), [])
        if not faults:
            self._http[about.name] = about
            if about.personas is not None:
                self._reserved[about.name] = about.personas
        return faults

    def _read_mcp(self, file: Path) -> list[str]:
        about = read_yaml(file, McpFile, check_mcp)
        # A second and more to import, so only where it is wanted.
        from tools.mcp.session import Connection

        for name, server in about.servers.items():
            self._servers[name] = Connection(name, server, file.parent, self.sender.guard, self.secrets)
            self._mcp_personas[name] = server.personas
        return self._without_secret(
            file, {name for server in about.servers.values() for name in server.secret_names}
        )

    def _read_connectors(self, file: Path) -> list[str]:
        about = read_yaml(file, ConnectorsFile, check_connectors)
        from tools.connectors.opening import connected

        tools, self._connectors = connected(about, self._fixed, self.sender, self.secrets)
        self._fixed |= tools
        return self._without_secret(file, set(about.secret_names))

    def _without_secret(self, file: Path, names: set[str]) -> list[str]:
        """What is wrong with the secrets that a file names, each once, where the file first names it."""
        told = {name: fault for name in sorted(names) if (fault := self.secrets.fault(name))}
        lines = file.read_text(encoding="utf-8").splitlines() if told else []
        return [
            f"{file}:{next((at for at, line in enumerate(lines, 1) if name in line), 1)}: {fault}"
            for name, fault in told.items()
        ]


class _Names(Collection[str]):
    def __init__(self, box: Toolbox, servers: frozenset[str]) -> None:
        self._box = box
        self._servers = servers

    def __contains__(self, name: object) -> bool:
        if name in self._box:
            return True
        server, parted, tool = str(name).partition("__")
        return bool(parted and tool) and server in self._servers

    def __iter__(self) -> Iterator[str]:
        return iter(self._box)

    def __len__(self) -> int:
        return len(self._box)


def _python_tool(file: Path) -> tuple[Tool | None, list[str]]:
    """The tool that a user's file exports, or what is wrong with it."""
    spec = importlib.util.spec_from_file_location(f"parley_user_tools.{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as fault:  # noqa: BLE001 - somebody else's code; the fault is theirs to read
        return None, [f"{file}:{_line_of(fault, file)}: {type(fault).__name__}: {fault}"]
    tool = getattr(module, "tool", None)
    if not isinstance(tool, Tool):
        return None, [f"{file}:1: exports no `tool`; write `tool = Tool(...)`, as docs/extend.md shows"]
    return tool, []


def _line_of(fault: Exception, file: Path) -> int:
    if isinstance(fault, SyntaxError) and fault.filename == str(file) and fault.lineno:
        return fault.lineno
    lines = [
        frame.lineno for frame in traceback.extract_tb(fault.__traceback__) if frame.filename == str(file)
    ]
    return (lines[-1] if lines else None) or 1
