"""An HTTP tool as its YAML file describes it: what the model sees, the request, what is taken of the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from yarl import URL

from tools.contract import Access
from tools.http.template import CONTEXT, fields
from tools.parameters import JsonSchemaParameters
from tools.secrets import SecretName, SecretRef
from tools.yaml_file import Fault

__all__ = ["Auth", "HttpTool", "Reply", "Request", "check"]

PARAMETER = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
HEADER = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$"
OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "trailer"}
)
"""Headers that belong to the connection, not to the tool."""


class _Part(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class Basic(_Part):
    user: str = Field(max_length=200)
    password: SecretRef


class Named(_Part):
    """A header or a query parameter that holds the secret."""

    name: str = Field(pattern=HEADER)
    secret: SecretName


class Auth(_Part):
    """How Parley proves itself: one of these."""

    bearer: SecretRef | None = Field(None, description="`Authorization: Bearer …`.")
    basic: Basic | None = Field(None, description="User and password.")
    header: Named | None = Field(None, description="A header of this name holds the secret.")
    query: Named | None = Field(
        None, description="A parameter of the URL holds it; servers write URLs down."
    )
    sign: SecretRef | None = Field(
        None, description="The request is signed with it, as the Standard Webhooks specification says."
    )

    @model_validator(mode="after")
    def _one(self) -> Auth:
        if sum(getattr(self, way) is not None for way in type(self).model_fields) != 1:
            raise ValueError("name exactly one of bearer, basic, header, query and sign")
        return self

    @property
    def secret(self) -> str:
        """The name of the secret."""
        if self.bearer is not None:
            return self.bearer.secret
        if self.basic is not None:
            return self.basic.password.secret
        if self.sign is not None:
            return self.sign.secret
        named = self.header or self.query
        assert named is not None
        return named.secret


class Request(_Part):
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str = Field(max_length=2000, description="https://host/path with `{parameter}` in the path.")
    query: dict[str, Any] = Field(
        {}, max_length=50, description="After the `?`; `{parameter}` in the values."
    )
    headers: dict[str, str] = Field({}, max_length=50)
    auth: Auth | None = None
    body: Any = Field(None, description="Sent as JSON; `{parameter}` in the texts.")
    form: dict[str, str] | None = Field(None, description="Sent as a form, in place of `body`.")

    @field_validator("url")
    @classmethod
    def _literal_host(cls, value: str) -> str:
        origin, _, rest = value.partition("://")
        host = rest.split("/", 1)[0].split("?", 1)[0]
        if "{" in host or "{" in origin:
            raise ValueError(
                "scheme and host must be written out; `{parameter}` may stand in the path only"
            )
        if "?" in value or "#" in value:
            raise ValueError("put what follows the ? under `query`; a # is not sent")
        try:
            url = URL(value.replace("{", "").replace("}", ""))
            port = url.port
        except ValueError:
            raise ValueError("write https://host/path") from None
        if url.scheme not in ("http", "https") or not url.host or port is None:
            raise ValueError("write https://host/path")
        if url.user is not None or url.password is not None:
            raise ValueError("holds a user or password; use `auth: {basic: …}`")
        return value

    @field_validator("headers")
    @classmethod
    def _headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not re.match(HEADER, name):
                raise ValueError(f"{name!r} is no name of a header")
            if name.lower() in OURS:
                raise ValueError(f"{name} belongs to the connection; remove it")
            if name.lower() == "authorization":
                raise ValueError("Authorization belongs under `auth`, which names a secret")
            if any(ord(char) < 32 or ord(char) == 127 for char in text):
                raise ValueError(f"{name}: must be one line")
        return value

    @model_validator(mode="after")
    def _one_body(self) -> Request:
        if self.body is not None and self.form is not None:
            raise ValueError("has body and form; keep one")
        if self.method in ("GET", "HEAD") and (self.body is not None or self.form is not None):
            raise ValueError(f"a {self.method} sends no body; use POST, or put the values under `query`")
        return self


class Reply(_Part):
    """What the model is told of the answer."""

    format: Literal["json", "text"] = "json"
    take: str | dict[str, str] | None = Field(
        None,
        description="JMESPath: of the whole answer, or one for each field of the result. None: all of it.",
    )
    explain: str | None = Field(None, description="JMESPath of the service's own words when it refuses.")
    errors: dict[Annotated[str, Field(pattern=r"^([1-5][0-9][0-9]|[1-5]xx)$")], str] = Field(
        {}, description="What the model is told for a status: `404`, `4xx`."
    )
    max_bytes: int = Field(1024 * 1024, ge=1, le=16 * 1024 * 1024)

    @field_validator("take", "explain")
    @classmethod
    def _compiles(cls, value: str | dict[str, str] | None) -> str | dict[str, str] | None:
        texts = value.values() if isinstance(value, dict) else () if value is None else (value,)
        for text in texts:
            try:
                jmespath.compile(text)
            except JMESPathError as fault:
                raise ValueError(f"{text!r} is no JMESPath: {str(fault).splitlines()[0]}") from None
        return value


class HttpTool(_Part):
    """One tool that asks an HTTP service."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str = Field(
        min_length=20, max_length=1024, description="Read by the model: what it does, when to use it."
    )
    category: str = Field("general", pattern=r"^[a-z][a-z0-9_]{0,31}$")
    effect: Literal["read", "write"] | None = Field(
        None, description="By default: read for GET and HEAD, else write."
    )
    idempotent: bool = Field(
        False,
        description="The service does the same Idempotency-Key once; then a write may be tried again.",
    )
    idempotency_header: str = Field("Idempotency-Key", pattern=HEADER)
    retries: int | None = Field(None, ge=0, le=10)
    timeout_s: float = Field(10.0, gt=0, le=120)
    max_concurrent: int | None = Field(None, ge=1, le=1000)
    approval: bool = False
    hipaa: bool = False
    access: Access = "global"
    personas: tuple[str, ...] | None = Field(
        None, description="The only personas that may list it; none: all."
    )
    parameters: dict[Annotated[str, Field(pattern=PARAMETER)], dict[str, Any]] = Field(
        {}, max_length=50, description="Name → JSON Schema; `optional: true` for one that may be left out."
    )
    request: Request
    reply: Reply = Reply()
    health: Request | None = Field(None, description="Asked by `parley doctor`: must answer below 400.")

    @property
    def writes(self) -> bool:
        return self.effect == "write" if self.effect else self.request.method not in ("GET", "HEAD")

    @property
    def required(self) -> list[str]:
        return [name for name, about in self.parameters.items() if about.get("optional") is not True]

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of the parameters: closed."""
        properties = {
            name: {key: value for key, value in about.items() if key != "optional"}
            for name, about in self.parameters.items()
        }
        return {
            "type": "object",
            "properties": properties,
            "required": self.required,
            "additionalProperties": False,
        }


def check(tool: HttpTool) -> Iterator[Fault]:
    """What the fields do not tell alone: templates that name nothing, values where they cannot stand."""
    for name, about in tool.parameters.items():
        if not about.get("description"):
            yield ("parameters", name), "needs a `description`: the model reads it"
        if "type" not in about and "enum" not in about:
            yield ("parameters", name), "needs a `type`: string, integer, number, boolean, array or object"
    try:
        JsonSchemaParameters(tool.json_schema())
    except ValueError as fault:
        yield ("parameters",), str(fault).removeprefix("parameters: ")
    if tool.retries and tool.writes and not tool.idempotent:
        yield (
            ("retries",),
            "a write is tried again only where the service does one Idempotency-Key once: idempotent: true",
        )
    yield from _templates(tool, "request", tool.request)
    if tool.health is not None:
        if tool.health.method not in ("GET", "HEAD"):
            yield ("health", "method"), "must be GET or HEAD: the doctor changes nothing"
        for where, text in _texts(tool.health):
            if any(fields(text)):
                yield ("health", *where), "may hold no {parameter}: nobody gives it one"


def _templates(tool: HttpTool, part: str, request: Request) -> Iterator[Fault]:
    known = ", ".join(tool.parameters) or "none"
    for where, text in _texts(request):
        in_path, in_body = where[0] == "url", where[0] == "body"
        for name in fields(text):
            at: tuple[int | str, ...] = (part, *where)
            if name.startswith("context."):
                if name.removeprefix("context.") not in CONTEXT:
                    yield (
                        at,
                        f"{{{name}}} is not there; there are {', '.join(f'context.{each}' for each in CONTEXT)}",
                    )
                continue
            about = tool.parameters.get(name)
            if about is None:
                yield at, f"{{{name}}} is none of the `parameters`; there are: {known}"
                continue
            if in_path and about.get("optional") is True and "default" not in about:
                yield at, f"{{{name}}} is optional, and a path cannot do without it; make it required"
            whole = text == f"{{{name}}}"
            if about.get("type") in ("array", "object") and not (
                whole and (in_body or (where[0] == "query" and about["type"] == "array"))
            ):
                yield at, f"{{{name}}} is an {about['type']}, which can stand only alone in the body"


def _texts(request: Request) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Every text of a request that may hold fields, with where it stands."""
    yield ("url",), request.url
    for part in ("query", "headers", "form", "body"):
        yield from _inner((part,), getattr(request, part))


def _inner(where: tuple[int | str, ...], value: Any) -> Iterator[tuple[tuple[int | str, ...], str]]:
    match value:
        case str():
            yield where, value
        case dict():
            for key, inner in value.items():
                yield from _inner((*where, key), inner)
        case list():
            for place, inner in enumerate(value):
                yield from _inner((*where, place), inner)
        case _:
            pass
