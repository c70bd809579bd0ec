"""What a rehearsed call goes over: typed or spoken, it is told the same things and does the same."""

from __future__ import annotations

from typing import Protocol

from gateway.rehearsal.course import Course

__all__ = ["Line", "NoCall", "about_to_end"]

ENDS_CALL = frozenset({"hang_up", "hand_over", "transfer_call"})
"""Tools after which the agent ends the call."""


class NoCall(Exception):
    """The server takes no call; the text says why."""


class Line(Protocol):
    """One call. What happens is told to its `course`; nothing here raises for what the server does."""

    @property
    def course(self) -> Course: ...

    @property
    def over(self) -> bool:
        """The server has ended the call."""

    async def greeted(self) -> None:
        """Hear the agent's first words out."""

    async def say(self, text: str) -> None:
        """The caller says it, and listens until the agent has come to its end, or the call is over."""

    async def press(self, keys: str) -> None:
        """The caller types it on the telephone, and listens."""

    async def hang_up(self) -> None:
        """The caller ends the call, unless the agent is about to; `course.ending` is known then."""


def about_to_end(course: Course) -> bool:
    """Whether the agent has said that it ends the call."""
    return any(use.ok and use.tool in ENDS_CALL for use in course.uses(course.turn))
