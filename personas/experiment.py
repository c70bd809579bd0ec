"""An experiment: variants of how a persona is instructed, of which each session gets one. Frozen; no I/O.

Which session gets which is `personas.composition`'s to say; here is what there is to choose from.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from personas.manner import ToneName

__all__ = ["Experiment", "Variant"]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


class Variant(BaseModel):
    """One arm. What it leaves out stays the persona's; one that leaves out everything is the control."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    id: Name
    weight: int = Field(1, ge=0, le=1000, description="Its share of the sessions; 0: none any more.")
    instructions: str | None = Field(
        None, min_length=1, max_length=4000, description="Added behind the persona's own instructions."
    )
    greeting: str | None = Field(
        None, min_length=1, max_length=500, description="Instead of the persona's."
    )
    tone: ToneName | None = Field(None, description="In force where the client asks for none.")
    temperature: float | None = Field(None, ge=0, le=2)


class Experiment(BaseModel):
    """One experiment, as its YAML file describes it."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    id: Name
    description: str = Field("", max_length=1000)
    personas: tuple[str, ...] = Field(
        min_length=1, max_length=100, description="Ids of those it is tried with."
    )
    variants: tuple[Variant, ...] = Field(min_length=2, max_length=20)
    active: bool = Field(True, description="Whether sessions are assigned.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len({variant.id for variant in self.variants}) != len(self.variants):
            raise ValueError("two variants share an id; rename one")
        if not any(variant.weight for variant in self.variants):
            raise ValueError("every variant has the weight 0; give one more, or set `active: false`")
        return self
