"""What a user's folder of tools says, with Parley's own tools: read whole, and read again when it changes.

The folder (`PARLEY_TOOLS_DIR`) has one-file Python tools (`*.py`), HTTP tools (`*.yaml`), the MCP servers to take tools
from (`mcp.yaml`) and the connectors that tools act through (`connectors.yaml`).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

from tools import library
from tools.contract import Tool
from tools.outbound.sender import Sender
from tools.secrets import Secrets
from tools.yaml_file import FileFault, read_yaml

if TYPE_CHECKING:
    from tools.connectors.health import Connector
    from tools.http.model import HttpTool
    from tools.mcp.model import McpServer

__all__ = ["Kit", "KitFiles", "ToolboxError"]

SPEAKER = "tools.mcp.session"
"""What speaks to MCP servers: it takes a second and more to import."""
Stamp = tuple[tuple[str, int, int], ...]


class ToolboxError(Exception):
    """Files of tools are wrong; `faults` lists every one as `file:line: what is wrong; what to do`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass
class Kit:
    """All that was read at one time."""

    fixed: dict[str, Tool] = field(default_factory=dict)
    """The tools that are known by then, by name."""
    built_in: frozenset[str] = frozenset()
    http: dict[str, HttpTool] = field(default_factory=dict)
    connectors: list[Connector] = field(default_factory=list)
    servers: dict[str, McpServer] = field(default_factory=dict)
    _reserved: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def reserved(self, name: str, persona_id: str) -> str | None:
        """Why this persona may not list the tool; None when it may."""
        server = self.servers.get(name.partition("__")[0])
        only = self._reserved.get(name, None if server is None else server.personas)
        if only is None or persona_id in only:
            return None
        return f"the tool {name} is for {', '.join(only) or 'no persona'} only; see `personas` in its file"

    def reserve(self, name: str, personas: tuple[str, ...]) -> None:
        self._reserved[name] = personas


