"""The schemas for editors: as the models are, and Parley's own files are valid by them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from personas.catalog_files import BUILT_IN
from personas.editors import FOLDER, KINDS, TOOLS, schema, written
from personas.files import files_in
from personas.free import Bare
from tests.personas.test_catalog import EXPERIMENT, PACK, PERSONA, SCENARIO

pytestmark = pytest.mark.unit

PLACES = {
    "persona": "library",
    "scenario": "scenarios",
    "vertical": "verticals",
    "experiment": "experiments",
    "test": "tests",
}
FILES = [(kind, file) for kind, folder in PLACES.items() for file in files_in(BUILT_IN / folder)]


def as_editors_do(node: yaml.Node) -> Any:
    """YAML 1.2's core schema: what looks like a number or a boolean is one; a date is a text."""
    match node:
        case yaml.MappingNode():
            return {str(key.value): as_editors_do(value) for key, value in node.value}
        case yaml.SequenceNode():
            return [as_editors_do(each) for each in node.value]
        case yaml.ScalarNode(tag="tag:yaml.org,2002:null"):
            return None
        case yaml.ScalarNode(value=value, style=style):
            return value if style else Bare(value).meant
        case _:
            raise AssertionError(node)


def faults(kind: str, content: object) -> list[str]:
    found = Draft202012Validator(schema(kind)).iter_errors(content)
    return [f"{'.'.join(map(str, one.absolute_path))}: {one.message[:200]}" for one in found]


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_are_the_models(kind: str) -> None:
    told = (FOLDER / f"{kind}.json").read_text(encoding="utf-8")
    assert told == written(kind), "run `make schemas`"
    Draft202012Validator.check_schema(json.loads(told))


def test_there_are_no_others() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(KINDS) == set(PLACES) | TOOLS


@pytest.mark.parametrize(("kind", "file"), FILES, ids=lambda value: getattr(value, "stem", value))
def test_parleys_own_files_are_valid(kind: str, file: Path) -> None:
    node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    assert node is not None
    assert faults(kind, as_editors_do(node)) == []


def test_what_the_docs_show_of_tools_is_valid() -> None:
    page = (BUILT_IN.parent / "docs" / "tools.md").read_text(encoding="utf-8")
    seen = []
    for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
        content = yaml.safe_load(text)
        for kind, field in (("tool", "request"), ("mcp", "servers"), ("connectors", "calendars")):
            if field in content:
                seen.append(kind)
                assert faults(kind, content) == [], text
    assert set(seen) == TOOLS


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        ("persona", PERSONA | {"avatar_kee": "x"}, "avatar_kee"),
        ("persona", PERSONA | {"temperature": 3}, "temperature: 3 is greater"),
        ("persona", PERSONA | {"recording": "perhaps"}, "recording"),
        ("persona", {"id": "tiny"}, "'instructions' is a required property"),
        ("scenario", SCENARIO | {"industry": "fishing"}, "industry: 'fishing' is not one of"),
        ("scenario", SCENARIO | {"tools": [{"description": "no name"}]}, "tools.0"),
        ("vertical", PACK | {"workflows": []}, "workflows"),
        ("experiment", EXPERIMENT | {"variants": [{"id": "one"}]}, "variants"),
        ("tool", {"name": "look_up", "request": {"url": 5}}, "request.url: 5 is not of type 'string'"),
        ("mcp", {"servers": {"crm": {"comand": ["x"]}}}, "comand"),
        ("connectors", {"mail": {"host": "mail.example.com"}}, "mail: {"),
    ],
)
def test_a_fault_is_underlined(kind: str, content: object, says: str) -> None:
    assert any(says in one for one in faults(kind, content)), faults(kind, content)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("persona", PERSONA | {"recording": "on", "brand": "Elm & Co"}),
        ("persona", PERSONA | {"recording": {"mode": "on"}, "brand": ["Elm & Co"]}),
        (
            "scenario",
            SCENARIO | {"tools": ["hang_up", {"name": "weather"}], "seed_data": {"bag": {"kilos": 7.5}}},
        ),
        ("persona", PERSONA | {"facts": {"floor": 3, "open": True}, "domain": 12}),
        ("vertical", PACK),
        ("experiment", EXPERIMENT | {"variants": [{"id": "one"}, {"id": "two", "weight": 3}]}),
    ],
)
def test_what_may_be_short_may_be_short(kind: str, content: object) -> None:
    assert faults(kind, content) == []
