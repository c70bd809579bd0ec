"""A scenario: one story that can be told with a persona, with the data and the panels of its workspace. Frozen; no I/O.

Files have the names below; on the wire they are in camelCase (`Scenario.wire`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasGenerator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic.alias_generators import to_camel

from personas.free import Free
from personas.languages import Code
from personas.manner import ToneName
from personas.persona import SessionTier

__all__ = [
    "INDUSTRIES",
    "PUBLIC",
    "VISIBILITIES",
    "Beat",
    "Industry",
    "LanguageDefaults",
    "Panel",
    "Parameters",
    "Scenario",
    "SeedData",
    "ShownTool",
    "Visibility",
]

Industry = Literal[
    "insurance", "sales", "healthcare", "legal", "accounting", "banking", "dental", "veterinary"
]
INDUSTRIES: tuple[Industry, ...] = (
    "insurance",
    "sales",
    "healthcare",
    "legal",
    "accounting",
    "banking",
    "dental",
    "veterinary",
)
Visibility = Literal["core", "proof", "exception", "hidden-lab"]
VISIBILITIES: tuple[Visibility, ...] = ("core", "proof", "exception", "hidden-lab")
PUBLIC: tuple[Visibility, ...] = ("core", "proof")
"""What everybody may see."""

Line = Annotated[str, Field(min_length=1, max_length=300)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(
        defer_build=True,
        frozen=True,
        extra="forbid",
        alias_generator=AliasGenerator(serialization_alias=to_camel),
    )


class Customer(_Part):
    """Who calls."""

    name: Line | None = None
    email: Line | None = None
    phone: Line | None = None
    account_id: Line | None = None


class Policy(_Part):
    """An insurance policy."""

    policy_number: Line | None = None
    type: Line | None = None
    status: Line | None = None
    coverage_amount: Line | None = None


class Patient(_Part):
    """Somebody, or some animal, that is treated. `dob`: date of birth; `mrn`: number of the medical record."""

    name: Line | None = None
    dob: Line | None = None
    mrn: Line | None = None
    insurance: Line | None = None


class Prospect(_Part):
    """Somebody who may buy: `lead` on the wire."""

    company: Line | None = None
    interest: Line | None = None
    source: Line | None = None


class Matter(_Part):
    """A case of a law office."""

    case_number: Line | None = None
    type: Line | None = None
    status: Line | None = None
    adverse_parties: tuple[Line, ...] | None = None
    prior_counsel: Line | None = None
    employer: Line | None = None
    separation_date: Line | None = None
    residency_state: Line | None = None
    children_count: int | None = Field(None, ge=0, le=30)
    dv_screen_result: Line | None = None


class SeedData(_Part):
    """What the workspace begins with. Further parts are passed on as they are written."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    __pydantic_extra__: dict[str, Free]

    customer: Customer | None = None
    policy: Policy | None = None
    patient: Patient | None = None
    lead: Prospect | None = None
    matter: Matter | None = None


class ShownTool(_Part):
    """A tool as the workspace shows it. A bare name is enough: the tool itself says the rest."""

    name: str = Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$")
    description: str = Field("", max_length=500, description="Empty: the tool's own.")
    parameters: dict[str, Free] | None = Field(None, description="None: the tool's own JSON Schema.")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value


class Panel(_Part):
    """One panel of the workspace. `type` is one of the contract's (crm, ehr, claims, case-management, tasks,
    scheduling, legal, dispatch, policy, accounting) or a new one."""

    id: Slug
    title: Line
    icon: Line = Field(description="Name of an icon of the lucide set.")
    type: Line
    product_label: Line | None = None
    logo: Line | None = None


class Beat(_Part):
    """One thing that happens in the story."""

    id: Slug
    title: Line
    description: str = Field(min_length=1, max_length=1000)
    trigger_phrase: Line | None = None
    escalation_target: Line | None = None
    escalation_context: tuple[Line, ...] | None = None
    escalation_wait_minutes: float | None = Field(None, ge=0, le=1440)


class LanguageDefaults(_Part):
    """What a workspace begins with."""

    primary: Code | None = None
    preset: Literal["unified", "bilingual_en_transcript"] | None = None


