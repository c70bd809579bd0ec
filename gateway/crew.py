"""Which worker process of this machine a call lives in: the ids of calls, sessions and tokens say so.

A gateway of one process is a crew of one, and all is at home. In a larger one each worker has a number, and what it
names carries that number; a request that comes to another worker is handed over to the one whose it is, with its
connection (`gateway.workers.mailbox`). Every worker reads the same home from the same id, so nobody keeps an index.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

__all__ = ["MOST", "Crew", "Elsewhere", "crew", "enlist", "stay"]

MOST = 64
"""Workers of one machine."""
_MARK = 2
"""Hexadecimal digits at the beginning of an id that tell the worker."""


class Elsewhere(Exception):
    """What was asked for lives in another worker: the request is to go there. Nothing was done yet."""

    def __init__(self, home: int) -> None:
        super().__init__(f"at worker {home}")
        self.home = home


@dataclass(frozen=True, slots=True)
class Crew:
    """The workers of this machine, as one of them sees them."""

    here: int = 0
    """Which one this is, from 0."""
    size: int = 1

    def mark(self, digits: str) -> str:
        """Random hexadecimal digits, the first of them telling that this worker is their home. Of a crew of one they
        tell nothing, and stay as they are."""
        return digits if self.size == 1 else f"{self.here:0{_MARK}x}{digits[_MARK:]}"

    def home(self, digits: str) -> int:
        """Whose id begins with these digits: the same in every worker, whoever made it and however many there were
        then. What is no id of ours has its home here, where it will not be found."""
        try:
            return int(digits[:_MARK], 16) % self.size
        except ValueError:
            return self.here

    def home_of_call(self, call_id: str) -> int:
        """Of an id as `gateway.supervisor` makes them."""
        return self.home(call_id.removeprefix("rtc_"))

    def home_of_name(self, name: str) -> int:
        """Of a name that somebody else gave (a webhook's id): one worker remembers it, and any can reckon which."""
        return zlib.crc32(name.encode("utf-8", "surrogatepass")) % self.size


_crew = Crew()


def enlist(one: Crew) -> None:
    """Once, as a worker starts: which one this process is, for as long as it lives."""
    global _crew
    _crew = one


def crew() -> Crew:
    return _crew


def stay(home: int) -> None:
    """Raises Elsewhere when that is another worker."""
    if home != _crew.here:
        raise Elsewhere(home)
