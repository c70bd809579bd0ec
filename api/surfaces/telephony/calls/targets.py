"""Whom calls of a tenant may be put through to: the persona's own, with the numbers of `PARLEY_TRANSFER_TARGETS`."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.config import ENVIRONMENT
from gateway.errors import ConfigError
from personas.persona import Persona
from personas.transfers import overridden, read_overrides

__all__ = ["TransferTargets"]


class TransferTargets:
    """The setting, read once."""

    def __init__(self, entries: Sequence[str]) -> None:
        """Raises ConfigError."""
        try:
            self._numbers = read_overrides(entries)
        except ValueError as error:
            raise ConfigError([f"{ENVIRONMENT['transfer_targets']}: {error}"]) from None

    def of(self, persona: Persona, tenant: str) -> Persona:
        """The persona as this tenant's calls get it; a number of the tenant's own goes before one for everybody."""
        numbers = self._numbers.get("", {}) | self._numbers.get(tenant, {})
        if not persona.transfers or not numbers:
            return persona
        return persona.model_copy(update={"transfers": overridden(persona.transfers, numbers)})
