"""The events of a model's session by callback, where the session can do that: no coroutine is woken for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from gateway.ports import Event, ModelSession

__all__ = ["Carries", "carry"]


@runtime_checkable
class Carries(Protocol):
    """A `gateway.ports.ModelSession` that need not be iterated over."""

    async def carry(self, take: Callable[[Event], None]) -> None:
        """Call `take` with each event, in order, from a callback of the loop: never from within `send` or `audio`.
        Returns or raises as the iteration ends, and raises what `take` raises, who is told of nothing more then. May
        follow an iteration that was left."""


async def carry(session: ModelSession, take: Callable[[Event], None]) -> None:
    """`session.carry`, or an iteration over it."""
    if isinstance(session, Carries):
        await session.carry(take)
        return
    async for event in session:
        take(event)
