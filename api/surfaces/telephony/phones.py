"""The supervisor, as the switchboard sees it, with a memory of which call is in which session."""

from __future__ import annotations

from api.deps import LiveCall, Reservations
from gateway.carriage.leg import CarrierLeg
from gateway.errors import HUNG_UP, Ending
from gateway.ports import Leg
from gateway.supervisor import CallRequest

__all__ = ["Phones"]


class Phones:
    """The phone calls of this process; implements `api.deps.Reservations`."""

    def __init__(self, supervisor: Reservations) -> None:
        self._supervisor = supervisor
        self._legs: dict[str, tuple[str, CarrierLeg]] = {}
        """Session → call, of those that are live and of some that were."""

    def live_in(self, session_id: str) -> str | None:
        """The phone call of a session whose conversation is not over, its socket lost or not."""
        call_id, leg = self._legs.get(session_id, ("", None))
        return call_id if leg is not None and not leg.over and self.find(call_id) is not None else None

    # ── as the supervisor has it ──────────────────────────────────────────────────────────────────────────

    @property
    def max_calls(self) -> int:
        return self._supervisor.max_calls

    @property
    def draining(self) -> bool:
        return self._supervisor.draining

    @property
    def live(self) -> int:
        return self._supervisor.live

    @property
    def full(self) -> bool:
        """Whether the next call would be refused."""
        return self.draining or self.live >= self.max_calls

    def reserve(self, session_id: str) -> str:
        return self._supervisor.reserve(session_id)

    def release(self, call_id: str) -> None:
        self._supervisor.release(call_id)

    def begin(self, call_id: str, leg: Leg, request: CallRequest) -> None:
        self._supervisor.begin(call_id, leg, request)
        if isinstance(leg, CarrierLeg):
            kept = {session: one for session, one in self._legs.items() if not one[1].over}
            self._legs = kept | {request.session_id: (call_id, leg)}

    def find(self, call_id: str) -> LiveCall | None:
        return self._supervisor.find(call_id)

    def hang_up(self, call_id: str, ending: Ending = HUNG_UP) -> bool:
        return self._supervisor.hang_up(call_id, ending)
