"""The carriers' wire files say what the carriers of this folder say, and each line is judged as it is told."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest

from tests.carrier_peers.faults import Frame
from tests.carrier_peers.plugins import named, names
from tests.carrier_peers.wires import FOLDER, Line, Words, lines, script

pytestmark = pytest.mark.unit


def words(carrier: str) -> Words:
    found: Words = named(carrier).WORDS
    return found


def kept(carrier: str, situation: str) -> list[Line]:
    text = (FOLDER / carrier / f"{situation}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def frame(line: Line) -> Frame:
    return line["text"] if "text" in line else b64decode(line["binary"])


@pytest.mark.parametrize("carrier", names())
def test_the_files_are_what_is_said_now(carrier: str) -> None:
    situations = list(script(words(carrier)))
    assert {path.stem for path in (FOLDER / carrier).glob("*.jsonl")} == set(situations)
    for situation in situations:
        assert kept(carrier, situation) == lines(words(carrier), situation), situation


@pytest.mark.parametrize("carrier", names())
def test_every_line_has_a_direction_a_source_and_one_frame(carrier: str) -> None:
    for situation in script(words(carrier)):
        for line in kept(carrier, situation):
            assert line["dir"] in ("in", "out")
            assert line["source"]
            assert ("text" in line) != ("binary" in line)
            assert line.keys() <= {"dir", "source", "text", "binary", "fault"}


@pytest.mark.parametrize("carrier", names())
def test_good_words_break_no_rule_and_bad_ones_the_one_they_should(carrier: str) -> None:
    for situation in script(words(carrier)):
        stream = words(carrier).make()
        stream.open(0.0)
        stream.begin(0.0)
        for line in kept(carrier, situation):
            before = len(stream.faults)
            if line["dir"] == "out":
                stream.take(frame(line), 0.0)
            told = [fault.code for fault in stream.faults[before:]]
            assert told == ([line["fault"]] if "fault" in line else []), line
