"""Opaque ids in the form of the realtime protocol: a prefix and enough random digits."""

from __future__ import annotations

import secrets

__all__ = ["new_id"]


def new_id(prefix: str) -> str:
    """`event_…`, `item_…`, `resp_…`, `sess_…`, `conv_…`, `call_…`: the prefix and 96 random bits, under 32
    characters, which is the longest item id that a client may choose."""
    return f"{prefix}_{secrets.token_hex(12)}"
