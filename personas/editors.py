"""JSON Schemas of the catalog's files and those of tools, for editors. `make schemas` writes them to
`personas/schemas/`. Pure.

A schema knows the fields, their kinds and bounds and what each is for. What one field says of another, and one file of
another, only the loader knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from personas.experiment import Experiment
from personas.packs import Pack
from personas.persona import Persona
from personas.scenario import Scenario
from personas.scripts import Script
from tools.connectors.model import ConnectorsFile
from tools.http.model import HttpTool
from tools.mcp.model import McpFile

__all__ = ["FOLDER", "KINDS", "schema", "written"]

FOLDER = Path(__file__).parent / "schemas"
KINDS: dict[str, type[BaseModel]] = {
    "persona": Persona,
    "scenario": Scenario,
    "vertical": Pack,
    "experiment": Experiment,
    "test": Script,
    "tool": HttpTool,
    "mcp": McpFile,
    "connectors": ConnectorsFile,
}
"""File of the schema, without `.json`, and what it describes."""

TOOLS = frozenset({"tool", "mcp", "connectors"})
"""Kinds whose files are read as YAML 1.2: a number is no text there."""

SHORT: dict[str, dict[str, Any]] = {
    "Recorded": {"enum": ["off", "on"]},
    "ShownTool": {"type": "string"},
    "Called": {"type": "string"},
}
"""Models that a word alone may stand for."""
ONE_WILL_DO = {
    "persona": {("Persona", "brand")},
    "test": {
        (model, field)
        for model, fields in {
            "MustNot": ("said", "called"),
            "Expectation": ("said", "called"),
            "Answer": ("asked", "says"),
            "Until": ("said", "called"),
        }.items()
        for field in fields
    },
}
"""Lists that may be written without brackets when there is one entry."""


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one kind of file. Raises KeyError."""
    model = KINDS[kind]
    told = model.model_json_schema(mode="validation")
    parts: dict[str, dict[str, Any]] = told.get("$defs", {})
    for owner, field in ONE_WILL_DO.get(kind, ()):
        properties = (told if owner == model.__name__ else parts[owner])["properties"]
        properties[field] = _or(properties[field], properties[field]["items"])
    for name, short in SHORT.items():
        if name in parts:
            parts[name] = _or(parts[name], short)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_as_read(told, widen=kind not in TOOLS),
    }


def written(kind: str) -> str:
    """The text of its file."""
    return json.dumps(schema(kind), indent=1, ensure_ascii=False) + "\n"


def _or(whole: dict[str, Any], short: dict[str, Any]) -> dict[str, Any]:
    """Either of both; what is said of the whole is said of either."""
    about: dict[str, Any] = {key: whole[key] for key in ("description", "default") if key in whole}
    return {**about, "anyOf": [short, {key: value for key, value in whole.items() if key not in about}]}


def _as_read(told: Any, *, widen: bool) -> Any:
    """As files are read; without pydantic's titles, which only repeat the names."""
    walk: Callable[[Any], Any] = partial(_as_read, widen=widen)
    match told:
        case {"type": "string", **rest} if widen:
            # The loader takes a number or a bare true for the text that was written.
            kept = {key: value for key, value in rest.items() if key != "title"}
            return {"type": ["string", "number", "boolean"], **kept}
        case {"properties": dict(fields), **rest}:
            kept = {key: walk(value) for key, value in rest.items() if key != "title"}
            return {**kept, "properties": {name: walk(field) for name, field in fields.items()}}
        case dict():
            return {
                key: walk(value)
                for key, value in told.items()
                if key != "title" or not isinstance(value, str)
            }
        case list():
            return [walk(each) for each in told]
        case _:
            return told
