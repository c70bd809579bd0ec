"""How a call begins, written down as the first row of its journal: with it a replay makes the same core. Pure."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields
from typing import Any

from gateway.call.core import Core
from gateway.call.journal import UNUSED
from gateway.call.relay import RelayCore
from gateway.call.sessions import CoreSettings
from gateway.pricing.tariff import Rates, Tariff
from personas.persona import Persona

__all__ = ["BEGAN", "FORMAT", "beginning", "core_of"]

BEGAN = "Began"

FORMAT = 1
"""The version of the journal's format: another one when a replay of the older needs something else."""

_RATES = tuple(field.name for field in fields(Rates))


def beginning(settings: CoreSettings, *, plays: bool) -> dict[str, Any]:
    """What the core is made of. Taken before the core is made, which changes the session. `plays`: the leg's."""
    return {
        "type": BEGAN,
        "format": FORMAT,
        "core": "played" if plays else "relayed",
        "persona": settings.persona.model_dump(mode="json", exclude=UNUSED),
        "session": deepcopy(settings.session),
        "tools": list(settings.server_tools),
        "wanted": deepcopy(settings.wanted),
        "recalls": settings.recalls,
        "outbound": settings.outbound,
        "tariff": _prices(settings.tariff),
        "budget_usd": settings.budget_usd,
        "notes": settings.notes,
        "announce": settings.announce,
    }


def core_of(call_id: str, began: dict[str, Any]) -> Core | RelayCore:
    """The core of a call that begins at 0 seconds. Raises KeyError, ValueError for what `beginning` has not made."""
    settings = CoreSettings(
        call_id,
        Persona.model_validate(began["persona"]),
        deepcopy(began["session"]),
        tuple(began["tools"]),
        wanted=deepcopy(began["wanted"]),
        recalls=began["recalls"],
        outbound=began["outbound"],
        tariff=_tariff(began["tariff"]),
        budget_usd=began["budget_usd"],
        notes=began["notes"],
        announce=began["announce"],
    )
    return Core(settings, 0.0) if began["core"] == "played" else RelayCore(settings, 0.0)


def _prices(tariff: Tariff) -> dict[str, Any]:
    rates = [
        [*account, {name: value for name in _RATES if (value := getattr(rate, name)) not in (None, "")}]
        for account, rate in tariff.rates.items()
    ]
    return {
        "rates": rates, "sellers": dict(tariff.sellers), "ears": {k: list(v) for k, v in tariff.ears.items()}
    }  # fmt: skip


def _tariff(prices: dict[str, Any]) -> Tariff:
    return Tariff(
        {(provider, model): Rates(**rate) for provider, model, rate in prices["rates"]},
        prices["sellers"],
        {provider: (account[0], account[1]) for provider, account in prices["ears"].items()},
    )
