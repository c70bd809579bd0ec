"""Messages as their carrier documents them, with nothing forgiven."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from tests.carrier_peers.faults import Broken, Frame

__all__ = ["Base64", "Strict", "dumped", "judged", "loaded"]

T = TypeVar("T")


class Strict(BaseModel):
    """An object with exactly these keys and types; strings are no numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("not a base64 string")  # noqa: TRY004 - pydantic turns ValueError into its own
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None


Base64 = Annotated[bytes, BeforeValidator(_decoded)]
"""Standard alphabet, padded, no line breaks."""


def loaded(frame: Frame, code: str, rule: str) -> dict[str, Any]:
    """The JSON object of a text frame. Raises Broken."""
    if isinstance(frame, bytes):
        raise Broken(code, "a binary frame where text is expected", rule)
    try:
        value = orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        raise Broken(code, f"not JSON: {error}", rule) from None
    if not isinstance(value, dict):
        raise Broken(code, "JSON, but not an object", rule)
    return value


def judged(kind: TypeAdapter[T], value: object, code: str, rule: str) -> T:
    """A value of the documented type. Raises Broken, naming the first difference."""
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the message"
        raise Broken(code, f"{place}: {first['msg']}", rule) from None


def dumped(value: object) -> str:
    """Compact JSON text."""
    return orjson.dumps(value).decode()
