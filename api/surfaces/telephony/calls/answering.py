"""Who answers the telephone: by the webhook's URL, by the number that was called, by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.errors import ApiError
from api.records.selection import select
from gateway.errors import ConfigError
from personas.persona import Persona

__all__ = ["Answering"]


class Answering:
    """`PARLEY_PHONE_PERSONA`, read once; the personas themselves are those in force when a call comes."""

    def __init__(self, entries: Sequence[str], personas: Mapping[str, Persona]) -> None:
        """Raises ConfigError for a persona that is not there."""
        self._personas = personas
        self._by_number: dict[str, str] = {}
        self._default: str | None = None
        faults = []
        for entry in entries:
            called, _, name = entry.rpartition("=")
            name = name.strip()
            if name not in personas:
                faults.append(
                    f"PARLEY_PHONE_PERSONA names {name!r}, which is no persona; "
                    f"there is: {', '.join(sorted(personas))}"
                )
            elif called:
                self._by_number[_plain(called)] = name
            else:
                self._default = name
        if faults:
            raise ConfigError(faults)

    def persona(self, wish: str | None, called: str) -> Persona:
        """Raises ApiError 404 for a wish that nobody fits, 503 when there is nobody at all."""
        if wish is not None:
            if wish not in self._personas:
                raise ApiError(404, "There is no persona of that id; GET /api/personas lists them.")
            return self._personas[wish]
        named = self._by_number.get(_plain(called), self._default)
        found = None if named is None else self._personas.get(named)
        if found is not None:
            return found
        chosen = select(self._personas, preferred=None, scenario=None, locale=None)
        if chosen is None:
            raise ApiError(503, "The server has no personas.")
        return chosen.persona


def _plain(number: str) -> str:
    """Carriers write the same number with and without a plus, people with blanks and dashes."""
    return "".join(one for one in number.lower() if one.isalnum() or one in "@.:_")
