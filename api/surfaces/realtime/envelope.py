"""How errors look on the realtime front: OpenAI's `{"error": {"message", "type", "code", "param"}}`."""

from __future__ import annotations

from aiohttp import web

from api.errors import Fault

__all__ = ["envelope"]

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def envelope(fault: Fault) -> web.Response:
    kind = _TYPES.get(fault.status, "server_error" if fault.status >= 500 else "invalid_request_error")
    error = {"message": fault.message, "type": kind, "code": fault.code, "param": fault.param}
    return web.json_response({"error": error}, status=fault.status)
