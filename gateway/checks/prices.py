"""Prices: readable, and there for the models that are asked."""

from __future__ import annotations

from gateway.checks.finding import Finding, fault, ok, warning
from gateway.config import Settings
from gateway.errors import ConfigError
from gateway.pricing.table import prices_in_force

__all__ = ["check_prices"]


def check_prices(settings: Settings) -> list[Finding]:
    """A finding for each fault of an own table, else one about what is known. Reads files."""
    try:
        tariff = prices_in_force(settings)
    except ConfigError as error:
        return [fault("prices", each, "mend the file, or unset PARLEY_PRICES") for each in error.faults]
    asked = {
        "openai": settings.openai_model,
        "upstream": settings.openai_model,
        "voicelive": settings.azure_voicelive_model,
        "cascade": settings.cascade_chat_model or "",
    }
    # What an Azure deployment calls its model, only its sessions tell.
    unknown = [
        f"{model} of {provider}"
        for provider, model in asked.items()
        if provider in settings.provider_order and tariff.of((provider, model)) is None
    ]
    date = max(rates.date for rates in tariff.rates.values())
    if not unknown:
        return [ok("prices", f"of {date}")]
    seen = f"of {date}; none for {', '.join(unknown)}"
    if settings.budget_usd is None:
        return [ok("prices", f"{seen}: what that costs is not known")]
    mend = "PARLEY_BUDGET_USD does not see what that costs; name a file with its prices in PARLEY_PRICES"
    return [warning("prices", seen, mend)]
