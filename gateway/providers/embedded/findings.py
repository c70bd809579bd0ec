"""What a tongue finds in words: days and times, digits, names. The same for every language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

__all__ = ["PARTS", "Clock", "DigitRun", "Moment", "Name"]

PARTS: dict[str, tuple[time, time]] = {
    "morning": (time(0), time(12)),
    "afternoon": (time(12), time(18)),
    "evening": (time(16), time(23, 59)),
    "night": (time(18), time(23, 59)),
}
"""Parts of the day, from and until. Each tongue has its own words for them."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day, or a part of the day."""

    at: time | None = None
    part: str | None = None
    sure: bool = True
    taken: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, a time of day, or both; `part` is a part of the day, `soonest` that any day will do."""

    day: date | None = None
    at: time | None = None
    part: str | None = None
    soonest: bool = False
    sure: bool = True
    """False when a word was only like the one it was taken for."""
    taken: frozenset[int] = frozenset()
    """The tokens it was read from."""

    def __bool__(self) -> bool:
        return self.day is not None or self.at is not None or self.part is not None or self.soonest

    def over(self, older: Moment) -> Moment:
        """This one, with what it leaves open taken from `older`."""
        timed = self.at is not None or self.part is not None
        return Moment(
            self.day if self.day is not None or self.soonest else older.day,
            self.at if timed else older.at,
            self.part if timed else older.part,
            self.soonest or (older.soonest and self.day is None),
            self.sure,
            self.taken,
        )


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits said one after another, and the tokens they came from."""

    digits: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it was understood."""

    text: str
    sure: bool
    """False when it was taken for a name only because one was asked for."""
