"""Every persona file loads; a wrong one tells file, line and fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from personas.files import CatalogError
from personas.library import BUILT_IN, load
from personas.persona import SessionPolicy
from tools.library import load as load_tools

pytestmark = pytest.mark.unit

GOOD = """\
id: tiny
display_name: Tiny
domain: test
description: A small persona.
avatar_key: tiny
professional_role: Helper
default_tone: brief
default_voice: marin
allowed_voices: [marin]
scenario: tiny
scenario_title: Tiny
instructions: Be brief.
"""


def write(folder: Path, text: str, name: str = "tiny.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def faults(folder: Path) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        load(folder)
    return caught.value.faults


def test_the_built_in_personas() -> None:
    personas = load()
    assert set(personas) >= {"assistant", "bank_dispute", "dental_reception", "insurance_claim"}
    assert personas["assistant"].policy is SessionPolicy.OPEN
    assert personas["assistant"].dialogue is None
    scenarios = {persona.scenario for persona in personas.values()}
    assert scenarios >= {"bank-dispute", "dental-appointment", "insurance-fnol", "open-assistant"}
    assert load(BUILT_IN) == personas


def test_every_industry_has_two_agents_in_american_english() -> None:
    spoken = [each.domain for each in load().values() if each.locale == "en-US" and each.dialogue]
    industries = (
        "accounting",
        "banking",
        "dental",
        "healthcare",
        "insurance",
        "legal",
        "sales",
        "veterinary",
    )
    assert sorted(spoken) == sorted(industries * 2)


@pytest.mark.parametrize("persona", load().values(), ids=lambda persona: persona.id)
def test_every_tool_named_exists_and_the_voice_is_allowed(persona: object) -> None:
    tools = load_tools()
    found = load()[getattr(persona, "id")]  # noqa: B009 - parametrised with the model itself
    assert set(found.tools) <= set(tools)
    assert found.default_voice in found.allowed_voices
    calls = {
        step.call
        for task in (found.dialogue.tasks if found.dialogue else ())
        for step in task.steps
        if step.call
    }
    assert calls <= set(found.tools)
    for task in found.dialogue.tasks if found.dialogue else ():
        for step in task.steps:
            if step.call:
                properties = tools[step.call].definition()["parameters"]["properties"]
                assert set(step.arguments) <= set(properties)


def test_a_minimal_persona_loads(tmp_path: Path) -> None:
    assert load(write(tmp_path, GOOD))["tiny"].policy is SessionPolicy.GUARDED


def test_all_faults_of_all_files_are_told_with_their_lines(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("avatar_key", "avatar_kee"))
    write(
        tmp_path,
        GOOD.replace("tiny\n", "tiny\n", 1).replace("scenario: tiny", "scenario: [a"),
        "other.yaml",
    )
    told = faults(tmp_path)
    assert "tiny.yaml:5: avatar_kee: is no field here; did you mean avatar_key?" in told
    assert any(line.startswith("tiny.yaml:1: avatar_key: is missing") for line in told)
    assert any(line.startswith("other.yaml:") for line in told)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (GOOD + "limits: {silence_s: -1}\n", 13, "limits.silence_s"),
        (GOOD + "policy: free\n", 13, "policy"),
        (GOOD + "domain: again\n", 13, "there twice"),
        (GOOD.replace("id: tiny", "id: Tiny Persona"), 1, "small letters"),
        (GOOD.replace("id: tiny", "id: teeny"), 1, "name it teeny.yaml"),
        ("- a list\n", 1, "mapping"),
        ("", 1, "mapping"),
        ("a: b: c\n", 1, "not allowed"),
        (
            GOOD + "dialogue:\n  help: x\n  tasks:\n  - id: t\n    title: t\n    triggers: ['(a|b']\n",
            18,
            "never closed",
        ),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    told = faults(write(tmp_path, text))
    assert any(each.startswith(f"tiny.yaml:{line}: ") and says in each for each in told), told


DIALOGUE = """\
dialogue:
  help: I can help.
  tasks:
    - id: order
      title: order
      triggers: [order]
      slots:
        - {id: size, kind: digits, length: 2, title: the size, ask: ['Which size?'], expects: a size}
      steps:
        - %s
"""


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("{slot: colour}", "names the slot colour"),
        ("{slot: size, confirm: 'Sure?'}", "exactly one of"),
        ("{call: find_slots}", "needs `failed`"),
        ("{confirm: 'The {colour}?'}", "{colour} is neither slot nor tool"),
        ("{confirm: 'The {size|loud}?'}", "unknown filter"),
        ("{confirm: 'The {size?'}", "unbalanced braces"),
        ("{call: find_slots, failed: No., clears: [colour]}", "`clears` names colour"),
    ],
)
def test_a_dialogue_that_cannot_work_is_refused(tmp_path: Path, step: str, says: str) -> None:
    told = faults(write(tmp_path, GOOD + DIALOGUE % step))
    assert any(says in each for each in told), told


def test_no_folder_and_no_file(tmp_path: Path) -> None:
    assert "no persona files" in faults(tmp_path)[0]
    assert "no persona files" in faults(tmp_path / "nowhere")[0]


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_bytes(b"\xff\xfe\x00id")
    assert "UTF-8" in faults(tmp_path)[0]


def test_a_bare_yes_is_a_word(tmp_path: Path) -> None:
    assert load(write(tmp_path, GOOD + "hear: [yes, no, 12]\n"))["tiny"].hear == ("yes", "no", "12")


def test_a_voicemail_message_has_its_facts(tmp_path: Path) -> None:
    text = (
        GOOD
        + """\
facts: {business: Acme, phone: "one two three"}
voicemail: Hello from {business}, please call {phone}.
"""
    )
    found = load(write(tmp_path, text))["tiny"]
    assert found.voicemail_message == "Hello from Acme, please call one two three."
    assert found.first_words is None
    assert load()["assistant"].voicemail_message is None
    for name in ("bank_dispute", "dental_reception", "insurance_claim"):
        message = load()[name].voicemail_message
        assert message
        assert "{" not in message
        assert load()[name].first_words != load()[name].greeting


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Call {phone}.", "{phone} is none of the persona's `facts`; there are business"),
        ("Call {business|spell}.", "{business} is none of the persona's `facts`"),
        ("Call {business.", "unbalanced braces"),
    ],
)
def test_a_voicemail_message_names_no_stranger(tmp_path: Path, message: str, told: str) -> None:
    found = faults(write(tmp_path, GOOD + f'facts: {{business: Acme}}\nvoicemail: "{message}"\n'))
    assert len(found) == 1
    assert found[0].startswith("tiny.yaml:14: voicemail: ")
    assert told in found[0]