class Parameters(BaseModel):
    """The part of a parameterization that changes the persona: names as on the wire, the rest is not for us."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")

    specialty: str | None = Field(None, max_length=80)
    practice_size: str | None = Field(None, alias="practiceSize", max_length=80)
    state_profile: str | None = Field(None, alias="stateProfile", max_length=80)
    practice_brand: str | None = Field(None, alias="practiceBrand", max_length=80)


class Scenario(_Part):
    """One scenario, as its YAML file describes it."""

    slug: Slug
    id: str = Field("", max_length=64, description="Empty: the slug.")
    title: Line
    industry: Industry
    short_description: Line
    long_description: str = Field(min_length=1, max_length=2000)
    hero_image: Line | None = None
    agent_set_key: str = Field(
        pattern=r"^[a-z][a-z0-9_-]{1,63}$", description="Which agents play it together."
    )
    seed_data: SeedData = SeedData()
    tools: tuple[ShownTool, ...] = Field((), max_length=40)
    ui_panels: tuple[Panel, ...] = Field((), max_length=20)
    scripted_beats: tuple[Beat, ...] = Field((), max_length=40)
    agent_voice: str | None = Field(
        None,
        description="In place of the `default_voice` of a persona that may have it; a tone's counts more.",
    )
    company_name: Line
    company_logo_url: Line | None = None
    key_features: tuple[Line, ...] | None = Field(None, max_length=20)
    tool_beat_map: dict[str, str] | None = Field(
        None, description="Tool to the beat that its run brings on."
    )
    initial_agent_names: tuple[Line, ...] | None = Field(None, max_length=10)
    duration: Line | None = Field(None, description="As people say it: `3 minutes`.")
    hero: bool | None = None
    default_tone: ToneName | None = None
    hidden: bool | None = Field(None, description="Not shown to the public, whatever its visibility.")
    allowed_personas: tuple[str, ...] | None = Field(
        None,
        serialization_alias="allowedPersonaIds",
        max_length=40,
        description="Ids of those who may play it; those whose `scenario` it is may anyway.",
    )
    demo_language_defaults: LanguageDefaults | None = None
    parameterization: dict[str, Free] | None = Field(
        None, description="Passed on as it is; what `Parameters` names changes the persona."
    )
    session_tier: SessionTier | None = None
    visibility: Visibility = "core"
    geography: Literal["US", "international", "multi-region"] | None = None
    exception_rationale: str | None = Field(None, min_length=1, max_length=1000)
    vertical_packs: tuple[str, ...] | None = Field(None, max_length=6)
    pack_priority: int | None = Field(None, ge=0, le=1000)
    pack_callout: Line | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.visibility == "exception" and not self.exception_rationale:
            raise ValueError("an exception needs `exception_rationale`: why it is not public; add it")
        beats, tools = {beat.id for beat in self.scripted_beats}, {tool.name for tool in self.tools}
        for name, given, every in (
            ("ui_panels", {panel.id for panel in self.ui_panels}, self.ui_panels),
            ("scripted_beats", beats, self.scripted_beats),
            ("tools", tools, self.tools),
        ):
            if len(given) != len(every):
                raise ValueError(f"two of `{name}` have one name; rename one")
        for tool, beat in (self.tool_beat_map or {}).items():
            if tool not in tools or beat not in beats:
                raise ValueError(
                    f"`tool_beat_map` leads from {tool} to {beat}; both must be there, in `tools` and `scripted_beats`"
                )
        self.parameters  # noqa: B018 - a parameter of the wrong kind is told now
        return self

    @property
    def public(self) -> bool:
        """Whether everybody may see it."""
        return self.visibility in PUBLIC and not self.hidden

    @property
    def parameters(self) -> Parameters:
        """What of its parameterization changes the persona."""
        return Parameters.model_validate(self.parameterization or {})

    def wire(self) -> dict[str, Any]:
        """As the contract's ScenarioConfig: camelCase, without what is not set. What a tool leaves to the tool itself
        is to be filled in."""
        told = self.model_dump(by_alias=True, exclude_none=True, mode="json")
        told["id"] = self.id or self.slug
        # Whatever was written, nulls too.
        if self.parameterization is not None:
            told["parameterization"] = self.parameterization
        return told
