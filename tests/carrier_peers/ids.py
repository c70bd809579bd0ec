"""Ids as the carriers make them: random, and of the right form."""

from __future__ import annotations

import secrets
import uuid

__all__ = ["hex_id", "new_uuid", "sid"]


def sid(prefix: str) -> str:
    """Twilio's: two letters and 32 hexadecimal digits."""
    return f"{prefix}{secrets.token_hex(16)}"


def hex_id(length: int) -> str:
    return secrets.token_hex(length)


def new_uuid() -> str:
    return str(uuid.uuid4())
