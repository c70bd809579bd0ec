"""Templates with their values: what is said, and the arguments of a tool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from gateway.providers.embedded.findings import Moment
from gateway.providers.embedded.slots import Value, say_value
from gateway.providers.embedded.tongue import Tongue
from personas.dialogue import Slot, Task
from personas.template import Field, fields, fill, only_field

__all__ = ["Scope"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What templates may name: slots by id, tool results by the tool's name, and a few words for the moment."""

    tongue: Tongue
    task: Task | None
    values: Mapping[str, Value]
    results: Mapping[str, dict[str, Any]]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def say(self, template: str) -> str:
        """The template as spoken; unknown fields are left out."""
        text = re.sub(r"\s+([.,?!،؟۔])", r"\1", " ".join(fill(template, self._spoken).split()))
        return text[:1].upper() + text[1:]

    def knows(self, template: str) -> bool:
        """Whether every field of the template has a value."""
        return all(self.raw(each) is not None for each in fields(template))

    def argument(self, template: str) -> Any:
        """The template as a tool's argument: of one field alone, its value with its type."""
        one = only_field(template)
        if one is not None:
            return self.raw(one)
        return fill(template, lambda each: str(self.raw(each) if self.raw(each) is not None else ""))

    def raw(self, each: Field) -> Any:
        """The value of a field, None when there is none."""
        head, *rest = each.path
        value: Any = self.extra.get(head, self.values.get(head, self.results.get(head)))
        for part in rest:
            value = _step(value, part)
        if isinstance(value, Moment):
            value = _iso(value)
        return value.isoformat() if isinstance(value, date) else value

    def item(self, slot: Slot, item: dict[str, Any]) -> str:
        """How one item of an item slot is spoken."""
        bare = Scope(self.tongue, None, {}, {}, item)
        return " ".join(fill(slot.label, bare._spoken).split())

    def _spoken(self, each: Field) -> str:
        slot = (
            next((slot for slot in self.task.slots if slot.id == each.path[0]), None) if self.task else None
        )
        value = self.raw(each)
        if value is None:
            return ""
        if slot is not None and len(each.path) == 1 and each.filter is None:
            held = self.values[slot.id]
            return self.item(slot, held) if isinstance(held, dict) else say_value(self.tongue, slot, held)
        return _filtered(self.tongue, value, each.filter)


def _step(value: Any, part: str) -> Any:
    if isinstance(value, Moment):
        return {"date": value.day, "time": value.at, "part": value.part}.get(part)
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list | tuple) and part.isdigit() and int(part) < len(value):
        return value[int(part)]
    return None


def _iso(value: Moment) -> str | None:
    if value.day is None:
        return None
    return datetime.combine(value.day, value.at).isoformat() if value.at else value.day.isoformat()


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _filtered(tongue: Tongue, value: Any, how: str | None) -> str:
    speak = tongue.say
    if how == "digits":
        return speak.digits(str(value))
    if how == "spell":
        return speak.spell(str(value))
    if how == "money":
        return speak.money(value)
    if how == "list" and isinstance(value, list):
        return speak.either([str(each) for each in value])
    when = _moment(value) if how in ("date", "month_day", "time", "when") else None
    if when is not None:
        if how == "time":
            return speak.clock(when.time())
        if how == "month_day":
            return speak.month_day(when.date())
        return speak.day(when.date()) if how == "date" else speak.when(when)
    if isinstance(value, bool):
        return tongue.lines.yes if value else tongue.lines.no
    return str(value).replace("_", " ") if how is None else str(value)
