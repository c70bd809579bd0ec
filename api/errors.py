"""What a handler raises when it cannot do what was asked; each surface writes it in its own envelope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

__all__ = ["STATUS_CODES", "ApiError", "Envelope", "Fault", "fault_of"]

STATUS_CODES = {
    400: "validation_error",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "conflict",
    413: "payload_too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    426: "upgrade_required",
    429: "rate_limited",
    500: "internal_error",
    502: "upstream_error",
    503: "service_unavailable",
}
"""HTTP status → the machine-readable word, where nothing more exact is known."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A refusal, before it is put in a surface's envelope."""

    status: int
    code: str
    message: str
    """A sentence for people; says how to mend it where that can be said."""
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Envelope = Callable[[Fault], web.Response]


class ApiError(Exception):
    """Raised by handlers, caught once in `api.app`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.fault = Fault(status, code or STATUS_CODES[status], message, param, headers or {})


_SENTENCES = {
    404: "There is nothing at this path.",
    405: "This path does not take that method.",
    413: "The body is too large.",
    415: "The body's content type is not taken here.",
}


def fault_of(error: web.HTTPException) -> Fault:
    """The refusal that aiohttp itself raised: an unknown path, a wrong method."""
    code = STATUS_CODES.get(error.status, "bad_request" if error.status < 500 else "internal_error")
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return Fault(error.status, code, _SENTENCES.get(error.status, error.reason), None, headers)
