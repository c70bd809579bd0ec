"""Tools that contradict themselves, parameters without a class, and what is kept of both for people to read."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialogue.talk import NOW
from tests.tools.doors import Counted, trial
from tools.arguments import read
from tools.contract import Tool, ToolError
from tools.parameters import JsonSchemaParameters
from tools.runtime.previews import MOST, preview

pytestmark = pytest.mark.unit

SCHEMA = {
    "properties": {
        "city": {"type": "string", "maxLength": 10},
        "unit": {"enum": ["c", "f"]},
        "days": {"type": "integer", "minimum": 1},
        "at": {"$ref": "#/$defs/place"},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"place": {"type": "object", "required": ["lat"]}},
}


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ({"name": "two words"}, "a name has"),
        ({"category": "Two Words"}, "category"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"max_concurrent": 0}, "max_concurrent"),
        ({"retries": -1}, "retries"),
        ({"effect": "write", "retries": 1}, "idempotent=True"),
    ],
)
def test_a_tool_that_contradicts_itself(kind: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        _ = trial(Counted(), **kind)


def test_a_schema_in_place_of_a_class() -> None:
    tool = Tool("weather", "Weather.", JsonSchemaParameters(SCHEMA), Counted())
    assert tool.names == {"city", "unit", "days", "at"}
    definition = tool.definition()["parameters"]
    assert definition == {"type": "object", **SCHEMA}
    definition["properties"].clear()
    assert tool.names
    assert read(tool, {"city": "Oslo", "unit": "c"}, NOW) == {"city": "Oslo", "unit": "c"}


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({}, "missing city"),
        ({"city": 5}, "city: must be of type string"),
        ({"city": "Llanfairpwllgwyngyll"}, "city: characters at most: 10"),
        ({"city": "Oslo", "unit": "k"}, "unit: must be one of c, f"),
        ({"city": "Oslo", "days": 0}, "days: must be at least 1"),
        ({"city": "Oslo", "at": {}}, "at: missing lat"),
        ({"city": "Oslo", "size": 1}, "Unknown argument size"),
    ],
)
def test_what_does_not_fit_a_schema_is_told_without_its_value(given_: dict[str, Any], says: str) -> None:
    tool = Tool("weather", "Weather.", JsonSchemaParameters(SCHEMA), Counted())
    with pytest.raises(ToolError, match=says) as fault:
        _ = read(tool, given_, NOW)
    assert "Llanfair" not in str(fault.value)
    assert read(tool, given_, NOW, check=False) == given_


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "array"}, "type must be object"),
        ({"properties": {"x": {"type": "strange"}}}, "properties.x.type"),
        ({"properties": {"x": {"$ref": "http://127.0.0.1:9/x"}}}, "points out of the schema"),
        ({"properties": {"x": {"anyOf": [{"$ref": "other.json"}]}}}, "points out of the schema"),
    ],
)
def test_a_schema_that_is_none(schema: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        _ = JsonSchemaParameters(schema)


def test_a_schema_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it connects")

    monkeypatch.setattr(socket, "create_connection", refuse)
    parameters = JsonSchemaParameters(
        {"$id": "http://127.0.0.1:9/a", "properties": {"x": {"$ref": "#/nowhere"}}}
    )
    with pytest.raises(Exception, match="nowhere"):
        _ = parameters.faults({"x": 1})


def test_a_schema_that_stands_for_more_than_ever_ends_is_given_up() -> None:
    doubled = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(200)}
    bomb = {"properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": doubled | {"d200": {"type": "string"}}}
    assert JsonSchemaParameters(bomb).faults({"x": "y"}) == [
        "arguments: are more than can be checked; send fewer"
    ]


def test_regular_expressions_of_others_are_left_to_them() -> None:
    slow = {
        "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}},
        "patternProperties": {"^(y+)+$": {"type": "integer"}},
        "additionalProperties": False,
        "unevaluatedProperties": False,
    }
    parameters = JsonSchemaParameters(slow, foreign=True)
    assert parameters.faults({"x": "a" * 60 + "!", "y" * 60 + "!": 1}) == []
    assert parameters.faults({"x": 1}) == ["x: must be of type string"]
    assert not parameters.closed
    assert JsonSchemaParameters({"properties": {"x": {"pattern": "^a$"}}}).faults({"x": "b"})


# ── previews ──

SECRETS = {
    "name": "Jordan Ellis",
    "phone": "+1 555 555 0123",
    "card": "4242 4242 4242 4242",
    "note": "the caller cried",
    "nested": {"email": "jordan@example.com", "list": [{"address": "1 Main Street"}]},
    "free": "call me at 555 0100 or jordan@example.com",
    "number": 4242,
}


def test_a_preview_shows_the_shape_and_no_person() -> None:
    shown = preview(SECRETS | {"service": "cleaning", "starts_at": "2026-12-01T09:30:00", "ok": True})
    for secret in ("Jordan", "555", "4242", "cried", "example.com", "Main"):
        assert secret not in shown, secret
    read_back = json.loads(shown)
    assert read_back["service"] == "cleaning"
    assert read_back["starts_at"] == "2026-12-01T09:30:00"
    assert read_back["ok"] is True


def test_a_withheld_preview_names_the_fields_only() -> None:
    assert json.loads(preview(SECRETS, withheld=True)) == {"withheld": sorted(SECRETS)}


@given(
    st.dictionaries(
        st.text(max_size=10),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(), inner, max_size=30),
            max_leaves=60,
        ),
    )
)
def test_a_preview_is_bounded(value: dict[str, Any]) -> None:
    assert len(preview(value)) <= MOST
