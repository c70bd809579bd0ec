"""Which languages a persona speaks, and whether anybody may move it out of them. Frozen; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Code", "Languages", "language_of", "of_locale"]

Code = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
"""ISO 639-1, which is a BCP 47 tag as well."""


def language_of(locale: str) -> str:
    """The language of a BCP 47 tag: `es` of `es-MX`."""
    return locale.replace("_", "-").partition("-")[0].lower()


class Languages(BaseModel):
    """The language policy of one persona."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    primary: Code = Field(description="Spoken when nobody asks for another: the language of `locale`.")
    supported: tuple[Code, ...] = Field(
        (), max_length=40, description="All it speaks, with `primary`; none: that one alone."
    )
    locked: bool = Field(
        True, description="Wishes for a language that is not among `supported` are refused."
    )
    lock_reason: str | None = Field(None, min_length=1, max_length=300, description="Why, for people.")
    labels: dict[Code, str] = Field({}, description="Names of the languages, for people.")
    recommended: tuple[Code, ...] = Field(
        (), max_length=40, description="Those it was tried in; a hint for pickers, void when locked."
    )

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, value: Any) -> Any:
        """Without `supported` there is the primary one."""
        if isinstance(value, Mapping) and not value.get("supported") and "primary" in value:
            return {**value, "supported": [value["primary"]]}
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.primary not in self.supported:
            raise ValueError(f"`supported` lacks the primary language {self.primary}; add it")
        if len(set(self.supported)) != len(self.supported):
            raise ValueError("`supported` names a language twice; keep one")
        for name, codes in (("labels", self.labels), ("recommended", self.recommended)):
            if stray := [code for code in codes if code not in self.supported]:
                raise ValueError(f"`{name}` names {', '.join(stray)}, which `supported` lacks")
        return self

    def label(self, code: str) -> str:
        """The name of a language for people; its code when it has none."""
        return self.labels.get(code, code)


def of_locale(locale: str, language: str) -> Languages:
    """The policy of a persona that says nothing of it: the language of its locale and no other. Raises ValueError."""
    code = language_of(locale)
    return Languages(primary=code, supported=(code,), labels={code: language})
