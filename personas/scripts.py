"""Scripted callers of a persona: what they say or want, and what must come of it. Frozen; no I/O.

`personas/tests/<persona>.yaml` holds them, `personas.script_files` loads them, `parley persona test` has them call.

What is looked for in speech is a **pattern**: words that must be there as they are written (case, spaces and the form
of quotes do not matter), or a regular expression between slashes.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = [
    "NOW",
    "Answer",
    "Called",
    "Expectation",
    "MustNot",
    "Pattern",
    "Script",
    "ScriptedCaller",
    "Turn",
    "Until",
    "found",
    "same",
]

NOW = datetime(2026, 11, 18, 10, 15)  # noqa: DTZ001 - wall-clock time wherever the business is
"""When scripted calls begin unless the script says otherwise: a Wednesday morning."""

_QUOTES = str.maketrans("‘’“”\u00a0", "''\"\" ")


def _folded(text: str) -> str:
    return " ".join(text.translate(_QUOTES).casefold().split())


def _regex(pattern: str) -> re.Pattern[str] | None:
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        return re.compile(pattern[1:-1], re.IGNORECASE | re.DOTALL)
    return None


def _pattern(text: str) -> str:
    if not text.strip() or text == "//":
        raise ValueError("an empty pattern is found everywhere; write the words, or a /regular expression/")
    try:
        _regex(text)
    except re.error as fault:
        raise ValueError(f"{text!r} is no regular expression: {fault}") from None
    return text


def _listed(value: object) -> object:
    """One thing stands for a list of one."""
    return value if isinstance(value, list | tuple) or value is None else [value]


def found(pattern: str, text: str) -> int:
    """Where in `text` the last of what the pattern means ends; -1 where there is none."""
    folded = _folded(text)
    expression = _regex(pattern)
    if expression is None:
        at = folded.rfind(words := _folded(pattern))
        return at + len(words) if at >= 0 else -1
    return max((match.end() for match in expression.finditer(folded)), default=-1)


def same(wanted: str, value: Any) -> bool:
    """Whether a value of a tool's arguments is the one wanted: the same text, or one that the /expression/ matches
    from its first to its last sign."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    expression = _regex(wanted)
    if expression is not None:
        return expression.fullmatch(_folded(text)) is not None
    return _folded(wanted) == _folded(text)


class _Part(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)


Pattern = Annotated[str, AfterValidator(_pattern)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(_listed)]
Sayings = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=2000)], ...], BeforeValidator(_listed)
]


class Called(_Part):
    """Runs of a tool. A name alone stands for `{tool: name}`."""

    tool: str
    arguments: dict[str, Pattern] = Field(
        {}, alias="with", description="Arguments that the run must have had; others do not matter."
    )
    times: int | None = Field(None, ge=0, le=100, description="How many such runs; none: one at least.")
    fails: bool = Field(
        False, description="Runs that the tool answered with an error, instead of the others."
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"tool": value} if isinstance(value, str) else value


Ended = Annotated[str, Field(pattern=r"^(caller|agent|model|gateway)/[a-z][a-z-]*$")]
Calls = Annotated[tuple[Called, ...], BeforeValidator(_listed)]


class MustNot(_Part):
    """What must not happen."""

    said: Patterns = Field((), description="By the agent.")
    called: Calls = ()
    ended: Ended | None = Field(None, description="How the call must not end.")


class Expectation(_Part):
    """What must come of a turn, or of the whole call."""

    said: Patterns = Field((), description="What the agent must have said.")
    collected: dict[str, Pattern] = Field(
        {}, description="Values that must have reached a tool, by the name of its argument."
    )
    called: Calls = ()
    must_not: MustNot = MustNot()
    ended: Ended | None = Field(
        None, description="How the call ends, `agent/hung-up` (docs/operate.md); none: in any way."
    )

    @property
    def empty(self) -> bool:
        return self == Expectation()


class Answer(_Part):
    """What a caller who wants something answers when asked for it."""

    asked: Patterns = Field(min_length=1, description="Any of these in what the agent said.")
    says: Sayings = Field(min_length=1, description="The answer; further ones for being asked again.")


class Until(_Part):
    """When a caller has what they wanted: any of these."""

    said: Patterns = ()
    called: Calls = ()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.said and not self.called:
            raise ValueError("`until` needs `said` or `called`; say how the caller knows that it is done")
        return self


class Turn(_Part):
    """One thing that the caller does once the agent has come to its end. Exactly one of `says`, `keys`, `wants`; a
    caller who wants something may open with what it `says`."""

    says: str | None = Field(None, min_length=1, max_length=2000, description="The words.")
    keys: str | None = Field(
        None, pattern=r"^[0-9*#A-D]{1,64}$", description="Keys of the telephone: 0-9, *, #, A-D."
    )
    wants: str | None = Field(
        None,
        description="What the caller is after, in words for the report; it answers questions until it has it.",
    )
    answers: tuple[Answer, ...] = Field(
        (),
        description="wants: what it answers. Of several that fit, the one asked for last in the sentence.",
    )
    otherwise: str | None = Field(
        None, description="wants: said where no answer fits; none: the test fails there."
    )
    until: Until | None = Field(None, description="wants: when the caller has it.")
    at_most: int = Field(20, ge=1, le=100, description="wants: so many answers; more is a failure.")
    expect: Expectation = Field(Expectation(), description="What must come of this turn.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.wants is None:
            if (self.says is None) == (self.keys is None):
                raise ValueError("a turn has exactly one of says, keys, wants; split it or remove one")
            for name in ("answers", "otherwise", "until"):
                if getattr(self, name):
                    raise ValueError(
                        f"`{name}` is for a turn that `wants` something; add that, or remove it"
                    )
        else:
            if self.keys is not None:
                raise ValueError("a turn that wants something says words, no keys; make them another turn")
            if self.until is None:
                raise ValueError("a turn that wants something needs `until`: when the caller has it")
        return self


class ScriptedCaller(_Part):
    """One call."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    title: str = ""
    audio: bool = Field(
        False, description="The caller can be heard as well: it also calls where calls are tested in audio."
    )
    voice: str = Field("cedar", description="audio: the caller's voice, an id of GET /api/voices.")
    speed: float = Field(
        1.0, ge=0.25, le=1.5, description="audio: how fast the agent speaks to this caller."
    )
    turns: tuple[Turn, ...] = Field(min_length=1, max_length=100)
    expect: Expectation = Field(Expectation(), description="What must have come of the whole call.")

    @model_validator(mode="after")
    def _expects(self) -> Self:
        if self.expect.empty and all(turn.expect.empty for turn in self.turns):
            raise ValueError(f"nothing is expected of {self.id}, so it cannot fail; add `expect`")
        return self


class Script(_Part):
    """The callers of one persona, as its file describes them."""

    persona: str = Field(description="Id of the persona that is called; the file has its name.")
    now: datetime = Field(NOW, description="Local time at the business when the calls begin, ISO 8601.")
    callers: tuple[ScriptedCaller, ...] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.now.tzinfo is not None:
            raise ValueError("`now` is local time at the business: leave its time zone out")
        ids = [caller.id for caller in self.callers]
        if len(set(ids)) != len(ids):
            raise ValueError("two callers share an id; rename one")
        return self