class KitFiles:
    """The files of a kit. Its methods read the disk, for a thread; not for two at once. What a kind of file takes to be
    read is imported where there is one: most servers have none."""

    def __init__(self, folder: Path | None, secrets: Secrets, sender: Sender) -> None:
        self.folder = folder
        self._secrets = secrets
        self._sender = sender
        self._python: dict[Path, tuple[tuple[str, int, int], Tool]] = {}
        self._kit = Kit()
        self._again = False
        self.loaded: Stamp = ()
        """As the files were when they were last loaded, whatever came of it."""

    def stamp(self) -> Stamp:
        """Changes with the files, and with which secrets there are."""
        return tuple(_stamp(file) for file in self._files()) + self._secrets.stamp()

    def load(self) -> Kit:
        """A Python tool whose file is as it was stays the very same. Raises ToolboxError with every fault of every
        file."""
        self.loaded = self.stamp()
        self._kit = kit = Kit()
        faults: list[str] = []
        try:
            kit.fixed = library.load()
            kit.built_in = frozenset(kit.fixed)
        except ValueError as fault:
            faults.append(str(fault))
        if self.folder is not None and not self.folder.is_dir():
            faults.append(f"PARLEY_TOOLS_DIR: {self.folder} is no folder; make it, or correct the setting")
        for file in self._files():
            faults += self._read(file)
        if faults:
            raise ToolboxError(faults)
        self._again = True
        return kit

    def _files(self) -> list[Path]:
        if self.folder is None or not self.folder.is_dir():
            return []
        yaml = [*self.folder.glob("*.yaml"), *self.folder.glob("*.yml")]
        return [*sorted(self.folder.glob("*.py")), *sorted(yaml)]

    def _read(self, file: Path) -> list[str]:
        try:
            if file.suffix == ".py":
                return self._read_python(file)
            match file.name:
                case "mcp.yaml":
                    return self._read_mcp(file)
                case "connectors.yaml":
                    return self._read_connectors(file)
                case _:
                    return self._read_http(file)
        except FileFault as fault:
            return fault.faults

    def _read_python(self, file: Path) -> list[str]:
        stamp = _stamp(file)
        known = self._python.get(file)
        tool, faults = (known[1], []) if known is not None and known[0] == stamp else _python_tool(file)
        if tool is not None:
            self._python[file] = stamp, tool
        return self._taken(file, tool, faults)

    def _taken(self, file: Path, tool: Tool | None, faults: list[str]) -> list[str]:
        if tool is None:
            return faults
        if tool.name in self._kit.fixed or "__" in tool.name:
            why = (
                "has __ in it, which parts an MCP server from its tool" if "__" in tool.name else "is taken"
            )
            return [f"{file}:1: the name {tool.name} {why}; choose another"]
        self._kit.fixed[tool.name] = tool
        return []

    def _read_http(self, file: Path) -> list[str]:
        from tools.http.model import HttpTool, check
        from tools.http.tool import http_tool

        about = read_yaml(file, HttpTool, check)
        proofs = {
            each.auth.secret for each in (about.request, about.health) if each is not None and each.auth
        }
        faults = self._without_secret(file, proofs)
        faults += self._taken(file, http_tool(about, self._sender, self._secrets), [])
        if not faults:
            self._kit.http[about.name] = about
            if about.personas is not None:
                self._kit.reserve(about.name, about.personas)
        return faults

    def _read_mcp(self, file: Path) -> list[str]:
        from tools.mcp.model import McpFile, check

        about = read_yaml(file, McpFile, check)
        if self._again and SPEAKER not in sys.modules:
            return [
                f"{file}:1: there were no MCP servers at the start, and calls would hear it if that were caught up "
                "with now; start Parley again"
            ]
        importlib.import_module(SPEAKER)
        self._kit.servers = dict(about.servers)
        return self._without_secret(
            file, {name for server in about.servers.values() for name in server.secret_names}
        )

    def _read_connectors(self, file: Path) -> list[str]:
        from tools.connectors.model import ConnectorsFile, check
        from tools.connectors.opening import connected

        about = read_yaml(file, ConnectorsFile, check)
        tools, self._kit.connectors = connected(about, self._kit.fixed, self._sender, self._secrets)
        self._kit.fixed |= tools
        return self._without_secret(file, set(about.secret_names))

    def _without_secret(self, file: Path, names: set[str]) -> list[str]:
        """What is wrong with the secrets that a file names, each once, where the file first names it."""
        told = {name: fault for name in sorted(names) if (fault := self._secrets.fault(name))}
        lines = file.read_text(encoding="utf-8").splitlines() if told else []
        return [
            f"{file}:{next((at for at, line in enumerate(lines, 1) if name in line), 1)}: {fault}"
            for name, fault in told.items()
        ]


class _Fresh(SourceFileLoader):
    """Never what was compiled before: that is told from the source by its size and by whole seconds only."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _python_tool(file: Path) -> tuple[Tool | None, list[str]]:
    """The tool that a user's file exports, or what is wrong with it."""
    loader = _Fresh(f"parley_user_tools.{file.stem}", str(file))
    spec = importlib.util.spec_from_file_location(loader.name, file, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    try:
        loader.exec_module(module)
    except Exception as fault:  # noqa: BLE001 - somebody else's code; the fault is theirs to read
        return None, [f"{file}:{_line_of(fault, file)}: {type(fault).__name__}: {fault}"]
    tool = getattr(module, "tool", None)
    if not isinstance(tool, Tool):
        return None, [f"{file}:1: exports no `tool`; write `tool = Tool(...)`, as docs/extend.md shows"]
    try:
        tool.schema()
    except Exception as fault:  # noqa: BLE001 - as above: agents would learn of it in the midst of a call
        told = f"{type(fault).__name__}: {fault}".splitlines()[0]
        return None, [
            f"{file}:1: its parameters have no JSON Schema ({told}); give it a model of plain fields"
        ]
    return tool, []


def _line_of(fault: Exception, file: Path) -> int:
    if isinstance(fault, SyntaxError) and fault.filename == str(file) and fault.lineno:
        return fault.lineno
    lines = [
        frame.lineno for frame in traceback.extract_tb(fault.__traceback__) if frame.filename == str(file)
    ]
    return (lines[-1] if lines else None) or 1


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        told = file.stat()
    except OSError:
        return (str(file), 0, 0)
    return (str(file), told.st_mtime_ns, told.st_size)
