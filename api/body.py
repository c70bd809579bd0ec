"""Request bodies: bounded, in time and in size, before anything looks at them."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from api.errors import ApiError
from gateway.realtime.weight import MAX_VALUES, too_many_values
from tools.wording import in_words, place

__all__ = ["JSON_LIMIT", "READ", "json_object", "parsed", "read"]

M = TypeVar("M", bound=BaseModel)

JSON_LIMIT = 64 * 1024
_READ_S = 10.0
READ = web.RequestKey("READ", bytes)
"""Where a request keeps its body, once that was read."""


async def read(request: web.Request, limit: int) -> bytes:
    """The body, of at most `limit` bytes. Raises ApiError 413, 408 or 400."""
    if request.content_length is not None and request.content_length > limit:
        raise ApiError(413, f"The body may have at most {limit} bytes.")
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise ApiError(413, f"The body may have at most {limit} bytes.")
    except TimeoutError:
        raise ApiError(408, f"The body did not arrive within {_READ_S:.0f} seconds.") from None
    except web.RequestPayloadError:
        raise ApiError(400, "The body could not be read.") from None
    request[READ] = whole = bytes(body)
    return whole


async def json_object(request: web.Request, limit: int = JSON_LIMIT) -> dict[str, Any]:
    """The body as a JSON object. Raises ApiError 400, 408, 413, 415."""
    if request.content_type != "application/json":
        raise ApiError(415, "Send the body as application/json.")
    raw = await read(request, limit)
    if too_many_values(raw.decode("latin-1")):
        raise ApiError(400, f"The body may hold at most {MAX_VALUES} values.")
    try:
        document: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ApiError(400, "The body is not JSON.") from None
    if not isinstance(document, dict):
        raise ApiError(400, "The body must be a JSON object.")
    if b"\\u0000" in raw and _holds_nul(document):
        # PostgreSQL has no place for it: the database would seem not to answer.
        raise ApiError(400, "No text of the body may hold the character U+0000; leave it out.")
    return document


def _holds_nul(document: object) -> bool:
    todo = [document]
    while todo:
        match todo.pop():
            case str(text):
                if "\x00" in text:
                    return True
            case dict(inner):
                todo += [*inner, *inner.values()]
            case list(inner):
                todo += inner
            case _:
                pass
    return False


async def parsed(request: web.Request, model: type[M]) -> M:
    """The body as a JSON object of `model`; keys it does not know are ignored. Raises ApiError 400, 408, 413, 415."""
    document = await json_object(request)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = place(first["loc"])
        raise ApiError(400, f"{where}: {in_words(first)}", param=where) from None
