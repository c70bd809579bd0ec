"""The core contract as a judge: every JSON answer of its operations is held against its schema."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from jsonschema import Draft202012Validator

from api.surfaces.core.documents import CONTRACT as FILE

__all__ = ["CONTRACT", "Watch", "faults"]

CONTRACT: dict[str, Any] = orjson.loads(FILE.read_bytes())
_NAME = re.compile(r"\{[^}]*\}")
_PATHS = {_NAME.sub("{}", path): path for path in CONTRACT["paths"]}


@cache
def _validator(method: str, path: str, status: int) -> Draft202012Validator | None:
    """Of a JSON answer; None where the contract declares none."""
    responses = CONTRACT["paths"][path][method.lower()]["responses"]
    schema = responses.get(str(status), {}).get("content", {}).get("application/json", {}).get("schema")
    return None if schema is None else Draft202012Validator(schema)


def faults(method: str, path: str, status: int, body: Any) -> str:
    """What is wrong with a JSON answer of the contract's operation; empty: nothing. A refusal that the contract does
    not declare, such as 413, has the envelope of all the others."""
    judge = _validator(method, path, status)
    if judge is None:
        if status < 400:
            declared = str(status) in CONTRACT["paths"][path][method.lower()]["responses"]
            return "" if declared else f"{method} {path}: {status} is not declared"
        known = isinstance(body, dict) and {"error"} <= set(body) <= {"error", "message"}
        return "" if known else f"{method} {path}: {status} has no envelope: {body}"
    found = sorted(judge.iter_errors(body), key=str)
    return "; ".join(f"{method} {path} {list(fault.absolute_path)}: {fault.message}" for fault in found[:3])


class Watch:
    """Reads along with everything that an application answers."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            resource = request.match_info.route.resource
            path = None if resource is None else _PATHS.get(_NAME.sub("{}", resource.canonical))
            if (
                path is not None
                and request.method.lower() in CONTRACT["paths"][path]
                and isinstance(response, web.Response)
                and response.content_type == "application/json"
                and isinstance(response.body, bytes)
            ):
                told = faults(request.method, path, response.status, orjson.loads(response.body))
                if told:
                    self.faults.append(told)
            return response

        return watch
