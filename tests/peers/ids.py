"""Names as the vendor's look: a prefix and something opaque, never longer than 32 characters (section 2)."""

from __future__ import annotations

import secrets

__all__ = ["new_id"]


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(10)}"
