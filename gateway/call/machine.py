"""Who answers a call that we placed, and what a machine gets to hear: one total table.

The conversation begins as if a person had answered: nobody waits for a verdict. What shows that it is a machine makes
the agent fall silent (`GREETING`) until the machine is done with its greeting, and then say the persona's message
(`MESSAGE`), which is no conversation, and which no sound interrupts. A person who shows up all the same gets the
conversation back. A tone that may be a beep (`TONE`) has the message made before the beep is over, so that it is said
as soon as it is. A pair that is not in the table changes nothing.

::

    OPEN ──words, verdict──► GREETING ──beep, quiet──► MESSAGE ──said──► OVER
     │ └────tone────► TONE ──────────beep────────────►  │  ▲
     │ ◄───no tone─────┘                     beep again │  │
     └─────────conversed────────► PERSON ◄──somebody────┘──┘

The carrier's word that it is a person leads to `VOUCHED`, from wherever: there only beeps count.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["BUSY", "TABLE", "Act", "Cue", "State", "step"]


class State(Enum):
    OPEN = "open"
    """Nobody knows; the conversation goes on."""
    LIKELY = "likely"
    """The same, with somebody who spoke on and on, as machines do."""
    VOUCHED = "vouched"
    """The carrier says that it is a person. Carriers err: a beep counts all the same, and nothing else."""
    TONE = "tone"
    """A tone sounds that may be the beep: the agent is silent."""
    GREETING = "greeting"
    """It is a machine: the agent is silent until the machine has finished."""
    MESSAGE = "message"
    """The message is said."""
    PERSON = "person"
    """It is a person, and that is that."""
    OVER = "over"
    """The call ends."""


BUSY = frozenset({State.TONE, State.GREETING, State.MESSAGE})
"""No conversation is held in these."""


class Cue(Enum):
    HUMAN = "human"
    """The carrier says that it is a person."""
    MACHINE = "machine"
    """The carrier says that it is a machine."""
    BEEP = "beep"
    """A beep has ended, or the carrier says that the greeting has."""
    FAX = "fax"
    """It is a fax machine."""
    TONE = "tone"
    """A tone sounds that may be a beep."""
    NO_BEEP = "no-beep"
    """It was none."""
    MONOLOGUE = "monologue"
    """Somebody speaks on and on, without a pause."""
    WORDS = "words"
    """Words that only machines say."""
    QUIET = "quiet"
    """A machine that is done with its greeting has fallen silent, without a beep."""
    TOO_LONG = "too-long"
    """A greeting that does not end."""
    CONVERSED = "conversed"
    """Somebody took turns with the agent, as people do; or the time of machines is over."""
    SOMEBODY = "somebody"
    """Somebody speaks to whom a machine was expected: a short turn over the message, or short turns instead of a
    greeting."""
    SAID = "said"
    """All of the message was heard."""


class Act(Enum):
    HUSH = "hush"
    """The agent falls silent at once."""
    PREPARE = "prepare"
    """Have the message made, and say nothing of it yet."""
    LEAVE = "leave"
    """Say the message; where there is none, hang up."""
    AGAIN = "again"
    """Say it from the beginning."""
    CONVERSE = "converse"
    """Answer whoever is there."""
    LEFT = "left"
    """Hang up: the message was left."""
    GIVE_UP = "give-up"
    """Hang up: no message could be left."""
    NO_FAX = "no-fax"
    """Hang up: there is nobody to talk to."""


_OPEN = (State.OPEN, State.LIKELY)
_MACHINE = (State.GREETING, (Act.HUSH, Act.PREPARE))
_PERSON = (State.PERSON, (Act.HUSH, Act.CONVERSE))
_VOUCHED = (State.VOUCHED, (Act.HUSH, Act.CONVERSE))

TABLE: dict[tuple[State, Cue], tuple[State, tuple[Act, ...]]] = {
    (State.OPEN, Cue.MONOLOGUE): (State.LIKELY, ()),
    # Once is a long sentence. Twice, without a thought for what the agent began to say, is no person.
    (State.LIKELY, Cue.MONOLOGUE): _MACHINE,
    **{(s, Cue.WORDS): _MACHINE for s in _OPEN},
    **{(s, Cue.MACHINE): _MACHINE for s in _OPEN},
    **{(s, Cue.TONE): (State.TONE, (Act.HUSH, Act.PREPARE)) for s in (*_OPEN, State.VOUCHED)},
    **{(s, Cue.BEEP): (State.MESSAGE, (Act.HUSH, Act.LEAVE)) for s in (*_OPEN, State.VOUCHED)},
    **{(s, Cue.CONVERSED): (State.PERSON, ()) for s in (*_OPEN, State.VOUCHED)},
    **{(s, Cue.HUMAN): (State.VOUCHED, ()) for s in _OPEN},
    (State.TONE, Cue.BEEP): (State.MESSAGE, (Act.LEAVE,)),
    (State.TONE, Cue.NO_BEEP): (State.OPEN, (Act.HUSH, Act.CONVERSE)),
    (State.TONE, Cue.WORDS): (State.GREETING, ()),
    (State.TONE, Cue.MACHINE): (State.GREETING, ()),
    (State.TONE, Cue.HUMAN): _VOUCHED,
    (State.GREETING, Cue.BEEP): (State.MESSAGE, (Act.LEAVE,)),
    (State.GREETING, Cue.QUIET): (State.MESSAGE, (Act.LEAVE,)),
    (State.GREETING, Cue.HUMAN): _VOUCHED,
    (State.GREETING, Cue.SOMEBODY): _PERSON,
    (State.GREETING, Cue.TOO_LONG): (State.OVER, (Act.HUSH, Act.GIVE_UP)),
    # What was said before the last beep is on no tape.
    (State.MESSAGE, Cue.BEEP): (State.MESSAGE, (Act.AGAIN,)),
    # The greeting goes on: it had only paused.
    (State.MESSAGE, Cue.MONOLOGUE): _MACHINE,
    (State.MESSAGE, Cue.WORDS): _MACHINE,
    (State.MESSAGE, Cue.HUMAN): _VOUCHED,
    (State.MESSAGE, Cue.SOMEBODY): _PERSON,
    (State.MESSAGE, Cue.SAID): (State.OVER, (Act.LEFT,)),
    **{
        (s, Cue.FAX): (State.OVER, (Act.HUSH, Act.NO_FAX))
        for s in (*_OPEN, State.VOUCHED, State.TONE, State.GREETING)
    },
}


def step(state: State, cue: Cue) -> tuple[State, tuple[Act, ...]]:
    """The next state and what to do, for any pair."""
    return TABLE.get((state, cue), (state, ()))
