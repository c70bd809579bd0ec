"""The fields of carriers' webhooks: forms, queries and JSON, bounded and without surprises."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from api.surfaces.telephony.desk import Asked, Unreadable

__all__ = [
    "ID_LONGEST",
    "form_of",
    "identity",
    "json_of",
    "number",
    "parameters",
    "party",
    "rfc2822",
    "stamp",
]

FIELDS_AT_MOST = 200
ID_LONGEST = 128
PARTY_LONGEST = 200


def form_of(asked: Asked) -> dict[str, str]:
    """The fields of a form; of a GET the query. Of a field given twice the first. Raises Unreadable."""
    text = asked.body if asked.method == "POST" else urlsplit(asked.url).query.encode()
    try:
        pairs = parse_qsl(
            text.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_AT_MOST
        )
    except ValueError:
        raise Unreadable("The body is no form.") from None
    return dict(reversed(pairs))


def json_of(asked: Asked) -> dict[str, Any]:
    """The JSON object of the body. Raises Unreadable."""
    try:
        value = orjson.loads(asked.posted)
    except orjson.JSONDecodeError:
        raise Unreadable("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Unreadable("The body must be a JSON object.")
    return value


def parameters(asked: Asked) -> dict[str, str]:
    """The query of a GET, or the texts of a JSON body. Raises Unreadable."""
    if asked.method == "GET":
        return form_of(asked)
    return {name: value for name, value in json_of(asked).items() if isinstance(value, str)}


def identity(fields: Mapping[str, object], name: str) -> str:
    """The carrier's name of a call. Raises Unreadable without one."""
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= ID_LONGEST or not value.isprintable():
        raise Unreadable(f"The webhook names no call: {name} is missing.")
    return value


def party(fields: Mapping[str, object], name: str) -> str:
    """A number or an address; empty when there is none that could be one."""
    value = fields.get(name)
    return value if isinstance(value, str) and len(value) <= PARTY_LONGEST and value.isprintable() else ""


def number(fields: Mapping[str, object], name: str) -> int | None:
    """A count, as a number or its digits; None where there is none."""
    value = fields.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15:
        return value
    return None


def rfc2822(text: str, otherwise: float) -> float:
    """Unix seconds of `Fri, 02 Jan 2026 03:04:05 +0000`."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return otherwise


def stamp(value: object, otherwise: float) -> float:
    """Unix seconds of an ISO 8601 time; one without a zone is UTC."""
    if not isinstance(value, str):
        return otherwise
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return otherwise
