"""`parley persona test`, as its users run it: what it prints, writes and returns."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.__main__ import main

pytestmark = pytest.mark.integration

SCRIPT = """\
persona: dental_reception
callers:
  - id: asks
    title: Asks for the address
    turns:
      - says: Where are you located?
    expect: {said: 218 Alder Street}
  - id: wrong
    turns:
      - says: Where are you located?
    expect: {said: 5 Elm Street}
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "dental_reception.yaml").write_text(SCRIPT)
    return folder


def test_a_caller_who_fails_is_told_with_why_and_what_was_said(
    scripts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, xml = tmp_path / "report.json", tmp_path / "report.xml"
    code = main(["persona", "test", "--scripts", str(scripts), "--json", str(report), "--junit", str(xml)])
    shown = capsys.readouterr().out
    assert code == 1
    assert "ok    dental_reception/asks" in shown
    assert "FAIL  dental_reception/wrong" in shown
    assert "✗ the agent did not say '5 Elm Street'; it said: " in shown
    assert "caller: Where are you located?" in shown
    assert "2 callers, 1 failed; 2 turns, answered in " in shown

    told = json.loads(report.read_text())
    assert told["passed"] is False
    first, second = sorted(told["callers"], key=lambda one: str(one["caller"]))
    assert (first["passed"], second["passed"]) == (True, False)
    assert first["ending"] == "caller/hung-up"
    assert [one["who"] for one in first["transcript"]] == ["agent", "caller", "agent"]
    assert len(first["waits_ms"]) == 1

    root = ElementTree.fromstring(xml.read_text())
    [suite] = root.findall("testsuite")
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == (
        "dental_reception (text)",
        "2",
        "1",
    )
    failed = [case for case in suite.findall("testcase") if case.find("failure") is not None]
    assert [case.get("name") for case in failed] == ["wrong"]


def test_one_caller_alone_as_json(scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["dental_reception", "--scripts", str(scripts), "--caller", "asks", "--json", "-"]
    assert main(["persona", "test", *arguments]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["caller"] for one in told["callers"]] == ["asks"]


def test_whom_there_is_not_is_said(scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ["nobody", "assistant", "--scripts", str(scripts), "--caller", "ask"]
    assert main(["persona", "test", *wrong]) == 2
    said = capsys.readouterr().err
    assert "there is no persona nobody; there is: " in said
    assert "assistant has no script; there is one for: dental_reception" in said
    assert "--caller ask: there is no such caller" in said


def test_a_report_that_cannot_be_written_is_told_before_anybody_calls(
    scripts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = str(scripts / "none" / "report")
    assert main(["persona", "test", "--scripts", str(scripts), "--json", there, "--junit", there]) == 2
    told = capsys.readouterr()
    assert f"--json: {there} cannot be written (No such file or directory); name another file" in told.err
    assert f"--junit: {there} cannot be written" in told.err
    assert not told.out


def test_where_nobody_calls_nothing_has_passed(scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["persona", "test", "--scripts", str(scripts), "--audio"]) == 2
    assert "none of these callers can be heard; give one `audio: true`" in capsys.readouterr().err
