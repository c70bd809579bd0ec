"""Where a persona's calls may be put through. A model only ever chooses among these by name: a number that it heard or
made up is none of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from personas.hours import read_hours

__all__ = [
    "Target",
    "Targets",
    "named",
    "overridden",
    "put_through_notes",
    "reachable",
    "read_overrides",
]

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
"""E.164."""
_SIP = re.compile(r"sips?:[A-Za-z0-9_.!~*'()&=+$,;?/%-]{1,64}@[A-Za-z0-9.:\[\]-]{1,128}")
"""RFC 3261, section 19.1, without headers."""


def reachable(value: str) -> str:
    """A number or a SIP URI, as it is; or nothing. Raises ValueError."""
    if value and not _NUMBER.fullmatch(value) and not _SIP.fullmatch(value):
        raise ValueError(
            f"{value!r} is neither a number as +15550100020 nor a SIP URI as sip:desk@example.com"
        )
    return value


class Target(BaseModel):
    """One person or department."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    to: str = Field("", description="Number in E.164 or SIP URI; empty: PARLEY_TRANSFER_TARGETS names it.")
    description: str = Field("", max_length=300, description="What they are for, told to the model.")
    hours: str = Field("", description="When they answer, in the persona's time zone; empty: always.")
    mode: Literal["cold", "warm"] = Field(
        "cold",
        description="cold: the caller is put through at once. warm: the agent speaks with them first.",
    )

    @field_validator("to")
    @classmethod
    def _reachable(cls, value: str) -> str:
        return reachable(value)

    @field_validator("hours")
    @classmethod
    def _readable(cls, value: str) -> str:
        read_hours(value)
        return value


Targets = Mapping[str, Target]
"""By the name that the model uses."""


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def named(targets: Targets, wish: str) -> str | None:
    """The name of the target that `wish` means; the only one there is means any wish."""
    reachable = [name for name, target in targets.items() if target.to]
    for name in reachable:
        if _plain(name) == _plain(wish):
            return name
    return reachable[0] if len(reachable) == 1 else None


def put_through_notes(targets: Targets) -> str:
    """What the model is told of them; empty when there are none. Numbers are not told."""
    lines = []
    for name, target in targets.items():
        if target.to:
            told = (f"- {name}", target.description.strip(), target.hours and f"open {target.hours}")
            lines.append("; ".join(filter(None, told)))
    if not lines:
        return ""
    return "\n".join(["# Whom you can put callers through to", *lines])


def read_overrides(entries: Sequence[str]) -> dict[str, dict[str, str]]:
    """`PARLEY_TRANSFER_TARGETS`: tenant → plain name → number or URI. An entry is `name=target` for every tenant (the
    empty one here) or `tenant:name=target`. Raises ValueError."""
    found: dict[str, dict[str, str]] = {}
    for entry in entries:
        left, equals, to = entry.partition("=")
        tenant, _, name = left.rpartition(":")
        if not equals or not name.strip() or not to.strip():
            raise ValueError(
                f"{entry!r} is no transfer target; write front desk=+15550100020 or tenant:front desk=+15550100020"
            )
        found.setdefault(tenant.strip(), {})[_plain(name)] = reachable(to.strip())
    return found


def overridden(targets: Targets, numbers: Mapping[str, str]) -> dict[str, Target]:
    """The same targets, each with the tenant's own number where it has one."""
    return {
        name: target.model_copy(update={"to": numbers.get(_plain(name), target.to)})
        for name, target in targets.items()
    }
