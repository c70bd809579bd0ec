"""`parley persona check`, `show` and `talk`, as an author uses them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml

from gateway.__main__ import main
from gateway.agents import load_agents
from gateway.config import from_env
from gateway.rehearsal.checking import remarks
from gateway.rehearsal.course import Course
from gateway.rehearsal.noting import as_script
from personas.script_files import read
from personas.scripts import Script

pytestmark = pytest.mark.integration

CATALOG, TOOLS = load_agents(from_env({}))


# ── check ──


def test_the_catalog_has_nothing_doubtful(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["persona", "check"]) == 0, capsys.readouterr().out
    assert "no fault" in capsys.readouterr().out


def test_a_users_faulty_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "night_desk.yaml").write_text("id: night_desk\ndisplay_nam: Ann\n")
    monkeypatch.setenv("PARLEY_PERSONAS_DIR", str(tmp_path))
    assert main(["persona", "check"]) == 2
    assert (
        "night_desk.yaml:2: display_nam: is no field here; did you mean display_name?"
        in capsys.readouterr().err
    )


def test_what_is_doubtful_is_told() -> None:
    nora = CATALOG.personas["dental_reception"]
    assert nora.dialogue is not None
    task = nora.dialogue.tasks[0]
    call = next(step for step in task.steps if step.call == "find_slots")
    wrong = call.model_copy(update={"arguments": {"servise": "{service}"}})
    dialogue = nora.dialogue.model_copy(
        update={"tasks": (task.model_copy(update={"steps": (wrong,)}), *nora.dialogue.tasks[1:])}
    )
    who = nora.model_copy(
        update={"dialogue": dialogue, "default_voice": "verse", "greeting": "This is {firm}."}
    )

    def tell(persona: str, path: tuple[int | str, ...], told: str) -> str:
        return f"{persona}: {'.'.join(map(str, path))}: {told}"

    assert remarks({"dental_reception": who}, TOOLS, (), tell) == [
        "dental_reception: dialogue.tasks.0.steps.0.arguments.servise: find_slots takes no servise; did you mean "
        "service?",
        "dental_reception: greeting: {firm} is said as it stands, for only `voicemail` has fields; write it out",
        "dental_reception: dialogue: nobody calls it in a test; write tests/dental_reception.yaml",
        "dental_reception: default_voice: verse is not among `allowed_voices`; add it there",
    ]


def test_what_is_doubtful_is_told_with_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = Path("personas/library/assistant.yaml").read_text(encoding="utf-8")
    text = ours.replace("id: assistant", "id: clerk") + '\nbridging: "This is {firm}."\n'
    (tmp_path / "clerk.yaml").write_text(text.replace("scenario: open-assistant", "scenario: clerk"))
    monkeypatch.setenv("PARLEY_PERSONAS_DIR", str(tmp_path))
    assert main(["persona", "check"]) == 1
    line = len(text.splitlines())
    assert f"{tmp_path}/clerk.yaml:{line}: bridging: {{firm}} is said" in capsys.readouterr().out


def test_faults_of_tools_do_not_hide_those_of_agents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "look_up.yaml").write_text("name: look_up\ndescription: Looks up.\nrequest: 1\n")
    (tmp_path / "night_desk.yaml").write_text("id: night_desk\norder: first\n")
    monkeypatch.setenv("PARLEY_PERSONAS_DIR", str(tmp_path))
    monkeypatch.setenv("PARLEY_TOOLS_DIR", str(tmp_path / "tools"))
    assert main(["persona", "check"]) == 2
    told = capsys.readouterr().err
    assert (
        f"{tmp_path}/tools/look_up.yaml:2: description: must have at least 20 characters; write more"
        in told
    )
    assert f"{tmp_path}/tools/look_up.yaml:3: request: must have fields of its own" in told
    assert f"{tmp_path}/night_desk.yaml:2: order: must be a whole number, such as 3" in told
    assert main(["doctor", "--json"]) == 1
    found = [each for each in json.loads(capsys.readouterr().out) if "look_up.yaml" in each["seen"]]
    assert {each["about"] for each in found} == {"tools"}
    assert len(found) == len({each["seen"] for each in found})


# ── show ──


def test_an_agent_is_shown_as_its_model_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["persona", "show", "dental_reception", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [tool["name"] for tool in told["session"]["tools"]] == list(
        CATALOG.personas["dental_reception"].tools
    )
    assert main(["persona", "show", "dental_reception", "--tone", "warm"]) == 0
    shown = capsys.readouterr().out
    assert "book_appointment(service, starts_at, name, phone)" in shown
    assert "Your tone: warm." in shown
    assert told["session"]["instructions"].partition("Your tone")[0] in shown


def test_whom_there_is_not_cannot_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["persona", "show", "dental_recepton"]) == 2
    assert "there is no persona dental_recepton; did you mean dental_reception?" in capsys.readouterr().err


# ── talk ──


def talk(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    assert main(["persona", "talk", "dental_reception", "--provider", "embedded"]) == 0


def test_a_conversation_in_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dental_reception.yaml"
    talk(
        monkeypatch,
        "I need a cleaning",
        "/what",
        "",
        "tomorrow",
        "/keys",
        f"/save {file}",
        f"/save {file}",
        "/again",
        "Can I talk to a person?",
        "/quit",
    )
    said = capsys.readouterr().out
    assert said.count("Nora: Thank you for calling Larkfield Dental") == 2
    assert "you: I need a cleaning\nNora: " in said
    assert "  ⚙ find_slots(service=cleaning" in said
    assert "there is no /what" in said
    assert "/keys needs the keys" in said
    assert f"{file} is there already" in said
    assert "  ⚙ hand_over(" in said
    assert "  ■ the call is over: agent/handed-over" in said
    script = read(file, CATALOG.personas, TOOLS)
    assert [turn.says for turn in script.callers[0].turns] == ["I need a cleaning", "tomorrow"]
    assert script.callers[0].turns[1].expect.called[0].tool == "find_slots"


def test_the_end_of_the_input_is_the_end_of_the_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    talk(monkeypatch, "hello")
    assert "you: hello\nNora: How can I help you?" in capsys.readouterr().out


def test_keys_and_failures_are_noted() -> None:
    course = Course()
    course.agent("Hello")
    course.caller("[123#]")
    course.used("find", '{"now": true}', "{}", ok=False)
    course.agent("No.")
    course.ending = "agent/hung-up"
    script = Script.model_validate(yaml.safe_load(as_script("one", course, "2026-11-18T10:15:00")))
    [turn] = script.callers[0].turns
    assert turn.keys == "123#"
    assert (turn.expect.called[0].fails, turn.expect.called[0].arguments) == (True, {"now": "true"})
    assert script.callers[0].expect.ended == "agent/hung-up"
    quiet = Course()
    quiet.caller("hi")
    quiet.agent("Bye.")
    script = Script.model_validate(yaml.safe_load(as_script("one", quiet, "2026-11-18T10:15:00")))
    assert script.callers[0].expect.said == ("Bye.",)
