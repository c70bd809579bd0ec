"""Who has the floor: one total table.

A local onset while the agent speaks does not end its reply, it *holds* it: the playout pauses and the core
waits for evidence. Enough speech, or words that are no backchannel, make it an interruption (`YIELD`);
otherwise the agent goes on from a little before it was stopped (`KEEP`). A pair that is not in the table
changes nothing.

::

    QUIET ──onset──► CALLER ──owed──► WAITING ──audio──► AGENT ──drained──► QUIET
                       ▲                 └────onset────► HELD ◄──onset──┘
                       └────────────yield────────────────┘└──keep──► AGENT
"""

from __future__ import annotations

from enum import Enum

__all__ = ["BACKCHANNELS", "STOPPERS", "TABLE", "Act", "Cue", "Floor", "is_backchannel", "step"]


class Floor(Enum):
    QUIET = "quiet"
    """Nobody speaks and nobody owes an answer."""
    CALLER = "caller"
    """The caller speaks; the agent has nothing to say."""
    WAITING = "waiting"
    """The agent owes an answer; none of it is heard yet."""
    AGENT = "agent"
    """The agent speaks."""
    HELD = "held"
    """The agent is paused: the caller may be interrupting."""


class Cue(Enum):
    ONSET = "onset"
    """The local VAD hears the caller."""
    OFFSET = "offset"
    """The local VAD no longer hears the caller."""
    OWED = "owed"
    """A reply was asked of the model."""
    AUDIO = "audio"
    """The first audio of a reply is there."""
    DRAINED = "drained"
    """Everything the agent had to say was heard."""
    YIELD = "yield"
    """The caller means it: the agent gives up its reply."""
    KEEP = "keep"
    """It was a backchannel, a cough or noise: the agent goes on."""


class Act(Enum):
    PAUSE = "pause"
    RESUME = "resume"
    INTERRUPT = "interrupt"


TABLE: dict[tuple[Floor, Cue], tuple[Floor, tuple[Act, ...]]] = {
    (Floor.QUIET, Cue.ONSET): (Floor.CALLER, ()),
    (Floor.QUIET, Cue.OWED): (Floor.WAITING, ()),
    (Floor.QUIET, Cue.AUDIO): (Floor.AGENT, ()),
    (Floor.CALLER, Cue.OFFSET): (Floor.QUIET, ()),
    (Floor.CALLER, Cue.OWED): (Floor.WAITING, ()),
    # Audio that begins while the caller speaks is held from its first frame.
    (Floor.CALLER, Cue.AUDIO): (Floor.HELD, (Act.PAUSE,)),
    (Floor.WAITING, Cue.ONSET): (Floor.HELD, (Act.PAUSE,)),
    (Floor.WAITING, Cue.AUDIO): (Floor.AGENT, ()),
    # A reply without audio (text, or a tool call alone).
    (Floor.WAITING, Cue.DRAINED): (Floor.QUIET, ()),
    (Floor.WAITING, Cue.YIELD): (Floor.CALLER, (Act.INTERRUPT,)),
    (Floor.AGENT, Cue.ONSET): (Floor.HELD, (Act.PAUSE,)),
    (Floor.AGENT, Cue.DRAINED): (Floor.QUIET, ()),
    (Floor.AGENT, Cue.YIELD): (Floor.CALLER, (Act.INTERRUPT,)),
    (Floor.HELD, Cue.YIELD): (Floor.CALLER, (Act.INTERRUPT,)),
    (Floor.HELD, Cue.KEEP): (Floor.AGENT, (Act.RESUME,)),
    # Nothing was left to hold back: the caller simply speaks next.
    (Floor.HELD, Cue.DRAINED): (Floor.CALLER, (Act.RESUME,)),
}


def step(floor: Floor, cue: Cue) -> tuple[Floor, tuple[Act, ...]]:
    """The next floor and what to do, for any pair."""
    return TABLE.get((floor, cue), (floor, ()))


LISTENING = """
    ah aha alright erm er hm hmm huh mhm mm mmm oh ok okay right sure uh uhhuh uh-huh um mm-hmm mm-hm yeah yep yup
    i see got it cool good great fine
"""
BACKCHANNELS = frozenset(LISTENING.split())
"""Words by which a listener says "go on". Longer than three of them in a row is speech."""


STOPPING = """
    stop wait no nope yes hold hey hello help sorry excuse pardon what why when who how cancel quiet enough hang bye
    agent person operator repeat again
"""
STOPPERS = frozenset(STOPPING.split())
"""Words that take the floor even when they are all that was said."""

SHORT_MS = 400
"""A sound this short holds a word or two; a recogniser that has to name it often names the wrong ones."""


def is_backchannel(text: str, speech_ms: int = SHORT_MS) -> bool:
    """Whether the words only say "go on"; no words at all do too. In less than 400 ms of speech only a word that
    stops people counts: "uh huh" is heard as all sorts of words."""
    words = "".join(c if c.isalpha() or c in "-' " else " " for c in text.lower()).split()
    if speech_ms < SHORT_MS and len(words) <= 2:
        return not STOPPERS.intersection(words)
    return len(words) <= 3 and all(word in BACKCHANNELS for word in words)
