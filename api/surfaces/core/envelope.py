"""How errors look on the core contract: `{"error", "message"}` and no further key."""

from __future__ import annotations

from aiohttp import web

from api.errors import Fault

__all__ = ["envelope"]


def envelope(fault: Fault) -> web.Response:
    return web.json_response({"error": fault.code, "message": fault.message}, status=fault.status)
