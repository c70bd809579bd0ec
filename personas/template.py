"""Templates in persona files: `{slot}`, `{tool.field|filter}`. Reading them, not their values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["FILTERS", "Field", "fields", "fill", "only_field"]

FILTERS = ("date", "digits", "list", "money", "month_day", "raw", "spell", "time", "when")
"""How a value may be spoken: digits one by one, a code letter by letter, an ISO moment as people say it …"""

_FIELD = re.compile(r"\{([^{}|]*)(?:\|([^{}]*))?\}")
_PATH = re.compile(r"^[a-z_][a-z0-9_]*(\.[a-z0-9_]+)*$")


@dataclass(frozen=True, slots=True)
class Field:
    """One `{path|filter}`."""

    path: tuple[str, ...]
    filter: str | None


def _field(match: re.Match[str]) -> Field:
    path, how = match.group(1).strip(), match.group(2)
    if not _PATH.match(path):
        raise ValueError(
            f"{{{match.group(1)}}} is no field name; write e.g. {{slot}} or {{tool.field|date}}"
        )
    if how is not None and how.strip() not in FILTERS:
        raise ValueError(f"unknown filter {how.strip()!r}; there are {', '.join(FILTERS)}")
    return Field(tuple(path.split(".")), how.strip() if how is not None else None)


def fields(template: str) -> tuple[Field, ...]:
    """The fields of `template`, in order. Raises ValueError on a malformed one."""
    if template.count("{") != template.count("}") or len(_FIELD.findall(template)) != template.count("{"):
        raise ValueError(f"unbalanced braces in {template[:60]!r}")
    return tuple(_field(match) for match in _FIELD.finditer(template))


def only_field(template: str) -> Field | None:
    """The field, when `template` is nothing but one: its value is then passed on with its type."""
    match = _FIELD.fullmatch(template.strip())
    return _field(match) if match else None


def fill(template: str, speak: Callable[[Field], str]) -> str:
    """`template` with each field replaced by `speak(field)`."""
    return _FIELD.sub(lambda match: speak(_field(match)), template)
