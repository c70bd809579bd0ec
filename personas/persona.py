"""A persona: who the agent is, what it may do, and what a client may change about it. Frozen; no I/O."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from personas.client_tools import ClientTool
from personas.dialogue import Dialogue, Phrase
from personas.keys import Entering
from personas.languages import Languages, language_of, of_locale
from personas.manner import Behavior, ServerVad, Tone, ToneName, TurnDetection
from personas.manners import in_its_language
from personas.template import fields, fill
from personas.transfers import Target

__all__ = ["Limits", "Outbound", "Persona", "ReasoningEffort", "Recorded", "SessionPolicy", "SessionTier"]

SessionTier = Literal["standard", "professional", "premium"]
ReasoningEffort = Literal["minimal", "low", "medium", "high"]


class SessionPolicy(StrEnum):
    """How much of the session a client may change with `session.update` (docs/personas.md has a table)."""

    OPEN = "open"
    GUARDED = "guarded"
    LOCKED = "locked"


class Limits(BaseModel):
    """Where a call ends: deadlines in seconds, and what it may cost."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

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

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

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

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

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


def _languages(told: dict[str, Any]) -> Languages:
    """Of a persona that names none. Faults of the locale are told there."""
    return of_locale(str(told.get("locale", "en-US")), str(told.get("language", "English")))


class Persona(BaseModel):
    """One agent, as its YAML file describes it."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

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
    locale: str = Field("en-US", pattern=r"^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")
    accent_label: str = "American English"
    age_band: Literal["adult_20s", "adult_30s", "adult_40s", "adult_50s", "mature_60_plus"] = "adult_30s"
    languages: Languages = Field(
        default_factory=_languages, description="What it speaks; none: the language of `locale`, locked."
    )
    review_status: Literal["pending", "approved", "needs_rerun"] = Field(
        "pending", description="Whether people have listened to its voice."
    )
    asset_status: Literal[
        "approved", "usable_needs_review", "regenerate_recommended", "missing", "rejected"
    ] = Field("missing", description="Whether its picture is there.")

    order: int = Field(100, description="Where it stands in the catalogue: lower first.")
    scenario: str = Field(description="Slug of the scenario this persona answers.")
    scenario_title: str
    timezone: str = Field(
        "America/New_York", description="IANA zone of the business: what 'tomorrow' means."
    )

    policy: SessionPolicy = SessionPolicy.GUARDED
    turns: Literal["gateway", "provider"] = "gateway"
    instructions: str
    brand: tuple[Annotated[str, Field(min_length=2, max_length=80)], ...] = Field(
        (),
        max_length=8,
        description="Names of the business as the texts have them; a scenario's `practiceBrand` replaces them.",
    )
    temperature: float = Field(0.8, ge=0, le=2, description="Of the model, where it takes one.")
    max_output_tokens: int = Field(4096, ge=1, le=4096, description="Of one answer.")
    reasoning_effort: ReasoningEffort | None = Field(
        None, description="Of models that reason; none: the model's own."
    )
    session_tier: SessionTier = "standard"
    tones: dict[ToneName, Tone] = Field({}, description="What changes when a client asks for a tone.")
    behavior: Behavior = Behavior()
    turn_detection: TurnDetection = ServerVad()
    transcription_prompt: str | None = Field(
        None, min_length=1, max_length=1000, description="Words that the transcription is to expect."
    )
    capabilities: tuple[str, ...] = Field((), max_length=40, description="What it can do, for catalogues.")
    workflow_profile: str | None = Field(
        None, description="Id of the workflow of a vertical pack that it carries out."
    )
    hand_over_to: tuple[str, ...] = Field(
        (), max_length=20, description="Ids of personas that it may pass the caller on to."
    )
    greeting: str | None = Field(None, description="Said as the call opens; none: the caller speaks first.")
    taking_over: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="Said first when another agent passed the caller to this one; none: the greeting.",
    )
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
    client_tools: tuple[ClientTool, ...] = Field(
        (), max_length=32, description="What the client can do and the model may ask of it."
    )
    calendar: str = Field(
        "main", pattern=r"^[a-z][a-z0-9_]{0,31}$", description="The calendar that its appointments are in."
    )
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

    @model_validator(mode="before")
    @classmethod
    def _in_its_language(cls, told: Any) -> Any:
        return in_its_language(told)

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

    @field_validator("brand", mode="before")
    @classmethod
    def _one_brand(cls, value: object) -> object:
        """`brand: Fernwell Bank` is enough."""
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.languages.primary != language_of(self.locale):
            raise ValueError(
                f"the primary language {self.languages.primary} is not that of the locale {self.locale}; "
                "make them agree"
            )
        texts = "\n".join((self.instructions, self.greeting or "", self.farewell, *self.facts.values()))
        for brand in self.brand:
            if brand not in texts:
                raise ValueError(
                    f"the brand {brand!r} is in none of its texts; write it as they do, or remove it"
                )
        names = [tool.name for tool in self.client_tools]
        for name in names:
            if name in self.tools or names.count(name) > 1:
                raise ValueError(
                    f"the client tool {name} has the name of another tool; choose one of its own"
                )
        for name, tone in self.tones.items():
            if tone.voice is not None and tone.voice not in self.allowed_voices:
                raise ValueError(
                    f"the tone {name} has the voice {tone.voice}, which is not among `allowed_voices`"
                )
        return self

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
