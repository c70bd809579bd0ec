"""Where a dialogue stands: derived from the conversation anew for every reply, never stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

from gateway.engine.mind import Request
from gateway.providers.embedded.items import Item
from gateway.providers.embedded.rendering import Scope
from gateway.providers.embedded.slots import Value
from gateway.providers.embedded.tongue import Tongue
from gateway.providers.embedded.turns import Result
from personas.dialogue import Dialogue, Slot, Task
from personas.keys import on_the_phone
from personas.persona import Persona

__all__ = ["Expect", "Expecting", "State"]


class Expect(Enum):
    """What the caller was asked last."""

    NOTHING = auto()
    SLOT = auto()
    CHECK = auto()
    """Whether a slot was understood."""
    CONFIRM = auto()
    """Whether the task may be carried out."""
    CHANGE = auto()
    """What of it should change."""
    MORE = auto()
    """Whether there is anything else."""
    PERSON = auto()
    """Whether to hand over to a person."""


@dataclass(frozen=True, slots=True)
class Expecting:
    what: Expect = Expect.NOTHING
    slot: Slot | None = None


@dataclass(slots=True)
class State:
    """One replay of a conversation. Mutable only while it is being replayed."""

    tongue: Tongue
    persona: Persona
    dialogue: Dialogue
    now: datetime
    tools: Mapping[str, Mapping[str, Any]]
    """The function tools in force, by name."""
    keypad: bool = False
    """The caller has keys."""

    task: Task | None = None
    values: dict[str, Value] = field(default_factory=dict)
    unchecked: set[str] = field(default_factory=set)
    """Slots whose value still has to be confirmed by itself."""
    partial: dict[str, str] = field(default_factory=dict)
    offered: dict[str, list[Item]] = field(default_factory=dict)
    """By item slot: the items named last."""
    shortlist: dict[str, list[Item]] = field(default_factory=dict)
    """By item slot: the items to be named next, instead of those nearest to the wish."""
    results: dict[str, Result] = field(default_factory=dict)
    """By tool: its last call within the task."""
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By tool: its last success within the conversation."""
    told: set[int] = field(default_factory=set)
    """Results (by identity) whose words were said."""
    agreed: dict[str, Value] | None = None
    """The slot values the caller said yes to."""
    expecting: Expecting = Expecting()
    misses: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    prompt: str = ""
    """The question that is open."""
    said: str = ""
    """What we said last, whole."""
    held: bool = False
    over: bool = False

    @classmethod
    def begin(cls, request: Request, tongue: Tongue, persona: Persona, dialogue: Dialogue) -> State:
        """The state before the first word."""
        tools = (
            {} if request.tool_choice == "none" else {str(tool.get("name")): tool for tool in request.tools}
        )
        return cls(tongue, persona, dialogue, request.now, tools, on_the_phone(request.instructions))

    def scope(self, **extra: Any) -> Scope:
        """What templates can name now."""
        results = dict(self.known)
        results |= {name: result.output or {} for name, result in self.results.items() if result.ok}
        return Scope(self.tongue, self.task, self.values, results, extra)

    def start(self, task: Task) -> None:
        """Begin a task, keeping what is worth keeping of the one before."""
        keep = {slot.id for slot in self.task.slots if slot.keep} if self.task else set()
        fresh = {slot.id for slot in task.slots}
        self.values = {
            name: value for name, value in self.values.items() if name in (keep or fresh) and name in fresh
        }
        self.task = task
        for slot in task.slots:
            if not slot.keep:
                self.values.pop(slot.id, None)
        self.results.clear()
        self.partial.clear()
        self.offered.clear()
        self.shortlist.clear()
        self.asked.clear()
        self.unchecked.clear()
        self.agreed = None
        self.misses = 0

    def finish(self) -> None:
        """The task is done or dropped; kept values stay."""
        task = self.task
        if task is not None:
            self.values = {
                slot.id: self.values[slot.id] for slot in task.slots if slot.keep and slot.id in self.values
            }
        self.task = None
        self.agreed = None
        self.offered.clear()
        self.shortlist.clear()
        self.unchecked.clear()

    def clear(self, names: tuple[str, ...]) -> None:
        """Forget slots, and results of tools, so that they are asked for or called again."""
        for name in names:
            self.values.pop(name, None)
            self.partial.pop(name, None)
            self.offered.pop(name, None)
            self.shortlist.pop(name, None)
            self.unchecked.discard(name)
            self.results.pop(name, None)
        self.agreed = None
