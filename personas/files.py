"""YAML files as models: every fault of a file at once, with file, line and what to do."""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from personas.free import Bare
from tools.wording import in_words, of_the_author, place

__all__ = ["CatalogError", "FileOf", "M", "files_in", "meant", "read_file"]

MAX_BYTES = 512 * 1024
"""Of one file."""
MAX_NODES = 50_000
"""Of one file, aliases followed: a few lines of them can stand for millions."""
DEEPEST = 40
SAFE_DEPTH = 2000
"""So deep a file may be nested and still be parsed: libyaml's parser goes down once for every level, and ends the
process where its stack does."""

_INDENTED = re.compile(r"^[ ?:-]+", re.MULTILINE)
"""What opens blocks at the beginning of a line."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: fifteen times as fast."""

M = TypeVar("M", bound=BaseModel)


class CatalogError(Exception):
    """Files are wrong; `faults` lists every fault as `file:line: what is wrong; what to do`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class FileOf(Generic[M]):
    """A model, and where in its file everything stands."""

    model: M
    name: str
    """Of the file, for people."""
    node: yaml.Node
    built_in: bool = False
    """Whether it is one of Parley's own."""

    def fault(self, path: tuple[int | str, ...], message: str) -> str:
        """`message` says what is wrong with what `path` leads to, and what to do."""
        return f"{self.name}:{_line(self.node, path)}: {place(path)}: {message}"


def files_in(folder: Path) -> list[Path]:
    """The YAML files of a folder, by name; none where there is no folder."""
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]) if folder.is_dir() else []


def meant(wrong: str, known: Collection[str]) -> str:
    """What to do about a name that is not known."""
    near = difflib.get_close_matches(wrong, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"there is: {', '.join(sorted(known))}" if known else "there is none"


def read_file(
    file: Path, kind: type[M], *, key: str = "id", name: str | None = None, built_in: bool = False
) -> FileOf[M]:
    """The model in a file whose name is the model's `key`. `name`: of the file, for people. Raises CatalogError."""
    name = name or file.name
    node = _compose(file, name)
    try:
        content = _plain(node, _Budget())
    except ValueError as fault:
        raise CatalogError([f"{name}:1: {fault}"]) from fault
    if node is None or not isinstance(content, dict):
        raise CatalogError([f"{name}:1: must be a mapping that begins with `{key}:`"])
    faults = [f"{name}:{line}: the key {twice!r} is there twice; keep one" for line, twice in _twice(node)]
    try:
        model = kind.model_validate(content)
    except ValidationError as fault:
        faults += [_explain(name, node, kind, error) for error in _told_once(fault)]
        raise CatalogError(faults) from fault
    called = getattr(model, key)
    if called != file.stem:
        faults.append(
            f"{name}:{_line(node, (key,))}: {key} {called} in this file; name it {called}{file.suffix}"
        )
    if faults:
        raise CatalogError(faults)
    return FileOf(model, name, node, built_in)


def _compose(file: Path, name: str) -> yaml.Node | None:
    try:
        text = _text(file, name)
        if (line := _too_deep(text)) is not None:
            raise CatalogError([f"{name}:{line}: is nested more than {DEEPEST} deep; flatten it"])
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except OSError as fault:
        raise CatalogError(
            [f"{name}:1: cannot be read ({fault.strerror}); see to its permissions"]
        ) from fault
    except UnicodeDecodeError as fault:
        raise CatalogError([f"{name}:1: is not UTF-8; save it as UTF-8"]) from fault
    except (yaml.YAMLError, RecursionError) as fault:
        mark = getattr(fault, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        problem = getattr(fault, "problem", None) or "not valid YAML"
        raise CatalogError(
            [f"{name}:{line}: {problem}; quote the text, or mend the indentation"]
        ) from fault
    return node


def _text(file: Path, name: str) -> str:
    """Raises CatalogError, OSError, UnicodeDecodeError."""
    if not stat.S_ISREG(file.stat().st_mode):
        # A pipe would be waited for, and a device may have no end.
        raise CatalogError([f"{name}:1: is no file; put a file of text there, or take it away"])
    with file.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise CatalogError([f"{name}:1: larger than {MAX_BYTES // 1024} KiB; split it"])
    return content.decode("utf-8")


def _too_deep(text: str) -> int | None:
    """The line of what is nested deeper than can be parsed. Raises YAMLError."""
    brackets = text.count("[") + text.count("{")
    if brackets + 2 * max(map(len, _INDENTED.findall(text)), default=0) <= SAFE_DEPTH:
        return None
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > SAFE_DEPTH:
                return event.start_mark.line + 1 if event.start_mark is not None else 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


class _Budget:
    def __init__(self) -> None:
        self._left = MAX_NODES

    def spend(self, depth: int) -> None:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"stands for more than {MAX_NODES} values; use fewer aliases")
        if depth > DEEPEST:
            raise ValueError(f"is nested more than {DEEPEST} deep; flatten it")


def _plain(node: yaml.Node | None, budget: _Budget, depth: int = 0) -> Any:
    """The node's content; YAML's dates and sexagesimal numbers stay what the author wrote, and so does a bare yes or
    no: YAML 1.1 takes it for a boolean, and in a list of phrases it is a word. Pydantic turns these words into booleans
    where a boolean is wanted. Raises ValueError."""
    budget.spend(depth)
    match node:
        case yaml.MappingNode():
            return {
                str(_plain(key, budget, depth + 1)): _plain(value, budget, depth + 1)
                for key, value in node.value
            }
        case yaml.SequenceNode():
            return [_plain(each, budget, depth + 1) for each in node.value]
        case yaml.ScalarNode(tag="tag:yaml.org,2002:null"):
            return None
        case yaml.ScalarNode(value=value, style=style):
            # A plain scalar has no style in one of PyYAML's parsers, and an empty one in the other.
            return value if style else Bare(value)
        case _:
            return None


def _twice(node: yaml.Node) -> Iterable[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
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


def _told_once(fault: ValidationError) -> list[dict[str, Any]]:
    """Without the lists that are too short only because what is in them is wrong."""
    errors = of_the_author(fault.errors(include_url=False))
    deeper = {error["loc"][:depth] for error in errors for depth in range(len(error["loc"]))}
    return [error for error in errors if error["type"] != "too_short" or error["loc"] not in deeper]


@cache
def _field_names(kind: type[BaseModel]) -> frozenset[str]:
    """Every field of a model and of the models in it, as a file writes them."""
    names: set[str] = set()
    todo, seen = [kind], {kind}
    while todo:
        for name, about in todo.pop().model_fields.items():
            names.add(about.alias or name)
            for inner in _models_in(about.annotation):
                if inner not in seen:
                    seen.add(inner)
                    todo.append(inner)
    return frozenset(names)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _explain(name: str, node: yaml.Node, kind: type[BaseModel], error: dict[str, Any]) -> str:
    path: tuple[int | str, ...] = error["loc"]
    where = place(path) or f"the {kind.__name__.lower()}"
    message = in_words(error)
    if error["type"] == "extra_forbidden":
        names = kind.model_fields if len(path) == 1 else _field_names(kind)
        near = difflib.get_close_matches(str(path[-1]), names, n=1)
        message = "is no field here; " + (
            f"did you mean {near[0]}?" if near else "correct its name or remove it"
        )
    return f"{name}:{_line(node, path)}: {where}: {message}"
