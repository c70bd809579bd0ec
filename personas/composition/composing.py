"""One agent for one session: what a scenario, a tone, a profile, an experiment and a language make of a persona.

The result is a persona again, so whatever takes a persona takes a composed one: the live call, a phone call, the answer
of `GET /api/personas/{id}/runtime`. They agree because they are made of the same. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass, field
from typing import Any

from personas.composition import contained
from personas.composition.branding import LONGEST as LONGEST_BRAND
from personas.composition.branding import rebranded
from personas.composition.envelope import envelope
from personas.composition.experimenting import Assignment, assigned
from personas.composition.speaking import Spoken, in_language, speaking
from personas.experiment import Experiment, Variant
from personas.manner import ToneName
from personas.packs import Workflow
from personas.persona import Persona
from personas.prompt import Offered, pass_on_notes, say_exactly, session_for
from personas.scenario import Scenario

__all__ = ["Composed", "Ingredients", "Profile", "compose"]

PARAMETERS = {"specialty": "specialty", "practice_size": "size of the practice", "state_profile": "state"}


@dataclass(frozen=True, slots=True)
class Profile:
    """What a customer said of their business when they were set up. All of it is theirs: data, not instructions."""

    id: str
    company_name: str
    business_description: str
    greeting: str | None = None
    intake_fields: tuple[str, ...] = ()
    faqs: tuple[tuple[str, str], ...] = ()
    """Question and answer."""
    booking_link: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For a session that keeps it as it was."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Profile:
        """What `to_json` gave, back from a database."""
        return cls(
            **{
                **told,
                "intake_fields": tuple(told["intake_fields"]),
                "faqs": tuple((question, answer) for question, answer in told["faqs"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What an agent is made of. Without anything but a persona it is that persona."""

    persona: Persona
    tools: Mapping[str, Offered] = field(default_factory=dict)
    """Every tool there is, by name."""
    session_id: str | None = None
    scenario: Scenario | None = None
    tone: ToneName | None = None
    """What the client asks for."""
    profile: Profile | None = None
    experiment: Experiment | None = None
    hint: str | None = None
    """The language that the client would like, BCP 47."""
    locale: str | None = None
    """The one that the session was opened in."""
    workflow: Workflow | None = None
    """What `persona.workflow_profile` names."""
    withheld: Set[str] = frozenset()
    """Tools that a policy takes away."""
    colleagues: Mapping[str, Persona] = field(default_factory=dict)
    """Every persona there is, by id: those it may pass the caller to are among them."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The agent of one session."""

    persona: Persona
    """As it is in this session. Its tools are those that it may use now."""
    session: dict[str, Any]
    """The GA session object (`personas.prompt.session_for`)."""
    language: Spoken
    assignment: Assignment | None
    envelope: dict[str, Any]
    tone: ToneName | None
    """In force."""

    @property
    def instructions(self) -> str:
        return str(self.session["instructions"])

    @property
    def greeting_instruction(self) -> str | None:
        """What a client that greets by itself asks the model for."""
        return None if not self.persona.greeting else say_exactly(self.persona.greeting)


def compose(of: Ingredients) -> Composed:
    """Put it together. The same ingredients always give the same."""
    assignment = assigned(of.experiment, of.session_id)
    variant = None if assignment is None else assignment.variant
    language = speaking(of.persona.languages, of.hint, of.locale)
    persona = in_language(_branded(of, variant), language)
    tone = (
        of.tone
        or (variant.tone if variant else None)
        or (of.scenario.default_tone if of.scenario else None)
    )
    persona = _varied(_toned(_voiced(persona, of.scenario), tone), variant)
    offered = tuple(name for name in persona.tools if name in of.tools and not _is_withheld(name, of))
    gone = tuple(name for name in persona.tools if name not in offered)
    parts = [
        persona.instructions.strip(),
        pass_on_notes(persona.hand_over_to, of.colleagues) if persona.hand_over_to else "",
        _scenario_notes(of.scenario),
        _profile_notes(of.profile),
    ]
    changes: dict[str, Any] = {"instructions": "\n\n".join(filter(None, parts)), "tools": offered}
    if (
        of.profile is not None
        and of.profile.greeting
        and (greeting := contained.spoken(of.profile.greeting, 500))
    ):
        changes["greeting"] = greeting
    persona = persona.model_copy(update=changes)
    about = "" if of.profile is None else f"profile {of.profile.id}"
    return Composed(
        persona=persona,
        session=session_for(persona, tuple(of.tools[name] for name in offered)),
        language=language,
        assignment=assignment,
        envelope=envelope(persona, tools=offered, withheld=gone, about=about),
        tone=tone,
    )


def _is_withheld(name: str, of: Ingredients) -> bool:
    return name in of.withheld or (of.workflow is not None and name in of.workflow.blocked_tools)


def _branded(of: Ingredients, variant: Variant | None) -> Persona:
    """With the variant's greeting, which names the brand too, and the name of whose business it is."""
    persona = of.persona
    if variant is not None and variant.greeting is not None:
        persona = persona.model_copy(update={"greeting": variant.greeting})
    brand = of.scenario.parameters.practice_brand if of.scenario is not None else None
    if of.profile is not None:
        brand = of.profile.company_name
    return persona if brand is None else rebranded(persona, contained.plain(brand, LONGEST_BRAND))


def _voiced(persona: Persona, scenario: Scenario | None) -> Persona:
    """With the voice of the scenario, where the persona may have it: several may play one scenario."""
    if scenario is None or scenario.agent_voice not in persona.allowed_voices:
        return persona
    return persona.model_copy(update={"default_voice": scenario.agent_voice})


def _toned(persona: Persona, name: ToneName | None) -> Persona:
    if name is None:
        return persona
    tone = persona.tones.get(name)
    changes: dict[str, Any] = {"default_tone": name}
    if tone is not None:
        changes["instructions"] = _behind(persona, tone.instructions)
        changes["default_voice"] = tone.voice or persona.default_voice
        changes["temperature"] = persona.temperature if tone.temperature is None else tone.temperature
    return persona.model_copy(update=changes)


def _varied(persona: Persona, variant: Variant | None) -> Persona:
    if variant is None:
        return persona
    return persona.model_copy(
        update={
            "instructions": _behind(persona, variant.instructions or ""),
            "temperature": persona.temperature if variant.temperature is None else variant.temperature,
        }
    )


def _behind(persona: Persona, more: str) -> str:
    return "\n\n".join(filter(None, (persona.instructions.strip(), more.strip())))


def _scenario_notes(scenario: Scenario | None) -> str:
    if scenario is None:
        return ""
    told = {
        label: value for name, label in PARAMETERS.items() if (value := getattr(scenario.parameters, name))
    }
    return contained.section("About the business in this scenario", "the scenario", told)


def _profile_notes(profile: Profile | None) -> str:
    if profile is None:
        return ""
    told = {"company": profile.company_name, "business": profile.business_description}
    if profile.booking_link:
        told["booking link"] = profile.booking_link
    told |= {f"to be asked {number}": name for number, name in enumerate(profile.intake_fields, 1)}
    for number, (question, answer) in enumerate(profile.faqs, 1):
        told[f"question {number}"] = question
        told[f"answer {number}"] = answer
    return contained.section("About the customer's business", "the customer", told)
