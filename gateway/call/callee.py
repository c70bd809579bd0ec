"""Who answered a call that we placed: from what is heard to the cues of `machine`. Pure.

Machines speak on and on, people say "hello?" and wait. What is heard is weighed by its shape: how long somebody speaks
without a pause, how much of the agent was heard before they spoke. Words, beeps and the carrier's verdict weigh more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gateway.call.inputs import ItemProgress, MachineVerdict
from gateway.call.machine import BUSY, Act, Cue, State, step
from gateway.call.machine_words import says_machine

__all__ = ["AnsweredBy", "Callee"]

AnsweredBy = Literal["human", "machine", "fax", "unknown"]

MONOLOGUE_S = 2.8
"""So long nobody speaks without a pause who picks up a telephone; not often, that is."""
LISTENED_MS = 1500
"""Who let the agent speak for so long took turns with it."""
TURNS = 3
"""So many turns make a conversation."""
MACHINES_S = 75.0
"""Who has not shown to be a machine by then is a person."""
QUIET_S = 2.5
"""Silence after which a machine's greeting is over. Most beeps come within two seconds."""
GREETING_S = 75.0
"""The longest greeting that is waited for."""
TONES = 3
"""So many tones silence the agent before they are known to be beeps; hold music has many."""
SHORT_S, CALLING_S, HELLOS = 1.5, 0.8, 3
"""Who says so many times something so short, with so much silence before, calls for somebody."""
SAID_S = 0.3
"""A sound shorter than this is nothing said."""
SHAPE_S = 0.7
"""Without any words, so much speech over a message is somebody."""
WORDS_S = 1.5
"""How long words are waited for."""
AGAINS = 3
"""How often the message is begun anew."""

VERDICTS = {"human": Cue.HUMAN, "machine": Cue.MACHINE, "beep": Cue.BEEP, "fax": Cue.FAX}


@dataclass(frozen=True, slots=True)
class _Utterance:
    since: float
    silent_s: float
    """Silence before it."""
    listened_ms: int
    """How much of the agent was heard since the one before."""
    toned: bool = False
    """It is a tone, or one sounds with it."""
    told: bool = False
    """That it is a monologue."""


