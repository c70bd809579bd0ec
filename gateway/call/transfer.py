"""How a caller is put through to somebody else, as a table, and when a caller is on hold. Pure.

::

    NONE ──ask──► LEAVING ──heard──► COMMANDED (cold) ──reached──► GONE
                     │     └───────► CONSULTING (warm) ──reached──► JOINED ──lost──► GONE
                     └──objected──► NONE ◄──failed── COMMANDED, CONSULTING

The agent is heard out first; until then the caller may object. From the command on the caller is on hold, until the
agent's part is over or the agent is back with the reason why it came to nothing. A caller whose line is over while the
carrier has not answered yet may have been put through by it: its answer is waited for (`PARTED`).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from gateway.call.effects import Effect, Hold, Join, Reach, TransferFailed
from gateway.call.inputs import TransferAnswered, TransferAsked
from gateway.errors import TRANSFERRED, Ending

__all__ = ["TABLE", "Act", "Cue", "Stage", "Transfer"]

LEAVING_S = 20.0
"""What was not heard by then is not waited for; counted anew when the last words begin."""
COMMANDED_S = 60.0
CONSULTING_S = 180.0
"""Both are longer than the shell takes to give up: a last resort, or the caller would be on hold for good."""

OBJECTED = "The caller spoke up, so the transfer was not made. Answer what they said; ask whether they still want it."
UNDER_WAY = "A transfer is under way already. Say nothing more and wait for it."
TOO_LATE = "Nobody could be reached in time. Say so, and offer to take a message or to try again."


class Stage(Enum):
    NONE = "none"
    LEAVING = "leaving"
    """The agent is being heard out."""
    COMMANDED = "commanded"
    """The carrier was told to put the caller through."""
    CONSULTING = "consulting"
    """The other person is called, and spoken with."""
    PARTED = "parted"
    """The caller's line is over while the carrier's answer is awaited."""
    JOINED = "joined"
    """The two talk with one another."""
    GONE = "gone"


class Cue(Enum):
    ASK = "ask"
    HEARD_COLD = "heard-cold"
    HEARD_WARM = "heard-warm"
    OBJECTED = "objected"
    REACHED = "reached"
    FAILED = "failed"
    LOST = "lost"
    JOIN = "join"
    """From the other side: this is the call of the person who was called."""


class Act(Enum):
    HOLD = "hold"
    UNHOLD = "unhold"
    REACH = "reach"
    TELL = "tell"
    """Tell the model that it came to nothing."""
    JOIN = "join"
    END = "end"
    """The agent's part is over: the caller was put through."""
    LOSE = "lose"
    """The call is over as its line was."""


S, C, A = Stage, Cue, Act
TABLE: dict[tuple[Stage, Cue], tuple[Stage, tuple[Act, ...]]] = {
    (S.NONE, C.ASK): (S.LEAVING, ()),
    (S.LEAVING, C.OBJECTED): (S.NONE, (A.TELL,)),
    (S.LEAVING, C.HEARD_COLD): (S.COMMANDED, (A.HOLD, A.REACH)),
    (S.LEAVING, C.HEARD_WARM): (S.CONSULTING, (A.HOLD, A.REACH)),
    (S.COMMANDED, C.REACHED): (S.GONE, (A.END,)),
    (S.COMMANDED, C.FAILED): (S.NONE, (A.UNHOLD, A.TELL)),
    (S.COMMANDED, C.LOST): (S.PARTED, ()),
    (S.PARTED, C.REACHED): (S.GONE, (A.END,)),
    (S.PARTED, C.FAILED): (S.GONE, (A.LOSE,)),
    (S.CONSULTING, C.REACHED): (S.JOINED, (A.JOIN,)),
    (S.CONSULTING, C.FAILED): (S.NONE, (A.UNHOLD, A.TELL)),
    (S.NONE, C.JOIN): (S.JOINED, (A.UNHOLD,)),
    (S.JOINED, C.LOST): (S.GONE, (A.END,)),
}
"""A pair that is not here changes nothing."""


