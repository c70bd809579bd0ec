"""The supervisor, as the switchboard sees it, with a memory of which call is in which session."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakValueDictionary

from api.deps import LiveCall, Supervision
from api.surfaces.telephony.calls.ringing import Ringing
from gateway.call.inputs import MachineVerdict
from gateway.carriage.leg import CarrierLeg
from gateway.errors import HUNG_UP, Ending
from gateway.ports import Leg
from gateway.supervisor import CallRequest

__all__ = ["Phones"]

VERDICTS = 1000
"""Of more calls that have not begun the oldest verdict is forgotten: the call finds out by itself."""


class Phones:
    """The phone calls of this process; implements `api.deps.Reservations`."""

    def __init__(
        self,
        supervisor: Supervision,
        ringing: Ringing,
        over: Callable[[str, Ending, bool], None],
        parted: Callable[[str], None],
    ) -> None:
        """`over` is told the session of each call that has ended, how, and whether the carrier said so; `parted` that
        of each whose stream is over, before."""
        self._supervisor = supervisor
        self._ringing = ringing
        supervisor.promise(lambda: len(ringing))
        self._over = over
        self._parted = parted
        self._verdicts: dict[str, MachineVerdict] = {}
        """The latest of each call that has not begun."""
        self._legs: WeakValueDictionary[str, CarrierLeg] = WeakValueDictionary()
        """By session, of the calls that are live: with a leg its whole call would stay, hundreds of KB."""

    def live_in(self, session_id: str) -> str | None:
        """The phone call of a session whose conversation is not over, its socket lost or not."""
        leg = self._legs.get(session_id)
        if leg is None or leg.over or self.find(leg.call_id) is None:
            return None
        return leg.call_id

    def lost(self, session_id: str) -> None:
        """The carrier has told elsewhere than on its stream that the stream or the whole call is over."""
        leg = self._legs.get(session_id)
        if leg is not None:
            leg.lose()

    def machine(self, session_id: str, verdict: MachineVerdict) -> None:
        """A carrier knows who answered. The call is told at once, or as it begins."""
        leg = self._legs.get(session_id)
        call = self.find(leg.call_id) if leg is not None and leg.live else None
        if call is not None:
            call.machine(verdict)
        elif self._ringing.find(session_id) is not None or (leg is not None and not leg.over):
            self._verdicts = {**self._verdicts, session_id: verdict}
            while len(self._verdicts) > VERDICTS:
                del self._verdicts[next(iter(self._verdicts))]

    def _begun(self, session_id: str, call_id: str) -> None:
        verdict, call = self._verdicts.pop(session_id, None), self.find(call_id)
        if verdict is not None and call is not None:
            call.machine(verdict)

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
        """Whether the next call would be refused. One that we placed holds its line from then on."""
        return self.crowded()

    def crowded(self, besides: int = 0) -> bool:
        """The same where so many others were let in and have not come yet."""
        return self._supervisor.crowded(besides)

    def reserve(self, session_id: str) -> str:
        return self._supervisor.reserve(session_id)

    def release(self, call_id: str) -> None:
        self._supervisor.release(call_id)

    def begin(self, call_id: str, leg: Leg, request: CallRequest) -> None:
        session_id = request.session_id
        if isinstance(leg, CarrierLeg):
            leg.opened = lambda: self._begun(session_id, call_id)
            leg.closed = lambda ending, lost: self._over(session_id, ending, lost)
            leg.parted = lambda: self._parted(session_id)
        self._supervisor.begin(call_id, leg, request)
        self._ringing.drop(session_id)
        if isinstance(leg, CarrierLeg):
            self._legs[session_id] = leg

    def find(self, call_id: str) -> LiveCall | None:
        return self._supervisor.find(call_id)

    def hang_up(self, call_id: str, ending: Ending = HUNG_UP) -> bool:
        return self._supervisor.hang_up(call_id, ending)