class Callee:
    """Give it what happens; it gives what is to be done."""

    def __init__(self, *, outbound: bool, locale: str) -> None:
        self.state = State.OPEN if outbound else State.PERSON
        self._outbound = outbound
        self._locale = locale
        self._began: float | None = None
        self._speech: _Utterance | None = None
        """While somebody speaks."""
        self._quiet_from = 0.0
        """The last sound ended then."""
        self._sounding = False
        """A tone may be a beep."""
        self._tones = 0
        self._heard: dict[str, int] = {}
        self._listened_ms = 0
        self._turns = 0
        self._hellos = 0
        self._machine_at: float | None = None
        self._message_at = 0.0
        self._beeped = False
        """A beep was heard here: the carrier's word of it comes late."""
        self._agains = 0
        self._items: dict[str, float] = {}
        """When the model heard each turn of theirs begin."""
        self._short: tuple[float, float] | None = None
        """Somebody spoke over the message: when they had ended, and for how long."""
        self._fax = False

    @property
    def busy(self) -> bool:
        """No conversation is held: a machine has the word, or the message is said."""
        return self.state in BUSY

    @property
    def waits(self) -> bool:
        """What the agent has to say is to be held back."""
        return self.state in (State.TONE, State.GREETING)

    @property
    def doubtful(self) -> bool:
        return self.state is State.LIKELY

    @property
    def curious(self) -> bool:
        """Beeps matter."""
        return self.state not in (State.PERSON, State.OVER)

    @property
    def answered_by(self) -> AnsweredBy | None:
        """As far as is known; None on a call that we did not place."""
        if not self._outbound:
            return None
        if self._fax:
            return "fax"
        match self.state:
            case State.PERSON | State.VOUCHED:
                return "human"
            case State.GREETING | State.MESSAGE | State.OVER:
                return "machine"
            case State.OPEN | State.LIKELY | State.TONE:
                return "human" if self._turns else "unknown"

    # ── what happens ──

    def connected(self, now: float) -> None:
        self._began = self._quiet_from = now

    def verdict(self, verdict: MachineVerdict, now: float) -> tuple[Act, ...]:
        local = verdict.source == "local"
        cue = VERDICTS.get(verdict.kind)
        if cue is Cue.HUMAN and self._beeped and self.state is State.MESSAGE:
            return ()
        if cue is Cue.BEEP:
            if local:
                self._tone_over(now)
                self._beeped = True
            elif self._beeped and self.state is State.MESSAGE:
                return ()
            if self.state is State.MESSAGE:
                self._agains += 1
                if self._agains > AGAINS:
                    return ()
        return self._cue(cue, now)

    def tone_started(self, now: float) -> tuple[Act, ...]:
        self._sounding = True
        if self._speech is not None:
            self._speech = replace(self._speech, toned=True)
        self._tones += 1
        return self._cue(Cue.TONE if self._tones <= TONES else None, now)

    def tone_ended(self, now: float) -> tuple[Act, ...]:
        """It was no beep."""
        self._tone_over(now)
        return self._cue(Cue.NO_BEEP, now)

    def speech_started(self, now: float, ago_ms: int) -> None:
        since = now - ago_ms / 1000
        listened_ms, self._listened_ms = self._listened_ms, 0
        self._speech = _Utterance(since, since - self._quiet_from, listened_ms, self._sounding)

    def speech_ended(self, now: float, ago_ms: int) -> tuple[Act, ...]:
        """Of what began before."""
        speech, self._speech = self._speech, None
        if speech is None:
            return ()
        ended = now - ago_ms / 1000
        self._quiet_from = max(self._quiet_from, ended)
        self._listened_ms = 0
        lasted = ended - speech.since
        if speech.toned or lasted < SAID_S:
            return ()
        return self._cue(self._spoke(speech, lasted, now), now)

    def turn_began(self, item_id: str, now: float) -> None:
        """The model hears a turn of theirs begin."""
        if self.busy:
            self._items[item_id] = now

    def words(self, item_id: str, text: str, now: float) -> tuple[Act, ...]:
        """What they said in a turn."""
        if not text.strip() or not self.curious:
            return ()
        machine = says_machine(text, self._locale)
        if machine:
            self._hellos = 0
        if self.state is not State.MESSAGE:
            return self._cue(Cue.WORDS if machine else None, now)
        # What was said before the message began is the greeting's.
        if self._items.get(item_id, 0.0) <= self._message_at:
            return ()
        return self._cue(Cue.WORDS if machine else Cue.SOMEBODY, now)

    def played(self, items: tuple[ItemProgress, ...]) -> None:
        """How much of the agent is heard."""
        for item in items:
            more = item.heard_ms - self._heard.get(item.item_id, 0)
            if more > 0:
                self._listened_ms += more
                self._heard[item.item_id] = item.heard_ms

    def said(self, now: float) -> tuple[Act, ...]:
        """All of the message was heard."""
        return self._cue(Cue.SAID, now)

    def passed(self, now: float) -> tuple[Act, ...]:
        """Time passed."""
        if not self.curious:
            return ()
        return self._cue(self._due(now), now)

    # ── what it means ──

    def _cue(self, cue: Cue | None, now: float) -> tuple[Act, ...]:
        if cue is None:
            return ()
        before = self.state
        self.state, acts = step(before, cue)
        if self.state is before:
            return acts
        if self.state is State.GREETING:
            self._quiet_from = max(self._quiet_from, now)
            self._hellos = 0
            if self._machine_at is None:
                self._machine_at = now
        elif self.state is State.MESSAGE:
            self._message_at = now
            self._short = None
        elif self.state is State.OVER:
            self._fax = cue is Cue.FAX
        return acts

    def _spoke(self, speech: _Utterance, lasted: float, now: float) -> Cue | None:
        """Somebody has said something."""
        match self.state:
            case State.OPEN | State.LIKELY | State.VOUCHED:
                self._turns += speech.listened_ms >= LISTENED_MS
                return Cue.CONVERSED if self._turns >= TURNS else None
            case State.GREETING:
                short = lasted <= SHORT_S and speech.silent_s >= CALLING_S
                self._hellos = self._hellos + 1 if short else 0
                return Cue.SOMEBODY if self._hellos >= HELLOS else None
            case State.MESSAGE if speech.since > self._message_at and not speech.told:
                self._short = (now, lasted)
            case _:
                pass
        return None

    def _due(self, now: float) -> Cue | None:
        if self._monologue(now):
            return Cue.MONOLOGUE
        match self.state:
            case State.OPEN | State.LIKELY | State.VOUCHED if (
                self._began is not None and now - self._began >= MACHINES_S
            ):
                return Cue.CONVERSED
            case State.GREETING:
                if self._machine_at is not None and now - self._machine_at >= GREETING_S:
                    return Cue.TOO_LONG
                silent = self._speech is None and not self._sounding
                return Cue.QUIET if silent and now - self._quiet_from >= QUIET_S else None
            case State.MESSAGE if self._short is not None and now - self._short[0] >= WORDS_S:
                (_, lasted), self._short = self._short, None
                return Cue.SOMEBODY if lasted >= SHAPE_S else None
            case _:
                return None

    def _monologue(self, now: float) -> bool:
        """Whether somebody has spoken without a pause for so long just now."""
        speech = self._speech
        if speech is None or speech.toned or speech.told or now - speech.since < MONOLOGUE_S:
            return False
        self._speech = replace(speech, told=True)
        if self.state is State.MESSAGE:
            return speech.since > self._message_at
        # Who listened before is in a conversation, and may speak as long as they like.
        return self.state is not State.LIKELY or speech.listened_ms < LISTENED_MS

    def _tone_over(self, now: float) -> None:
        self._sounding = False
        self._quiet_from = max(self._quiet_from, now)
