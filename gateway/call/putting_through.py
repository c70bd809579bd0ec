"""A caller whose sound does not pass here is put through to somebody: by the carrier, without us. Pure."""

from __future__ import annotations

from gateway.call.effects import Effect, Reach, TransferFailed
from gateway.call.inputs import TransferAnswered

__all__ = ["PuttingThrough"]

SAY_S = 0.4
"""Before this the agent may be about to say that it will."""
LATEST_S = 10.0
"""After this it is not waited for any more."""


class PuttingThrough:
    """One transfer at a time; the tool that asked sees to that."""

    def __init__(self) -> None:
        self._target: str | None = None
        self._asked_at = 0.0
        self._reached = False

    def asked(self, target: str, now: float) -> list[Effect]:
        if self._target is not None:
            return [TransferFailed("Somebody is being reached already; wait for it.")]
        self._target, self._asked_at, self._reached = target, now, False
        return []

    def tick(self, now: float, *, speaking: bool, out: list[Effect]) -> None:
        """Begin it, once the agent has been heard."""
        if self._target is None or self._reached:
            return
        waited = now - self._asked_at
        if waited >= LATEST_S or (waited >= SAY_S and not speaking):
            self._reached = True
            # Nobody could speak with the other side first: the sound is not here.
            out.append(Reach(self._target, warm=False))

    def answered(self, event: TransferAnswered) -> list[Effect]:
        self._target = None
        return [] if event.ok else [TransferFailed(event.reason)]