class Transfer:
    """One call's. `ending` is set once the call is over by it; the caller of a method looks."""

    def __init__(self) -> None:
        self.stage = Stage.NONE
        self.ending: Ending | None = None
        self.held = False
        """The caller is on hold, by a transfer or because somebody asked for it."""
        self._asked = TransferAsked("", warm=False)
        self._calls: frozenset[str] = frozenset()
        self._announced = False
        self._lost: Ending | None = None
        self._since = 0.0

    @property
    def leaving(self) -> bool:
        return self.stage is Stage.LEAVING

    @property
    def joined(self) -> bool:
        return self.stage is Stage.JOINED

    def asked(self, event: TransferAsked, responses: Iterable[str], now: float) -> list[Effect]:
        """A tool wants it. `responses`: those that call tools now."""
        if self.stage is not Stage.NONE:
            return [TransferFailed(UNDER_WAY)]
        self._asked, self._calls = event, frozenset(responses)
        self._announced = False
        self._since = now
        return self._step(Cue.ASK)

    def announce(self, speakers: Iterable[str]) -> bool:
        """Whether the agent has to say it first, because the response that asked said nothing. True once."""
        if self._announced or not self._calls - frozenset(speakers):
            return False
        self._announced = True
        return True

    def speaking(self, now: float) -> None:
        """The last words begin to be heard."""
        if self.leaving:
            self._since = now

    def heard(self, now: float) -> list[Effect]:
        """Nothing is left to say, and the caller says nothing."""
        if not self.leaving:
            return []
        self._since = now
        return self._step(Cue.HEARD_WARM if self._asked.warm else Cue.HEARD_COLD)

    def objected(self) -> list[Effect]:
        """The caller has more to say."""
        return self._step(Cue.OBJECTED, OBJECTED)

    def answered(self, event: TransferAnswered) -> list[Effect]:
        """The carrier has obeyed, or the person is ready to talk; or it came to nothing."""
        return self._step(Cue.REACHED if event.ok else Cue.FAILED, event.reason)

    def join(self) -> list[Effect]:
        """The person whom this call is with takes the caller."""
        return self._step(Cue.JOIN)

    def lost(self, ending: Ending, now: float) -> tuple[bool, list[Effect]]:
        """The line is over: whether that is a matter of the transfer, and what follows."""
        if (self.stage, Cue.LOST) not in TABLE:
            return False, []
        self._lost = ending
        self._since = now
        return True, self._step(Cue.LOST)

    def hold(self, on: bool) -> list[Effect]:
        """Somebody wants the caller on hold, or back. While a transfer is under way it decides."""
        return self._hold(on) if self.stage in (Stage.NONE, Stage.LEAVING) else []

    def tick(self, now: float) -> list[Effect]:
        """Patience is used up."""
        waited = now - self._since
        if self.stage is Stage.LEAVING and waited >= LEAVING_S:
            return self.heard(now)
        if self.stage in (Stage.COMMANDED, Stage.PARTED) and waited >= COMMANDED_S:
            return self._step(Cue.FAILED, TOO_LATE)
        if self.stage is Stage.CONSULTING and waited >= CONSULTING_S:
            return self._step(Cue.FAILED, TOO_LATE)
        return []

    def _step(self, cue: Cue, reason: str = "") -> list[Effect]:
        self.stage, acts = TABLE.get((self.stage, cue), (self.stage, ()))
        out: list[Effect] = []
        for act in acts:
            match act:
                case Act.HOLD | Act.UNHOLD:
                    out += self._hold(act is Act.HOLD)
                case Act.REACH:
                    out.append(Reach(self._asked.target, warm=self._asked.warm))
                case Act.TELL:
                    out.append(TransferFailed(reason))
                case Act.JOIN:
                    out += [*self._hold(False), Join()]
                case Act.END:
                    self.ending = TRANSFERRED
                case Act.LOSE:
                    self.ending = self._lost
        return out

    def _hold(self, on: bool) -> list[Effect]:
        if on is self.held:
            return []
        self.held = on
        return [Hold(on)]
