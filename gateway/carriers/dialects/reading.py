"""What a carrier's message holds, read without trust: whatever is not as the carrier documents it is a StreamFault."""

from __future__ import annotations

import binascii
from collections.abc import Mapping

import orjson

from gateway.wire import StreamFault

__all__ = [
    "LONGEST_AUDIO",
    "LONGEST_TEXT",
    "key_of",
    "message_object",
    "object_in",
    "samples",
    "text_in",
    "texts_in",
    "unbase64",
]

LONGEST_TEXT = 1 << 17
"""Characters of one text message. Descriptions of calls have a few thousand, twenty milliseconds of audio 1,300."""
LONGEST_AUDIO = 1 << 16
"""Bytes of one binary message: no carrier sends more than 64,000."""

KEYS = frozenset("0123456789*#ABCD")


def message_object(text: str) -> dict[str, object]:
    """The JSON object that a text message is. Raises StreamFault when it is none."""
    if len(text) > LONGEST_TEXT:
        raise StreamFault("a text message longer than any that is documented")
    try:
        value = orjson.loads(text)
    except ValueError:
        raise StreamFault("a text message that is no JSON") from None
    if not isinstance(value, dict):
        raise StreamFault("a text message that is no JSON object")
    return value


def object_in(fields: Mapping[str, object], name: str) -> dict[str, object]:
    """The object called `name`; empty when there is none."""
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def text_in(fields: Mapping[str, object], name: str) -> str:
    """The text called `name`; empty when there is none."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def texts_in(fields: Mapping[str, object]) -> dict[str, str]:
    """Those of the fields that are texts."""
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def key_of(value: object) -> str | None:
    """The key of a telephone, as `Digit` wants it; None for anything else."""
    if isinstance(value, str) and (upper := value.upper()) in KEYS:
        return upper
    return None


def unbase64(value: object) -> bytes:
    """The bytes of a base64 text (RFC 4648, section 4). Raises StreamFault when it is none."""
    try:
        return binascii.a2b_base64(value, strict_mode=True)  # type: ignore[arg-type]  # anything else is a TypeError
    except (ValueError, TypeError):
        raise StreamFault("audio that is no base64") from None


def samples(data: bytes) -> bytes:
    """PCM16 of a message, checked. Raises StreamFault for half a sample, or for more than any carrier sends."""
    if len(data) & 1:
        raise StreamFault("audio that ends within a sample")
    if len(data) > LONGEST_AUDIO:
        raise StreamFault("a binary message longer than any that is documented")
    return data
