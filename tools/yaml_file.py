"""YAML files that people write for tools, read strictly: every fault of a file at once, with file, line and what to do.

Plain words are YAML 1.2's: `yes` and `12:30` stay text, dates too; `true`, `3`, `0.5` and `null` are what they are.
"""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from tools.wording import in_words, of_the_author, place

__all__ = ["Fault", "FileFault", "read_yaml"]

MAX_BYTES = 256 * 1024

Where = tuple[int | str, ...]
Fault = tuple[Where, str]
"""Where in the file, and what is wrong with it."""

Model = TypeVar("Model", bound=BaseModel)

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class FileFault(Exception):
    """A file is wrong; `faults` lists every one as `file:line: where: what is wrong`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read_yaml(
    file: Path, model: type[Model], check: Callable[[Model], Iterable[Fault]] = lambda _: ()
) -> Model:
    """The file as `model`; `check` finds what its fields do not tell alone. Reads the disk. Raises FileFault."""
    faults: list[str] = []
    try:
        node = _composed(file)
        faults += [f"{file}:{line}: the key {key!r} is there twice; keep one" for line, key in _twice(node)]
        content = _plain(node)
        found = model.model_validate(content)
    except RecursionError:
        raise FileFault([f"{file}:1: is nested too deeply"]) from None
    except ValidationError as fault:
        faults += [
            f"{file}:{_line(node, error['loc'])}: {_explain(model, error)}"
            for error in of_the_author(fault.errors(include_url=False, include_input=False))
        ]
        raise FileFault(faults) from None
    faults += [
        f"{file}:{_line(node, where)}: {place(where) or 'the file'}: {told}" for where, told in check(found)
    ]
    if faults:
        raise FileFault(faults)
    return found


def _composed(file: Path) -> yaml.Node:
    try:
        node = yaml.compose(_text(file), Loader=yaml.SafeLoader)
    except OSError as fault:
        raise FileFault([f"{file}:1: cannot be read ({fault.strerror})"]) from None
    except UnicodeDecodeError:
        raise FileFault([f"{file}:1: is not UTF-8; save it as UTF-8"]) from None
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        told = getattr(fault, "problem", None) or "not valid YAML"
        raise FileFault([f"{file}:{mark.line + 1 if mark is not None else 1}: {told}"]) from None
    if not isinstance(node, yaml.MappingNode):
        raise FileFault([f"{file}:1: must be a mapping, such as `name: …`"])
    if (aliased := _aliased(node, set())) is not None:
        raise FileFault([f"{file}:{aliased}: YAML aliases (&, *) are not read; write it out"])
    return node


def _text(file: Path) -> str:
    """Raises FileFault, OSError, UnicodeDecodeError."""
    if not stat.S_ISREG(file.stat().st_mode):
        # A pipe would be waited for, and a device may have no end.
        raise FileFault([f"{file}:1: is no file; put a file of text there, or take it away"])
    with file.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise FileFault([f"{file}:1: larger than {MAX_BYTES // 1024} KiB; split it"])
    return content.decode("utf-8")


def _aliased(node: yaml.Node, seen: set[int]) -> int | None:
    """The line of something that is there by reference. A few aliases of aliases are a page of YAML and a gigabyte."""
    if id(node) in seen:
        return int(node.start_mark.line) + 1
    seen.add(id(node))
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        inner = [each for pair in node.value for each in pair]
    elif isinstance(node, yaml.SequenceNode):
        inner = list(node.value)
    return next((line for each in inner if (line := _aliased(each, seen)) is not None), None)


def _plain(node: yaml.Node) -> Any:
    match node:
        case yaml.MappingNode():
            return {str(key.value): _plain(value) for key, value in node.value}
        case yaml.SequenceNode():
            return [_plain(each) for each in node.value]
        case yaml.ScalarNode(value=value, style=None):
            return _scalar(value)
        case yaml.ScalarNode(value=value):
            return value
        case _:
            return None


def _scalar(text: str) -> Any:
    match text:
        case "" | "~" | "null":
            return None
        case "true" | "false":
            return text == "true"
        case _ if _INT.fullmatch(text) and len(text) < 20:
            return int(text)
        case _ if _FLOAT.fullmatch(text):
            return float(text)
        case _:
            return text


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


def _line(node: yaml.Node, path: Where) -> int:
    """The line of what `path` leads to, or of the last part of it that exists."""
    line = node.start_mark.line
    for part in path:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if str(key.value) == str(part):
                    node, line = value, key.start_mark.line
                    break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
    return int(line) + 1


def _explain(model: type[BaseModel], error: dict[str, Any]) -> str:
    path: Where = error["loc"]
    where = place(path) or "the file"
    message = in_words(error)
    if error["type"] == "extra_forbidden":
        known = (
            [field.alias or name for name, field in model.model_fields.items()] if len(path) == 1 else []
        )
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        message = (
            f"is no field here; {f'did you mean {near[0]}?' if near else 'correct its name or remove it'}"
        )
    return f"{where}: {message}"
