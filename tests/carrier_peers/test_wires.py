"""The carriers' wire files say what the carriers of this folder say now. Writing them judges every line: a good word
that is blamed, or a bad one that is not blamed with its code, raises."""

from __future__ import annotations

import json

import pytest

from tests.carrier_peers.plugins import named, names
from tests.carrier_peers.wires import FOLDER, Line, Words, lines, script

pytestmark = pytest.mark.unit


def words(carrier: str) -> Words:
    found: Words = named(carrier).WORDS
    return found


def kept(carrier: str, situation: str) -> list[Line]:
    text = (FOLDER / carrier / f"{situation}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


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
