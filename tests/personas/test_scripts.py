"""Scripts of callers load; a wrong one tells file, line and fix. What patterns mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from personas.files import CatalogError
from personas.library import load as load_personas
from personas.script_files import load, read
from personas.scripts import found, same
from tools.library import load as load_tools

pytestmark = pytest.mark.unit

PERSONAS = load_personas()
TOOLS = load_tools()

GOOD = """\
persona: dental_reception
callers:
  - id: books
    turns:
      - says: Hello
      - wants: an appointment
        answers:
          - {asked: phone number, says: five five five oh one seven two}
        until: {called: book_appointment}
      - keys: "123#"
    expect:
      collected: {name: Susan Walker}
      called: find_slots
      must_not: {called: [open_claim]}
"""


def write(folder: Path, text: str, name: str = "dental_reception.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def faults(folder: Path, text: str, name: str = "dental_reception.yaml") -> list[str]:
    write(folder, text, name)
    with pytest.raises(CatalogError) as caught:
        load(PERSONAS, TOOLS, folder=folder)
    return [fault.removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_the_built_in_scripts_load() -> None:
    assert set(load(PERSONAS, TOOLS)) >= {"bank_dispute", "dental_reception", "insurance_claim"}


def test_a_script_may_be_short(tmp_path: Path) -> None:
    script = read(write(tmp_path, GOOD), PERSONAS, TOOLS)
    [caller] = script.callers
    assert caller.expect.called[0].tool == "find_slots"
    assert caller.turns[1].answers[0].says == ("five five five oh one seven two",)
    assert script.now.isoformat() == "2026-11-18T10:15:00"


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("says: Hello", "say: Hello", "5: callers.0.turns.0.say: is no field here; did you mean"),
        ("says: Hello", "says: Hello\n        keys: '1'", "5: callers.0.turns.0: a turn has exactly one"),
        ("until: {called: book_appointment}", "at_most: 3", "6: callers.0.turns.1: a turn that wants some"),
        ("called: find_slots", "called: find_slot", "13: callers.0.expect.called.0: find_slot is no tool"),
        (
            "called: find_slots",
            "called: open_claim",
            "13: callers.0.expect.called.0: open_claim may not be",
        ),
        ("[open_claim]", "[open_clam]", "14: callers.0.expect.must_not.called.0: open_clam is no tool;"),
        ("{name: Susan Walker}", "{name: /(/}", "12: callers.0.expect.collected.name: '/(/' is no regular"),
        (
            "persona: dental_reception",
            "persona: dentist",
            "1: persona dentist in this file; name it dentist.yaml",
        ),
        ("- id: books", "- id: books\n    audio: perhaps", "4: callers.0.audio: "),
        (
            "called: find_slots",
            "said: what: now",
            "13: mapping values are not allowed in this context; quote",
        ),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    found = faults(tmp_path, GOOD.replace(right, wrong))
    assert any(fault.startswith(f"dental_reception.yaml:{told}") for fault in found), found


def test_a_caller_of_whom_nothing_is_expected_is_a_fault(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, GOOD[: GOOD.index("    expect:")])
    assert "nothing is expected of books, so it cannot fail; add `expect`" in fault


def test_a_persona_that_is_not_there(tmp_path: Path) -> None:
    text = GOOD.replace("persona: dental_reception", "persona: nobody_at_all")
    [fault] = faults(tmp_path, text, "nobody_at_all.yaml")
    assert fault.startswith("nobody_at_all.yaml:1: persona: 'nobody_at_all' is no persona; there is: ")


def test_a_users_scripts_stand_beside_parleys_own(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    write(tmp_path / "tests", GOOD)
    (tmp_path / "bank_dispute.yaml").touch()  # in place of Parley's own persona, and without a script
    scripts = load(PERSONAS, TOOLS, tmp_path)
    assert [caller.id for caller in scripts["dental_reception"].callers] == ["books"]
    assert "bank_dispute" not in scripts
    assert "insurance_claim" in scripts


def test_a_file_has_its_personas_name(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, GOOD, "dentist.yaml")
    assert fault == "dentist.yaml:1: persona dental_reception in this file; name it dental_reception.yaml"


@pytest.mark.parametrize(
    ("pattern", "text", "there"),
    [
        ("Shall I  book it?", "So: shall I book it?", True),
        ("I'll", "I’ll do it", True),
        ("book", "looked up", False),
        ("/code is [a-z], /", "Your code is K, seven", True),
        ("/^thanks/", "many thanks", False),
    ],
)
def test_what_a_pattern_finds(pattern: str, text: str, there: bool) -> None:
    assert (found(pattern, text) >= 0) is there


def test_the_last_place_counts() -> None:
    assert found("day", "day by day") > found("by", "day by day")


@pytest.mark.parametrize(
    ("wanted", "value", "alike"),
    [
        ("Susan Walker", "susan  walker", True),
        ("false", False, True),
        ("40", 40, True),
        ("555", "5550172", False),
        ("/2026-11-2.*/", "2026-11-20T09:30:00", True),
        ("/2026/", "2026-11-20", False),
    ],
)
def test_when_values_are_the_same(wanted: str, value: object, alike: bool) -> None:
    assert same(wanted, value) is alike
