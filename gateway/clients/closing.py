"""How a WebSocket client learns that its call is over: an `error` where something is wrong, and a close code
(RFC 6455 section 7.4.1; reference section 10: official clients reconnect after 1001 and 1011, not after 1000)."""

from __future__ import annotations

from aiohttp import WSCloseCode

from gateway.errors import (
    CALLER_SILENT,
    CRASHED,
    DRAINED,
    ENDINGS,
    INTERNAL_ERROR,
    PROTOCOL,
    SESSION_BUSY,
    TOO_LONG,
    Ending,
    Side,
)
from gateway.ports import Event
from gateway.realtime import server_events as say

__all__ = ["close_code", "last_words"]

CODES = {
    DRAINED: WSCloseCode.GOING_AWAY,
    PROTOCOL: WSCloseCode.POLICY_VIOLATION,
    SESSION_BUSY: WSCloseCode.TRY_AGAIN_LATER,
    INTERNAL_ERROR: WSCloseCode.INTERNAL_ERROR,
    CRASHED: WSCloseCode.INTERNAL_ERROR,
}

CLIENT_ERRORS = {
    TOO_LONG: ("session_expired", "Your session hit its maximum duration."),
    CALLER_SILENT: ("session_expired", "Nothing was sent for too long."),
    SESSION_BUSY: ("session_busy", "This session already has a live call."),
}


def close_code(ending: Ending) -> int:
    if ending.side is Side.MODEL:
        return WSCloseCode.INTERNAL_ERROR
    return CODES.get(ending, WSCloseCode.OK)


def last_words(ending: Ending) -> Event | None:
    """The `error` before the close; None when the ending is nobody's fault."""
    if ending in CLIENT_ERRORS:
        code, told = CLIENT_ERRORS[ending]
        return say.error(told, code=code)
    if ending.side is Side.MODEL or ending in (INTERNAL_ERROR, CRASHED):
        told = ENDINGS[ending]
        return say.error(
            f"{told[0].upper()}{told[1:]}.",
            code=f"{ending.side}_{_snake(ending.reason)}",
            kind="server_error",
        )
    return None


def _snake(reason: str) -> str:
    return reason.replace("-", "_")
