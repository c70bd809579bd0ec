"""Fields that the parameters of several tools share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = ["AccountNumber", "CallerName", "CallerPhone", "ZipCode"]

AccountNumber = Annotated[str, Field(pattern=r"^[0-9]{6}$", description="The six digits, without spaces.")]
ZipCode = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{5}$",
        description="Five digits. It shows together with the number that the caller may know of it.",
    ),
]
CallerName = Annotated[
    str,
    Field(min_length=2, max_length=120, description="First and last name, as the caller gave it."),
]
CallerPhone = Annotated[
    str,
    Field(
        min_length=7,
        max_length=20,
        pattern=r"^\+?[0-9() .-]+$",
        description="Phone number, digits as the caller gave them.",
    ),
]
