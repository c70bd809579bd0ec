"""How refusals look to clients of MCP: an error of JSON-RPC that answers no request in particular."""

from __future__ import annotations

from aiohttp import web

from api.errors import Fault

__all__ = ["envelope"]

INVALID_REQUEST, INTERNAL_ERROR = -32600, -32603
"""As JSON-RPC 2.0 has them."""


def envelope(fault: Fault) -> web.Response:
    code = INTERNAL_ERROR if fault.status >= 500 else INVALID_REQUEST
    error = {"code": code, "message": fault.message}
    return web.json_response({"jsonrpc": "2.0", "id": None, "error": error}, status=fault.status)
