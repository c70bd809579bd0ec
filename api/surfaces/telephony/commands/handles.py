"""Which carrier's call each session is, and how commands to the carrier's API name it. Of this process only."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

__all__ = ["Handle", "Handles"]


@dataclass(frozen=True, slots=True)
class Handle:
    """One call at a carrier."""

    carrier: str
    call: str
    """The carrier's own name of it."""
    handle: str = ""
    """What commands call it, where that is not `call`."""
    ours: bool = True
    """False once the carrier has connected the caller to somebody else: then it is not ours to hang up."""
    over: bool = False
    """The carrier has told that it ended."""

    @property
    def name(self) -> str:
        """For commands."""
        return self.handle or self.call


class Handles:
    """By session. Of more than `BOUND` the oldest is forgotten: commands to that call are refused."""

    BOUND = 20_000

    def __init__(self) -> None:
        self._handles: OrderedDict[str, Handle] = OrderedDict()

    def note(self, session_id: str, carrier: str, call: str, handle: str = "") -> None:
        """A session's call, as the carrier has named it now; an empty `handle` leaves the one there was. Whatever was
        thought of it, it is there: a hang-up may be answered as if it were not while it still rings."""
        known = self._handles.pop(session_id, None)
        if known is None or known.carrier != carrier:
            known = Handle(carrier, call)
        self._handles[session_id] = replace(known, call=call, handle=handle or known.handle, over=False)
        while len(self._handles) > self.BOUND:
            self._handles.popitem(last=False)

    def of(self, session_id: str) -> Handle | None:
        return self._handles.get(session_id)

    def named(self, carrier: str, name: str) -> str | None:
        """The session of the call that commands name so."""
        for session_id, one in reversed(self._handles.items()):
            if one.carrier == carrier and one.name == name:
                return session_id
        return None

    def lend(self, session_id: str, *, ours: bool) -> None:
        """The carrier connects the caller to somebody else; or did not, after all."""
        if (known := self._handles.get(session_id)) is not None:
            self._handles[session_id] = replace(known, ours=ours)

    def ended(self, session_id: str) -> None:
        """The carrier has told that the call is over."""
        if (known := self._handles.get(session_id)) is not None:
            self._handles[session_id] = replace(known, over=True)
