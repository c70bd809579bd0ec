"""The part of a persona that the embedded engine needs: tasks with slots, answers, repairs. Frozen; no I/O.

A **task** is something the caller wants done. Its **steps** run in order: fill a slot, call a tool, have the
caller confirm. What the caller says fills any slot of the task at any time, so a step whose slot is already known
is passed over. A tool is called again when the values it was called with have changed.

Phrases use `personas.phrases`, texts that are spoken `personas.template`: `{slot}` is the slot's value as it is
spoken, `{tool.field|filter}` a field of that tool's last result.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from personas import phrases, template
from personas.languages import Code

__all__ = ["Answer", "Case", "Dialogue", "HandOver", "Option", "Phrase", "Slot", "SlotKind", "Step", "Task"]


def _phrase(text: str) -> str:
    phrases.expand(text)
    return text


def _spoken(text: str) -> str:
    template.fields(text)
    return text


Phrase = Annotated[str, AfterValidator(_phrase)]
Spoken = Annotated[str, AfterValidator(_spoken)]
SlotKind = Literal[
    "choice", "date", "time", "datetime", "name", "phone", "digits", "yes_no", "text", "item"
]


class _Part(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class Option(_Part):
    """One value of a `choice` slot."""

    value: str
    say: str = Field(description="As it is read back: `a cleaning`.")
    heard: Spoken = Field("", description="Said once it is chosen, instead of the slot's `heard`.")
    phrases: tuple[Phrase, ...] = Field(min_length=1)


class Slot(_Part):
    """One thing to learn from the caller."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: SlotKind
    title: str = Field(
        description="What it is called when the caller is asked what to change: `the day and time`."
    )
    ask: tuple[Spoken, ...] = Field(
        min_length=1, description="The question; further ones for asking again."
    )
    expects: str = Field(
        description="What repair names: `the day and the time, for example Friday at nine thirty`."
    )
    heard: Spoken = Field(
        "", description="Said once it is known, before the next question; empty: nothing."
    )
    invalid: Spoken = Field("", description="Said when a value was understood but cannot be.")
    check: Literal["never", "doubtful", "always"] = Field(
        "doubtful",
        description="Whether the value is confirmed at once; the task's `confirm` step comes anyway.",
    )
    verify: Spoken = Field(
        "", description="The question of that check; empty: `I heard {slot}. Is that right?`"
    )
    cues: tuple[Phrase, ...] = Field((), description="Words that name the slot: `phone number`.")
    keep: bool = Field(False, description="Kept for the next task of the same call.")
    hear: tuple[Phrase, ...] = Field((), description="Further sentences for the ears' language model.")

    options: tuple[Option, ...] = Field((), description="choice: the values.")
    length: int = Field(0, ge=0, le=20, description="digits: how many.")
    tense: Literal["past", "future"] = Field(
        "future", description="date, datetime: which side of today it lies."
    )
    least: int = Field(2, ge=1, le=20, description="text: fewer words are no answer.")
    full_name: bool = Field(True, description="name: ask for the last name when only one word is given.")
    yes: tuple[Phrase, ...] = Field((), description="yes_no: what else means yes.")
    no: tuple[Phrase, ...] = Field((), description="yes_no: what else means no.")
    source: str = Field("", description="item: the list it is chosen from, `tool.field`.")
    otherwise: str = Field("", description="item: the list when `source` is empty.")
    key: str = Field("", description="item: the field that tells items apart.")
    label: Spoken = Field("", description="item: how one is spoken, a template over the item's own fields.")
    match: tuple[str, ...] = Field(
        (), description="item: fields whose words, amounts or days the caller may name."
    )
    nearest: str = Field("", description="item: the datetime slot that the offer should be near to.")
    at_once: int = Field(3, ge=1, le=8, description="item: how many are offered in one sentence.")
    other_ask: Spoken = Field("", description="item: the question when the items come from `otherwise`.")
    taken_ask: Spoken = Field(
        "", description="item: the question when the exact time wished for is not among them."
    )
    none: Spoken = Field("", description="item: said when there is nothing to choose from.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed: dict[str, tuple[str, ...]] = {
            "choice": ("options",),
            "digits": ("length",),
            "item": ("source", "key", "label", "none"),
        }
        missing = [name for name in needed.get(self.kind, ()) if not getattr(self, name)]
        if missing:
            raise ValueError(f"slot {self.id}: a {self.kind} slot needs {', '.join(missing)}; add it")
        return self


class Case(_Part):
    """What a tool's result means when one of its fields has a certain value."""

    field: str
    equals: str
    say: Spoken
    clears: tuple[str, ...] = Field((), description="Slots to ask for again.")
    ends: bool = Field(False, description="The task is over.")


