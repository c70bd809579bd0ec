"""`mcp.yaml`: the MCP servers whose tools Parley's agents may use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tools.contract import Access
from tools.http.model import Auth
from tools.secrets import SecretRef
from tools.yaml_file import Fault

__all__ = ["McpFile", "McpServer", "Ruling", "Rulings", "check"]

SERVER = r"^[a-z][a-z0-9]{0,23}$"
"""No underscore: `__` parts the server's name from the tool's."""


class _Part(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class Ruling(_Part):
    """What holds for a tool. What a server says of its own tools is a hint that nobody has to believe: without a word
    here a tool counts as one that changes something."""

    effect: Literal["read", "write"] = "write"
    idempotent: bool = False
    category: str = Field("general", pattern=r"^[a-z][a-z0-9_]{0,31}$")
    retries: int | None = Field(None, ge=0, le=10)
    timeout_s: float = Field(20.0, gt=0, le=300)
    max_concurrent: int | None = Field(None, ge=1, le=1000)
    approval: bool = False
    hipaa: bool = False
    access: Access = "global"


class Rulings(_Part):
    """The same, for some of a server's tools: what is not said is as for all of them."""

    effect: Literal["read", "write"] | None = None
    idempotent: bool | None = None
    category: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]{0,31}$")
    retries: int | None = Field(None, ge=0, le=10)
    timeout_s: float | None = Field(None, gt=0, le=300)
    max_concurrent: int | None = Field(None, ge=1, le=1000)
    approval: bool | None = None
    hipaa: bool | None = None
    access: Access | None = None


class McpServer(Ruling):
    """One server: a program that is started, or an address that is asked."""

    command: tuple[Annotated[str, Field(min_length=1, max_length=4096)], ...] | None = Field(
        None,
        min_length=1,
        description="Program and arguments; it speaks MCP on its standard input and output.",
    )
    env: dict[str, str | SecretRef] = Field(
        {}, description="Its environment, beside PATH, HOME and the like."
    )
    folder: str | None = Field(None, description="Where it runs; relative to the folder of mcp.yaml.")
    url: str | None = Field(
        None, max_length=2000, description="Endpoint of a server that speaks streamable HTTP."
    )
    headers: dict[str, str] = {}
    auth: Auth | None = None
    tools: tuple[str, ...] = Field(
        ("*",), description="Which of its tools: names, `*` and `?` as in file names."
    )
    personas: tuple[str, ...] | None = Field(
        None, description="The only personas that may list them; none: all."
    )
    for_tools: dict[str, Rulings] = Field(
        {}, description="What holds for single tools, by name or pattern."
    )

    @model_validator(mode="after")
    def _one_way(self) -> McpServer:
        if (self.command is None) == (self.url is None):
            raise ValueError(
                "has to have `command` (a program) or `url` (an address), and only one of them"
            )
        if self.url is None and (self.headers or self.auth):
            raise ValueError("headers and auth are for a `url`; give a program its secrets by `env`")
        if self.url is not None and (self.env or self.folder):
            raise ValueError("env and folder are for a `command`")
        if self.auth is not None and (self.auth.query is not None or self.auth.sign is not None):
            raise ValueError("auth must be bearer, basic or header here")
        return self

    @property
    def secret_names(self) -> list[str]:
        """The secrets that it needs."""
        named = [each.secret for each in self.env.values() if isinstance(each, SecretRef)]
        return named + ([self.auth.secret] if self.auth is not None else [])

    def takes(self, tool: str) -> bool:
        return any(fnmatchcase(tool, pattern) for pattern in self.tools)

    def ruling(self, tool: str) -> Ruling:
        """What holds for this tool: of its name first, then of patterns in their order, then of the server."""
        said = self.model_dump(include=set(Ruling.model_fields))
        for pattern in sorted(self.for_tools, key=lambda pattern: pattern == tool):
            if fnmatchcase(tool, pattern):
                said |= self.for_tools[pattern].model_dump(exclude_none=True)
        return Ruling.model_validate(said)


class McpFile(_Part):
    servers: dict[Annotated[str, Field(pattern=SERVER)], McpServer] = Field(min_length=1, max_length=32)


def check(file: McpFile) -> Iterator[Fault]:
    """What the fields do not tell alone."""
    for name, server in file.servers.items():
        at = ("servers", name)
        if server.url is not None and not re.match(r"https?://[^/?#]", server.url):
            yield (*at, "url"), "write https://host/path"
        for header, text in server.headers.items():
            if header.lower() == "authorization" or any(ord(char) < 32 for char in text):
                yield (*at, "headers", header), "must be one line; Authorization belongs under `auth`"
        for pattern in server.for_tools:
            ruling = server.ruling(pattern)
            if ruling.retries and ruling.effect == "write" and not ruling.idempotent:
                yield (
                    (*at, "for_tools", pattern, "retries"),
                    "a write is tried again only where it is idempotent",
                )
        if server.retries and server.effect == "write" and not server.idempotent:
            yield (*at, "retries"), "a write is tried again only where it is idempotent"
