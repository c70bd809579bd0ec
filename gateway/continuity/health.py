"""How each provider is: whether it may be tried now, and what became of it last. One registry for all calls.

A provider that failed is left alone for a while, 1 s at first and twice as long each time, up to a minute; one that
refused us (a wrong key, an unknown model) longer, since nobody expects that to mend by itself. Failures that many calls
report within one pause count as one. No I/O; times are seconds of the caller's clock.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Failure", "Health", "ProviderState"]

logger = logging.getLogger(__name__)

Failure = Literal["unavailable", "refused", "lost", "stalled"]
"""What went wrong: it could not be reached, it did not want us, its session broke, it fell silent."""

FIRST_S = {"unavailable": 1.0, "refused": 30.0, "lost": 1.0, "stalled": 1.0}
LONGEST_S = {"unavailable": 60.0, "refused": 600.0, "lost": 60.0, "stalled": 60.0}

WAIT_S = 1.0
"""Longest pause of a call that has no provider at all: it has only seconds left."""


@dataclass(frozen=True, slots=True)
class ProviderState:
    """One provider, as `/readyz` shows it."""

    name: str
    up: bool
    """Nothing has failed since it last did its work."""
    failures: int
    """In a row, those within one pause counted once."""
    last_failure: Failure | None
    """Of those; None while it is up."""
    next_try_in_s: float
    """How long until it is tried again; 0: at once."""


@dataclass(slots=True)
class Record:
    failures: int = 0
    last: Failure | None = None
    next_try: float = 0.0


class Health:
    def __init__(self, names: Sequence[str]) -> None:
        self._records = {name: Record() for name in names}

    def failed(self, name: str, how: Failure, now: float) -> None:
        record = self._records[name]
        if record.failures and now < record.next_try and record.last == how:
            return
        record.failures += 1
        record.last = how
        pause = min(LONGEST_S[how], FIRST_S[how] * 2.0 ** min(record.failures - 1, 16))
        record.next_try = now + pause
        logger.warning("provider %s is down: %s, tried again in %.0f s", name, how, pause)

    def opened(self, name: str) -> None:
        """A session could be opened: what kept it from that is over."""
        if self._records[name].last in ("unavailable", "refused"):
            self.proven(name)

    def proven(self, name: str) -> None:
        """It brought a reply to its end."""
        record = self._records[name]
        if record.failures:
            self._records[name] = Record()
            logger.info("provider %s is up again", name)

    def order(
        self,
        now: float,
        *,
        after: str | None = None,
        keep: bool = False,
        among: Collection[str] | None = None,
    ) -> list[str]:
        """Those that may be tried now, in order: from the one that follows `after`, wrapping round, or, to `keep` it,
        from `after` itself. `among`: none but these."""
        return [name for name in self._from(after, keep, among) if now >= self._records[name].next_try]

    def choose(
        self,
        now: float,
        *,
        after: str | None = None,
        keep: bool = False,
        attempt: int = 0,
        among: Collection[str] | None = None,
    ) -> tuple[str, float]:
        """The provider to try next, and how long to wait before it. When none may be tried one is all the same,
        since a caller waits: the one whose turn comes first, at once unless it was tried in vain. `among`: none but
        these, one at least."""
        fit = self.order(now, after=after, keep=keep, among=among)
        if fit:
            return fit[0], 0.0
        first = min(self._from(after, keep, among), key=lambda name: self._records[name].next_try)
        wait = min(self._records[first].next_try - now, WAIT_S) if attempt else 0.0
        return first, wait

    def snapshot(self, now: float) -> tuple[ProviderState, ...]:
        """Every provider, in order of preference."""
        return tuple(
            ProviderState(
                name, record.failures == 0, record.failures, record.last, max(0.0, record.next_try - now)
            )
            for name, record in self._records.items()
        )

    def _from(self, after: str | None, keep: bool, among: Collection[str] | None) -> list[str]:
        names = list(self._records)
        if after in self._records:
            at = names.index(after) + (0 if keep else 1)
            names = names[at:] + names[:at]
        return names if among is None else [name for name in names if name in among]
