"""The table of who answered: total, and with the promises that the rest builds on."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.call.machine import BUSY, TABLE, Act, Cue, State, step
from gateway.call.machine_words import LOCALES, says_machine

pytestmark = pytest.mark.unit

CUES = st.lists(st.sampled_from(Cue), max_size=40)
SPEAKS = {Act.LEAVE, Act.AGAIN}
ENDS = {Act.LEFT, Act.GIVE_UP, Act.NO_FAX}


@given(CUES)
def test_the_promises_hold_whatever_comes(cues: list[Cue]) -> None:
    state, ended = State.OPEN, 0
    for cue in cues:
        before = state
        state, acts = step(before, cue)
        # Only who goes on to be told a message hears it, and only once the greeting is over.
        assert SPEAKS.isdisjoint(acts) or state is State.MESSAGE
        # Whenever the conversation is suspended the agent falls silent first.
        if state in BUSY and before not in BUSY:
            assert acts[0] is Act.HUSH
        # Whenever it is given back, whoever is there is answered.
        if before in BUSY and state in (State.PERSON, State.VOUCHED, State.OPEN):
            assert acts == (Act.HUSH, Act.CONVERSE)
        assert (state is State.OVER) == (before is State.OVER or not ENDS.isdisjoint(acts))
        ended += not ENDS.isdisjoint(acts)
    assert ended <= 1


def test_who_is_known_for_a_person_stays_one() -> None:
    for state, cue in itertools.product((State.PERSON, State.OVER), Cue):
        assert step(state, cue) == (state, ())


def test_every_state_has_a_way_out() -> None:
    for state in BUSY:
        assert any(after is State.OVER for (before, _), (after, _) in TABLE.items() if before is state)
        assert any(after is State.VOUCHED for (before, _), (after, _) in TABLE.items() if before is state)


def test_a_beep_is_believed_more_than_a_carrier() -> None:
    state, _ = step(State.OPEN, Cue.HUMAN)
    assert step(state, Cue.WORDS) == (state, ())
    assert step(state, Cue.BEEP) == (State.MESSAGE, (Act.HUSH, Act.LEAVE))


@pytest.mark.parametrize("cue", [Cue.WORDS, Cue.MACHINE])
def test_a_machine_is_heard_out_and_then_told(cue: Cue) -> None:
    state, acts = step(State.OPEN, cue)
    assert (state, acts) == (State.GREETING, (Act.HUSH, Act.PREPARE))
    for over in (Cue.BEEP, Cue.QUIET):
        assert step(state, over) == (State.MESSAGE, (Act.LEAVE,))


@pytest.mark.parametrize(
    ("text", "locale", "machine"),
    [
        ("Please leave a message after the tone.", "en-US", True),
        ("I can\u2019t come to the phone right now", "en-GB", True),
        ("Hi, you've reached the voicemail of John", "en-US", True),
        ("hello, who is this?", "en-US", False),
        ("I got your voicemail yesterday", "en-US", False),
        ("can I take a message?", "en-US", False),
        ("Record your name and reason for calling, then leave a message.", "en-US", False),
        ("Deje su mensaje después del tono", "es-MX", True),
        ("Deje su mensaje después del tono", "en-US", False),
        ("Hinterlassen Sie uns bitte eine Nachricht nach dem Signalton.", "de-DE", True),
        ("Vous êtes sur le répondeur de Luc, laissez un message après le bip.", "fr-FR", True),
        ("", "en-US", False),
    ],
)
def test_what_machines_say(text: str, locale: str, machine: bool) -> None:
    assert says_machine(text, locale) is machine


def test_phrases_are_plain() -> None:
    """They are compared with words that have lost their accents and marks."""
    for phrases in LOCALES.values():
        for phrase in phrases:
            assert phrase == phrase.lower().strip()
            assert all(c.isascii() for c in phrase)
