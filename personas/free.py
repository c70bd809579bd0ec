"""What authors may write as they like: passed on as it is, a number as a number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, JsonValue

__all__ = ["Bare", "Free"]

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")


class Bare(str):
    """A scalar that stands in a file without quotes: where nothing says what it is, its looks do."""

    __slots__ = ()

    @property
    def meant(self) -> str | int | float | bool:
        """A number when it looks like one, as YAML 1.2 has it; a text with a leading zero stays one."""
        if self in ("true", "false"):
            return self == "true"
        if _INTEGER.fullmatch(self):
            return int(self)
        return float(self) if _FLOAT.fullmatch(self) else str(self)


def _meant(value: Any) -> Any:
    match value:
        case Bare():
            return value.meant
        case Mapping():
            return {str(key): _meant(each) for key, each in value.items()}
        case list() | tuple():
            return [_meant(each) for each in value]
        case _:
            return value


Free = Annotated[JsonValue, BeforeValidator(_meant)]
"""Whatever the author wrote: passed on as it is."""
