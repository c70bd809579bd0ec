"""A tool's arguments out of what was said: a value for each parameter that its schema accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.providers.embedded.english.grammar import polarity, spot
from gateway.providers.embedded.english.numbers import amounts, digit_runs
from gateway.providers.embedded.english.words import STOP, alike, tokens
from gateway.providers.embedded.retelling import words_of
from gateway.providers.embedded.schema import accepts, coerce, kind_of, minimal, parameters_of, resolve
from gateway.providers.embedded.text_arguments import text_value

__all__ = ["Taken", "arguments_for", "forced"]

_DEPTH = 4


@dataclass(slots=True)
class Taken:
    """Arguments as far as they are known, and the required ones that are not."""

    arguments: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def arguments_for(
    tool: Mapping[str, Any], text: str, now: datetime, *, known: Mapping[str, Any], asked: str | None
) -> Taken:
    """What `text` says about the parameters of `tool`. `known` from earlier turns stays; `asked` is the parameter
    that was asked for, so bare words are its value."""
    root = parameters_of(tool)
    properties = root.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    required = _required(root)
    taken = Taken(dict(known))
    alone = len(required) == 1 and not known
    used: set[float] = set()
    for name, each in properties.items():
        schema = resolve(each, root)
        if name in taken.arguments:
            continue
        spoken = text if asked == name else _without_tool(tool, text) if alone and name in required else ""
        found = _value(name, schema, root, spoken or text, now, eager=bool(spoken), used=used)
        if found is not None:
            taken.arguments[name] = found
    taken.missing = [name for name in required if name not in taken.arguments]
    return taken


def _without_tool(tool: Mapping[str, Any], text: str) -> str:
    """What is left of an utterance without the words that named the tool and those that mean little."""
    named = tokens(words_of(str(tool.get("name", ""))))
    words = text.split()
    small = [tokens(word) for word in words]
    first = next(
        (at for at, each in enumerate(small) if any(alike(a, b) >= 0.8 for a in each for b in named)), -1
    )
    rest = words[first + 1 :]
    return " ".join(rest) if any(word not in STOP for word in tokens(" ".join(rest))) else ""


def forced(tool: Mapping[str, Any], text: str, now: datetime) -> dict[str, Any]:
    """Valid arguments in any case: what was said, and the plainest values for what was not."""
    root = parameters_of(tool)
    taken = arguments_for(tool, text, now, known={}, asked=None)
    properties = root.get("properties")
    for name in taken.missing:
        schema = properties.get(name, {}) if isinstance(properties, Mapping) else {}
        eager = _value(name, resolve(schema, root), root, text, now, eager=True, used=set())
        taken.arguments[name] = minimal(schema, root, now) if eager is None else eager
    return taken.arguments


def _required(schema: Mapping[str, Any]) -> list[str]:
    names = schema.get("required")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _value(
    name: str,
    schema: Any,
    root: Any,
    text: str,
    now: datetime,
    *,
    eager: bool,
    used: set[float],
    depth: int = 0,
) -> Any:
    words = tokens(text)
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(choices, list):
        return _choice(choices, words, schema)
    match kind_of(schema):
        case "boolean":
            return _truth(name, words, eager)
        case "integer" | "number" as kind:
            return _number(schema, kind, _from_label(name, words), used)
        case "array":
            return _list(name, schema, root, text, now, eager, depth)
        case "object":
            return _object(schema, root, text, now, eager, depth)
        case "string":
            found = text_value(name, schema, text, words, now, eager)
            return found if found is not None and accepts(found, schema) else None
        case _:
            return None


def _choice(choices: list[Any], words: tuple[str, ...], schema: Any) -> Any:
    best: tuple[float, int, Any] | None = None
    for choice in choices:
        if choice is None:
            continue
        if isinstance(choice, int | float) and not isinstance(choice, bool):
            score = 1.0 if float(choice) in amounts(words) else 0.0
        else:
            phrase = tokens(words_of(str(choice)))
            hit = spot(phrase, words, 0.72) if phrase else None
            score = hit[0] if hit else 0.0
        size = len(str(choice))
        if score and (best is None or (score, size) > best[:2]):
            best = score, size, choice
    return best[2] if best and accepts(best[2], schema) else None


def _truth(name: str, words: tuple[str, ...], eager: bool) -> bool | None:
    named = [word for word in tokens(words_of(name)) if word not in STOP]
    if "off" in words or "disable" in words:
        return False
    if named and all(any(alike(word, other) >= 0.8 for other in words) for word in named):
        return not any(word in ("no", "not", "without", "never") for word in words)
    if "on" in words[:3] and any(word in ("turn", "switch") for word in words[:2]):
        return True
    return polarity(words, expected=True) if eager else None


def _from_label(name: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """The words with those from the parameter's own name on put first: `weight three kilos`."""
    named = [word for word in tokens(words_of(name)) if word not in STOP]
    at = next((at for at, word in enumerate(words) if any(alike(word, each) >= 0.8 for each in named)), 0)
    return (*words[at:], "…", *words[:at])


def _number(schema: Any, kind: str, words: tuple[str, ...], used: set[float]) -> int | float | None:
    signs = tuple("minus" if word in ("negative", "below") else word for word in words)
    for value in (*_decimals(signs), *amounts(signs)):
        number: int | float = int(value) if value == int(value) else value
        for candidate in (-number if "minus" in signs else number, number):
            if kind == "integer" and not isinstance(candidate, int):
                continue
            good = coerce(candidate, schema)
            if good is not None and value not in used:
                used.add(value)
                return candidate
    return None


def _decimals(words: tuple[str, ...]) -> list[float]:
    """`two point five` → 2.5."""
    found = []
    for at, word in enumerate(words):
        if word == "point" and 0 < at < len(words) - 1:
            whole = amounts(words[max(0, at - 3) : at])
            runs = digit_runs(words[at + 1 :])
            if whole and runs and runs[0].start == 0:
                found.append(float(f"{int(whole[-1])}.{runs[0].digits}"))
    return found


def _list(
    name: str, schema: Any, root: Any, text: str, now: datetime, eager: bool, depth: int
) -> list[Any] | None:
    items = resolve(schema.get("items", {}), root)
    pieces = [piece.strip() for piece in re.split(r",|\band\b|\bor\b|\bplus\b", text) if piece.strip()]
    found: list[Any] = []
    used: set[float] = set()
    for piece in pieces if depth < _DEPTH else []:
        value = _value(name, items, root, piece, now, eager=eager, used=used, depth=depth + 1)
        if value is not None and value not in found:
            found.append(value)
    most = schema.get("maxItems")
    found = found[:most] if isinstance(most, int) else found
    return found if found and accepts(found, schema) else None


def _object(
    schema: Any, root: Any, text: str, now: datetime, eager: bool, depth: int
) -> dict[str, Any] | None:
    properties = schema.get("properties")
    found: dict[str, Any] = {}
    if not isinstance(properties, Mapping) or depth >= _DEPTH:
        return None
    used: set[float] = set()
    for name, each in properties.items():
        value = _value(name, resolve(each, root), root, text, now, eager=eager, used=used, depth=depth + 1)
        if value is not None:
            found[name] = value
    return found if found and all(name in found for name in _required(schema)) else None
