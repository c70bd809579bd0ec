"""Who holds the telephone: says recordings and presses keys when it is their turn, and hangs up. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.softphone.sound import Utterance
from media.level import dbfs

__all__ = ["Act", "BargeIn", "Caller", "Ear", "Listener", "Press", "Speak", "Step", "Wait"]

LOUD_DBFS = -45.0
"""What is quieter is not speech: carriers and servers may fill pauses with noise."""
TURN_S = 0.6
"""Silence after which the agent has done speaking; sentences pause for less."""
POLITE_S = 0.9
"""Silence of the agent after which a caller who listens answers."""
PATIENCE_S = 10.0
"""How long a caller waits for a word of the agent."""
KEY_S = 0.2
"""From one key to the next."""
FAREWELL_S = 1.5
"""Silence of the agent after which a caller with nothing left to say hangs up."""


class Ear:
    """Hears the agent: speaking, since when, and how many times it began."""

    def __init__(self) -> None:
        self.speaking = False
        self.since = 0.0
        """When it began to speak; or fell silent."""
        self.turns = 0
        self.heard_s = 0.0
        """Loud time, all in all."""
        self._last_loud = 0.0

    def hear(self, pcm: bytes, seconds: float, now: float) -> bool:
        """`pcm` was played until `now`. True when it began or ceased to speak."""
        if dbfs(pcm) > LOUD_DBFS:
            self.heard_s += seconds
            self._last_loud = now
            if self.speaking:
                return False
            self.speaking, self.since = True, now - seconds
            self.turns += 1
            return True
        if self.speaking and now - self._last_loud >= TURN_S:
            self.speaking, self.since = False, self._last_loud
            return True
        return False

    def silent_s(self, now: float) -> float:
        """Since its last sound."""
        return now - self._last_loud

    @property
    def speaking_s(self) -> float:
        """From the first sound of this turn to the last."""
        return self._last_loud - self.since if self.speaking else 0.0


# ── what is to be done ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Speak:
    what: Utterance


@dataclass(frozen=True, slots=True)
class Press:
    keys: str


@dataclass(frozen=True, slots=True)
class BargeIn:
    """Speak over the agent, once it has been speaking for so long."""

    what: Utterance
    after_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


Step = Speak | Press | BargeIn | Wait


@dataclass(slots=True)
class Act:
    """20 ms of the caller."""

    frame: bytes | None = None
    """PCM16; None is silence."""
    voiced: bool = False
    key: str = ""
    begins: str = ""
    """The name of a recording whose first frame this is."""
    ends: bool = False
    """The last frame of a recording."""
    skipped: str = ""
    """What could not be done, and why."""
    hangs_up: bool = False


class Listener(Protocol):
    """A microphone."""

    def frame(self) -> bytes | None:
        """The next 20 ms; None when there are none yet."""


class Caller:
    """Does the steps in order. `patient`: waits for the agent's word before each, and for it to end; otherwise only
    for the step before. With a microphone it never hangs up by itself."""

    def __init__(
        self, steps: Iterable[Step], *, patient: bool = True, microphone: Listener | None = None
    ) -> None:
        self._steps = deque(steps)
        self._patient = patient
        self._microphone = microphone
        self._saying: deque[tuple[bytes, bool]] = deque()
        self._keys: deque[str] = deque()
        self._next_key = 0.0
        self._since: float | None = None
        """When the last step was done."""
        self._turns = 0
        """The agent's, then."""

    def tick(self, now: float, ear: Ear) -> Act:
        """The next 20 ms."""
        if self._since is None:
            self._since = now
        act = Act()
        if self._saying:
            self._say(act, now, ear)
        elif self._keys:
            self._press(act, now, ear)
        elif self._steps:
            if self._may(self._steps[0], act, now, ear):
                self._begin(self._steps.popleft(), act, now, ear)
        elif self._microphone is None:
            act.hangs_up = self._turn_is_over(now, ear, FAREWELL_S)
        if act.frame is None and self._microphone is not None:
            act.frame = self._microphone.frame()
            act.voiced = act.frame is not None and dbfs(act.frame) > LOUD_DBFS
        return act

    def _may(self, step: Step, act: Act, now: float, ear: Ear) -> bool:
        waited = now - (self._since or now)
        match step:
            case Wait(seconds):
                return waited >= seconds
            case BargeIn(what, after_s):
                if ear.speaking_s >= after_s:
                    return True
                if waited > PATIENCE_S + after_s and not ear.speaking:
                    act.skipped = f"{what.name}: the agent never spoke for {after_s:g} s"
                    self._steps.popleft()
                    self._done(now, ear)
                return False
            case Speak() | Press():
                return not self._patient or self._turn_is_over(now, ear, POLITE_S)

    def _turn_is_over(self, now: float, ear: Ear, silence_s: float) -> bool:
        """The agent has spoken since the last step, and is done; or will not speak."""
        if ear.speaking:
            return False
        if ear.turns > self._turns:
            return ear.silent_s(now) >= silence_s
        return now - (self._since or now) >= PATIENCE_S

    def _begin(self, step: Step, act: Act, now: float, ear: Ear) -> None:
        match step:
            case Speak(what) | BargeIn(what):
                act.begins = what.name
                self._saying.extend(zip(what.frames, what.voiced, strict=True))
                self._say(act, now, ear)
            case Press(keys):
                self._keys.extend(keys)
                self._press(act, now, ear)
            case Wait():
                self._since = now

    def _say(self, act: Act, now: float, ear: Ear) -> None:
        act.frame, act.voiced = self._saying.popleft()
        if act.voiced:
            # An answer may come while the recording fades out.
            self._turns = ear.turns
        if not self._saying:
            act.ends = True
            self._since = now

    def _press(self, act: Act, now: float, ear: Ear) -> None:
        if now < self._next_key:
            return
        act.key = self._keys.popleft()
        self._next_key = now + KEY_S
        if not self._keys:
            self._done(now, ear)

    def _done(self, now: float, ear: Ear) -> None:
        self._since, self._turns = now, ear.turns
