"""A persona: who the agent is, what it may do, and what a client may change about it. Frozen; no I/O."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from personas.dialogue import Dialogue, Phrase
from personas.keys import Entering
from personas.template import fields, fill
from personas.transfers import Target

__all__ = ["Limits", "Outbound", "Persona", "Recorded", "SessionPolicy"]


class SessionPolicy(StrEnum):
    """How much of the session a client may change with `session.update` (docs/personas.md has a table)."""

    OPEN = "open"
    GUARDED = "guarded"
    LOCKED = "locked"


class Limits(BaseModel):
    """Where a call ends: deadlines in seconds, and what it may cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    silence_s: float = Field(
        25.0,
        gt=0,
        le=600,
        description="Quiet on both sides before the agent asks; twice that ends the call.",
    )
    length_s: float = Field(
        900.0, gt=0, le=86_400, description="Longest call. It may be longer than a provider's session."
    )
    budget_usd: float | None = Field(
        None,
        gt=0,
        le=10_000,
        description="What a call may cost, in US dollars; none: only the server's own limit.",
    )


class Outbound(BaseModel):
    """How calls begin that we place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    greeting: str | None = Field(
        None, min_length=1, description="Said instead of the persona's greeting; none: that one."
    )
    wait_s: float = Field(
        0.25,
        ge=0,
        le=3,
        description="How long whoever picks up may take to say hello before the agent speaks.",
    )


class Recorded(BaseModel):
    """Whether calls are recorded where the server leaves that to the persona, and what the caller is told of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["off", "on"] = "off"
    announce: str = Field(
        "This call is recorded.",
        max_length=500,
        description="Said before anything else in every call that is recorded; empty: nothing.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        """`recording: on` is enough."""
        return {"mode": value} if isinstance(value, str) else value


class Persona(BaseModel):
    """One agent, as its YAML file describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{1,63}$")
    display_name: str
    domain: str
    description: str
    presenting_gender: Literal["male", "female", "neutral"] = "neutral"
    avatar_key: str
    professional_role: str
    default_tone: str
    default_voice: str
    allowed_voices: tuple[str, ...]
    language: str = "English"
    locale: str = "en-US"
    accent_label: str = "American English"
    age_band: Literal["adult_20s", "adult_30s", "adult_40s", "adult_50s", "mature_60_plus"] = "adult_30s"

    order: int = Field(100, description="Where it stands in the catalogue: lower first.")
    scenario: str = Field(description="Slug of the scenario this persona answers.")
    scenario_title: str
    timezone: str = Field(
        "America/New_York", description="IANA zone of the business: what 'tomorrow' means."
    )

    policy: SessionPolicy = SessionPolicy.GUARDED
    turns: Literal["gateway", "provider"] = "gateway"
    instructions: str
    greeting: str | None = Field(None, description="Said as the call opens; none: the caller speaks first.")
    still_there: str = "Are you still there?"
    farewell: str = "Thank you for calling. Goodbye."
    bridging: str = Field(
        "One moment, please.", description="Said while another provider takes over; empty: nothing."
    )
    filler: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        ("One moment, please.", "This takes a little longer. Thank you for waiting."),
        max_length=4,
        description="Said in turn while a tool takes long: after two silent seconds, then after six more; "
        "empty: nothing.",
    )
    facts: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], str] = Field(
        {}, description="What texts may name as `{name}`: the business, its number as it is said."
    )
    voicemail: str | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="Left word for word where a machine answers a call that we placed, `{fact}` filled in; "
        "none: no message is left.",
    )
    outbound: Outbound = Outbound()
    tools: tuple[str, ...] = ()
    transfers: dict[str, Target] = Field(
        default_factory=dict, description="Where its calls may be put through, by name."
    )
    putting_through: str = Field(
        "One moment, please. I'll put you through.",
        description="Said before a transfer that the agent has not announced itself.",
    )
    limits: Limits = Limits()
    recording: Recorded = Recorded()
    keys: Entering = Entering()
    hear: tuple[Phrase, ...] = Field(
        (), description="Sentences callers may say, for the ears' language model."
    )

    dialogue: Dialogue | None = Field(
        None, description="What the embedded engine needs to hold this conversation."
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no IANA time zone, such as America/New_York") from None
        return value

    @field_validator("voicemail")
    @classmethod
    def _known_facts(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Every field of the message is a fact, so that nobody ever hears a brace."""
        known = info.data.get("facts", {})
        for field in fields(value or ""):
            name = ".".join(field.path)
            if name not in known or field.filter is not None:
                there = f"there are {', '.join(known)}" if known else "there are none"
                raise ValueError(f"{{{name}}} is none of the persona's `facts`; {there}")
        return value

    @property
    def voicemail_message(self) -> str | None:
        """The message with its facts; None where none is to be left."""
        if self.voicemail is None:
            return None
        return fill(self.voicemail, lambda field: self.facts[".".join(field.path)]).strip()

    @property
    def first_words(self) -> str | None:
        """What is said first on a call that we place."""
        return self.outbound.greeting or self.greeting

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone itself. Its first use reads a file, so `personas.library.load` makes it."""
        return ZoneInfo(self.timezone)