class Step(_Part):
    """Exactly one of `slot`, `call`, `confirm`."""

    slot: str | None = None
    confirm: Spoken | None = Field(
        None, description="The question that must be answered yes before going on."
    )
    call: str | None = Field(None, description="The tool's name.")
    arguments: dict[str, Spoken] = Field(
        default_factory=dict,
        description="call: `{slot}` alone passes the value with its type, else a text.",
    )
    before: Spoken = Field("", description="call: said while the tool runs.")
    say: Spoken = Field("", description="call: said once, when it succeeded.")
    cases: tuple[Case, ...] = Field(
        (), description="call: results that succeeded and still mean something else."
    )
    failed: Spoken = Field(
        "", description="call: said when it failed; `{error}` is the tool's own message."
    )
    clears: tuple[str, ...] = Field(
        (), description="call: slots to ask for again, tools to call again, when it failed."
    )
    only_if: dict[str, str] = Field(
        default_factory=dict, description="The step counts only with these slot values."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(part is not None for part in (self.slot, self.confirm, self.call)) != 1:
            raise ValueError("a step has exactly one of slot, confirm, call; split it or remove one")
        if self.call is not None and not self.failed:
            raise ValueError(
                f"the step that calls {self.call} needs `failed`: what is said when it does not work"
            )
        return self


class Task(_Part):
    """Something the caller may want done."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(description="As it is offered: `book an appointment`.")
    triggers: tuple[Phrase, ...] = Field(min_length=1)
    begin: Spoken = Field("", description="Said as it begins.")
    slots: tuple[Slot, ...]
    steps: tuple[Step, ...] = Field(min_length=1)

    def slot(self, name: str) -> Slot:
        """The slot of that id. Raises KeyError."""
        for slot in self.slots:
            if slot.id == name:
                return slot
        raise KeyError(name)

    @model_validator(mode="after")
    def _known(self) -> Self:
        slots = {slot.id for slot in self.slots}
        calls = {step.call for step in self.steps if step.call}
        if len(slots) != len(self.slots):
            raise ValueError(f"task {self.id}: two slots share an id; rename one")
        for step in self.steps:
            for name in filter(None, (step.slot, *step.only_if)):
                if name not in slots:
                    raise ValueError(
                        f"task {self.id}: a step names the slot {name}, which is not among its slots"
                    )
            for name in (*step.clears, *(name for case in step.cases for name in case.clears)):
                if name not in slots | calls:
                    raise ValueError(
                        f"task {self.id}: `clears` names {name}, which is neither slot nor tool here"
                    )
        for text in self._texts():
            for each in template.fields(text):
                if each.path[0] not in slots | calls | {"error", "heard"}:
                    raise ValueError(
                        f"task {self.id}: {{{'.'.join(each.path)}}} is neither slot nor tool of the task"
                    )
        for slot in self.slots:
            for source in filter(None, (slot.source, slot.otherwise)):
                if source.split(".")[0] not in calls:
                    raise ValueError(
                        f"task {self.id}: slot {slot.id} chooses from {source}, but no step calls it"
                    )
            if slot.nearest and slot.nearest not in slots:
                raise ValueError(
                    f"task {self.id}: slot {slot.id} is nearest to {slot.nearest}, which is no slot"
                )
        return self

    def _texts(self) -> Iterable[str]:
        yield self.begin
        for slot in self.slots:
            yield from (
                *slot.ask,
                slot.heard,
                slot.invalid,
                slot.verify,
                slot.other_ask,
                slot.taken_ask,
                slot.none,
            )
        for step in self.steps:
            yield from (step.confirm or "", step.before, step.say, step.failed, *step.arguments.values())
            yield from (case.say for case in step.cases)


class Answer(_Part):
    """A question the persona knows the answer to, or a bit of small talk."""

    ask: tuple[Phrase, ...] = Field(min_length=1)
    say: Spoken = Field(description="May use `{tool.field}` of any result of this call.")
    otherwise: str = Field("", description="Said while that result is not there.")
    urgent: bool = Field(
        False, description="Somebody may be in danger: said before anything else, whatever was asked."
    )
    hands_over: bool = Field(False, description="Hand the caller over to a person after it.")


class HandOver(_Part):
    """Passing the caller on to a person, by the tool `hand_over`."""

    department: str = "front desk"
    reason: str = "The caller asked for a person."
    say: str = "Of course. One moment, I'll pass you on to a colleague."
    unavailable: str = (
        "I'm sorry, I can't pass you on right now. Please call again during our opening hours."
    )


class Dialogue(_Part):
    """How the embedded engine holds this persona's conversation."""

    language: Code = Field(
        "en", description="What it is written in, ISO 639-1; without it the persona's language."
    )
    tasks: tuple[Task, ...] = Field(min_length=1)
    answers: tuple[Answer, ...] = ()
    help: str = Field(
        description="What the agent can do: said when asked, and when it does not understand."
    )
    what_for: str = "How can I help you?"
    unclear: tuple[str, ...] = ("Sorry, I didn't catch that.", "I'm sorry, I still didn't get that.")
    hold: str = "Sure, take your time."
    back: str = "Thanks for waiting."
    anything_else: str = "Is there anything else I can do for you?"
    what_else: str = "What else can I do for you?"
    which_change: str = "All right. What should I change?"
    dropped: str = "All right, I'll leave that."
    working: str = "One moment, please. I'm still looking that up."
    approval: str = (
        "A colleague has to approve that first. I've asked, and I'll tell you as soon as I know."
    )
    keypad: str = Field(
        "You can also type it on the keys of your phone, and press pound at the end.",
        description="Offered on the telephone when a number was not understood twice; empty: never.",
    )
    offer_person: str = "I'm having trouble understanding. Shall I pass you on to a person?"
    max_misses: int = Field(
        3, ge=1, le=10, description="Misunderstandings in a row before a person is offered."
    )
    goodbye: tuple[Phrase, ...] = Field((), description="What else means goodbye.")
    person: tuple[Phrase, ...] = Field((), description="What else asks for a person.")
    hand_over: HandOver = HandOver()
    hear: tuple[Phrase, ...] = Field((), description="Further sentences for the ears' language model.")

    @model_validator(mode="after")
    def _unique(self) -> Self:
        if len({task.id for task in self.tasks}) != len(self.tasks):
            raise ValueError("two tasks share an id; rename one")
        return self
