"""A vertical pack: the workflows of one industry, as operators choose them. Frozen; no I/O."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

__all__ = ["Pack", "PackId", "Workflow"]

PackId = Literal["accounting", "healthcare", "legal", "insurance", "service", "platform"]
Line = Annotated[str, Field(min_length=1, max_length=300)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
WorkflowId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*$", max_length=128)]


class _Part(BaseModel):
    model_config = ConfigDict(
        defer_build=True,
        frozen=True,
        extra="forbid",
        alias_generator=AliasGenerator(serialization_alias=to_camel),
    )


class Workflow(_Part):
    """Something a pack's agents get done, and how far they may go."""

    id: WorkflowId = Field(serialization_alias="workflowId")
    title: Line
    description: str = Field(min_length=1, max_length=1000)
    primary_outcome: Literal[
        "booking",
        "document_collection",
        "payment_followup",
        "intake_completed",
        "handoff_completed",
        "exception_resolved",
    ]
    required_fields: tuple[Name, ...] = Field(description="What must be known when it is done.")
    allowed_tools: tuple[str, ...] = Field(serialization_alias="allowedToolIds")
    blocked_tools: tuple[str, ...] = Field(
        (),
        serialization_alias="blockedToolIds",
        description="Not in this workflow, whatever the persona may.",
    )
    risk_level: Literal["low", "medium", "high"] = "low"
    handoff_policy: Literal["never", "on_exception", "before_mutation", "always"] = "on_exception"
    success_metrics: tuple[Name, ...] = Field((), serialization_alias="successMetricIds")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if both := sorted(set(self.allowed_tools) & set(self.blocked_tools)):
            raise ValueError(f"{', '.join(both)}: allowed and blocked at once; keep one")
        return self


class Pack(_Part):
    """One pack, as its YAML file describes it."""

    id: PackId
    display_name: Line
    positioning: Line
    buyer_persona: Line
    default_locale: str = "en-US"
    supported_locales: tuple[str, ...] = ("en-US",)
    workflows: tuple[Workflow, ...] = Field(min_length=1, max_length=40)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.default_locale not in self.supported_locales:
            raise ValueError(f"`supported_locales` lacks the default locale {self.default_locale}; add it")
        if len({workflow.id for workflow in self.workflows}) != len(self.workflows):
            raise ValueError("two workflows share an id; rename one")
        return self

    def workflows_wire(self) -> list[dict[str, Any]]:
        """Its workflows as the contract has them."""
        return [
            {**workflow.model_dump(by_alias=True, mode="json"), "verticalPack": self.id}
            for workflow in self.workflows
        ]

    def wire(self) -> dict[str, Any]:
        """As the contract has it."""
        told = self.model_dump(by_alias=True, mode="json", exclude={"id", "workflows"})
        return {**told, "verticalPack": self.id, "workflows": self.workflows_wire()}
