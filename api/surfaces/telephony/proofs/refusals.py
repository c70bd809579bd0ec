"""Refusals in the log: those who set a carrier up look for them there, and anybody may cause thousands a second."""

from __future__ import annotations

import logging

from gateway.clients.bucket import Bucket

__all__ = ["Refusals"]

logger = logging.getLogger(__name__)

AT_ONCE = 30
A_SECOND = 0.5


class Refusals:
    """One line each, as long as they are few; of more than that only how many there were."""

    def __init__(self) -> None:
        self._bucket = Bucket(rate=A_SECOND, burst=AT_ONCE)
        self._untold = 0

    def tell(self, line: str, now: float) -> None:
        """`line` says what was refused and why; `now` in seconds."""
        if not self._bucket.take(1, now):
            self._untold += 1
            return
        untold, self._untold = self._untold, 0
        if untold:
            logger.warning("refused: %d more, which are not told one by one", untold)
        logger.warning("refused: %s", line)
