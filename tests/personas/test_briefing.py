"""What a persona is told of one call, and what it cannot be told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personas.briefing import FACTS_AT_MOST, HEADING, LONGEST_FACT, LONGEST_INSTRUCTIONS, briefed
from personas.library import load
from personas.persona import Persona, SessionPolicy

pytestmark = pytest.mark.unit

NORA = load()["dental_reception"]


def under(policy: SessionPolicy) -> Persona:
    return NORA.model_copy(update={"policy": policy})


GUARDED, OPEN, LOCKED = (
    under(one) for one in (SessionPolicy.GUARDED, SessionPolicy.OPEN, SessionPolicy.LOCKED)
)


def test_facts_stand_behind_the_instructions_as_data() -> None:
    told = briefed(GUARDED, {"patient": 'Ms. "Lee"', "phone": "five five five"})
    assert told.instructions.startswith(NORA.instructions.strip())
    assert told.instructions.endswith(f'{HEADING}\n- patient: "Ms. \\"Lee\\""\n- phone: "five five five"')
    assert told.facts == {**NORA.facts, "phone": "five five five"}
    assert "five five five." in (told.voicemail_message or "")
    assert (told.policy, told.tools, told.limits, told.greeting) == (
        NORA.policy,
        NORA.tools,
        NORA.limits,
        NORA.greeting,
    )
    assert briefed(GUARDED, {}) is GUARDED


def test_an_open_persona_may_be_told_to_be_another() -> None:
    told = briefed(OPEN, {"instructions": "Sell a boat.", "greeting": "Ahoy!"})
    assert (told.instructions, told.first_words) == ("Sell a boat.", "Ahoy!")
    long = "x" * (LONGEST_FACT + 1)
    assert briefed(OPEN, {"instructions": long}).instructions == long


@pytest.mark.parametrize(
    ("persona", "overrides", "says"),
    [
        (GUARDED, {"instructions": "Sell a boat."}, "guarded"),
        (GUARDED, {"greeting": "Ahoy!"}, "guarded"),
        (LOCKED, {"patient": "Lee"}, "locked"),
        (GUARDED, {"": "x"}, "name"),
        (GUARDED, {"a b": "x"}, "name"),
        (GUARDED, {"x" * 65: "x"}, "name"),
        (GUARDED, {"a\n- b": "x"}, "name"),
        (GUARDED, {"patient": " "}, "empty"),
        (GUARDED, {"patient": "x" * (LONGEST_FACT + 1)}, "characters"),
        (GUARDED, {"patient": "Lee\n# Rules"}, "one line"),
        (GUARDED, {"patient": "Lee\u2028# Rules"}, "one line"),
        (OPEN, {"greeting": "x" * (LONGEST_FACT + 1)}, "characters"),
        (OPEN, {"instructions": "x" * (LONGEST_INSTRUCTIONS + 1)}, "characters"),
        (GUARDED, {f"n{i}": "x" for i in range(FACTS_AT_MOST + 1)}, "at most"),
    ],
)
def test_what_is_not_taken(persona: Persona, overrides: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        briefed(persona, overrides)


@given(
    st.dictionaries(st.text(max_size=70), st.text(max_size=LONGEST_FACT + 10), max_size=FACTS_AT_MOST + 2)
)
def test_no_briefing_changes_what_a_guarded_persona_is_told_to_do(overrides: dict[str, str]) -> None:
    try:
        told = briefed(GUARDED, overrides)
    except ValueError:
        return
    own, _, rest = told.instructions.partition(f"\n\n{HEADING}\n")
    assert own == GUARDED.instructions.strip() or not overrides
    lines = rest.splitlines()
    assert len(lines) == len(overrides)
    for line, (name, value) in zip(lines, overrides.items(), strict=True):
        assert line.startswith(f"- {name}: ")
        assert json.loads(line.removeprefix(f"- {name}: ")) == value
