"""Times as the core contract writes them."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["iso", "millis"]


def iso(seconds: float) -> str:
    """Unix seconds → ISO 8601, UTC, with `Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def millis(seconds: float) -> int:
    """Unix seconds → Unix milliseconds, the contract's numeric times."""
    return round(seconds * 1000)
