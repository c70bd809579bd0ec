"""Loading a folder of persona files: every fault of every file at once, with file, line and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from personas.persona import Persona

__all__ = ["BUILT_IN", "PersonaError", "load"]

BUILT_IN = Path(__file__).parent / "library"
"""The personas that come with Parley."""

_MAX_BYTES = 512 * 1024
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one over libyaml reads a persona ten times as fast; wheels have it."""


class PersonaError(Exception):
    """A persona file is wrong; `faults` lists every one as `file:line: what is wrong; what to do`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load(folder: Path | None = None) -> dict[str, Persona]:
    """All personas of `folder` (default: the built-in ones) by id, in their order. Raises PersonaError."""
    where = folder or BUILT_IN
    files = sorted([*where.glob("*.yaml"), *where.glob("*.yml")]) if where.is_dir() else []
    if not files:
        raise PersonaError([f"{where}: no persona files (*.yaml) there; add one or correct the path"])
    found: dict[str, Persona] = {}
    faults: list[str] = []
    for file in files:
        try:
            persona = _read(file)
        except PersonaError as fault:
            faults += fault.faults
            continue
        if persona.id in found:
            faults.append(f"{file.name}:1: the id {persona.id} is taken by another file; ids are unique")
        persona.zone  # noqa: B018 - made now, because making it reads a file
        found[persona.id] = persona
    if faults:
        raise PersonaError(faults)
    return dict(sorted(found.items(), key=lambda entry: (entry[1].order, entry[0])))


def _read(file: Path) -> Persona:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise PersonaError([f"{file.name}:1: larger than {_MAX_BYTES // 1024} KiB; split the persona"])
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=_LOADER)
        content = _plain(node)
    except OSError as fault:
        raise PersonaError([f"{file.name}:1: cannot be read ({fault.strerror})"]) from fault
    except UnicodeDecodeError as fault:
        raise PersonaError([f"{file.name}:1: is not UTF-8; save it as UTF-8"]) from fault
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise PersonaError(
            [f"{file.name}:{line}: {getattr(fault, 'problem', None) or 'not valid YAML'}"]
        ) from fault
    if node is None or not isinstance(content, dict):
        raise PersonaError([f"{file.name}:1: must be a mapping that begins with `id:`"])
    faults = [f"{file.name}:{line}: the key {key!r} is there twice; keep one" for line, key in _twice(node)]
    try:
        persona = Persona.model_validate(content)
    except ValidationError as fault:
        faults += [_explain(file, node, dict(error)) for error in fault.errors(include_url=False)]
        raise PersonaError(faults) from fault
    if persona.id != file.stem:
        faults.append(
            f"{file.name}:{_line(node, ('id',))}: id {persona.id} in this file; name it {persona.id}.yaml"
        )
    if faults:
        raise PersonaError(faults)
    return persona


def _plain(node: yaml.Node | None) -> Any:
    """The node's content; YAML's dates and sexagesimal numbers stay what the author wrote."""
    match node:
        case yaml.MappingNode():
            return {str(_plain(key)): _plain(value) for key, value in node.value}
        case yaml.SequenceNode():
            return [_plain(each) for each in node.value]
        case yaml.ScalarNode(tag="tag:yaml.org,2002:null"):
            return None
        case yaml.ScalarNode(tag="tag:yaml.org,2002:bool", value=value):
            # YAML 1.1 takes a bare yes or no for a boolean; in a list of phrases it is a word. Pydantic
            # turns these words into booleans where a boolean is wanted.
            return value
        case yaml.ScalarNode(value=value):
            return value
        case _:
            return None


def _twice(node: yaml.Node) -> Iterable[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.start_mark.line + 1, str(key.value)
            seen.add(str(key.value))
            yield from _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _twice(each)


def _line(node: yaml.Node, path: Iterable[int | str]) -> int:
    """The line of what `path` leads to, or of the last part of it that exists."""
    line = node.start_mark.line
    for part in path:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    node, line = value, key.start_mark.line
                    break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
    return line + 1


def _explain(file: Path, node: yaml.Node, error: dict[str, Any]) -> str:
    path: tuple[int | str, ...] = error["loc"]
    where = ".".join(str(part) for part in path) or "the persona"
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing":
        message = "is missing; add it"
    elif error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), Persona.model_fields, n=1) if len(path) == 1 else []
        message = "is no field here; " + (
            f"did you mean {near[0]}?" if near else "correct its name or remove it"
        )
    return f"{file.name}:{_line(node, path)}: {where}: {message}"
