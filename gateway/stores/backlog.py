"""The rows that wait to be written."""

from __future__ import annotations

from collections import deque
from itertools import islice

from gateway.stores.rows import Row

__all__ = ["MAX_BYTES", "MAX_ROWS", "Backlog"]

MAX_ROWS = 10_000
MAX_BYTES = 16 * 1024 * 1024


class Backlog:
    """Rows in the order they came. Bounded in number and in bytes of text; what does not fit is not taken, and the
    one who offered it counts it."""

    def __init__(self) -> None:
        self._rows: deque[Row] = deque()
        self.size = 0
        """Bytes of text, about."""

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Row) -> bool:
        """Whether the row was taken."""
        if len(self._rows) >= MAX_ROWS or self.size + row.size > MAX_BYTES:
            return False
        self._rows.append(row)
        self.size += row.size
        return True

    def first(self, count: int) -> list[Row]:
        """The `count` oldest, or all; they stay until `forget`."""
        return list(islice(self._rows, count))

    def forget(self, count: int) -> None:
        """Drop the `count` oldest: they are written."""
        for _ in range(count):
            self.size -= self._rows.popleft().size
