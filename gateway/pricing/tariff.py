"""What usage costs: the prices of the models that a server may use. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from gateway.pricing.usage import Tokens, Usage

__all__ = ["ANY_MODEL", "NO_PRICES", "Account", "Rates", "Tariff", "cost"]

ANY_MODEL = "*"
MILLION = 1_000_000

Account = tuple[str, str]
"""A provider and one of its models: what usage is summed by."""


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars per million tokens of each class, and per minute of audio. None: no source tells the price."""

    text_in: float | None = None
    cached_text_in: float | None = None
    audio_in: float | None = None
    cached_audio_in: float | None = None
    image_in: float | None = None
    cached_image_in: float | None = None
    text_out: float | None = None
    audio_out: float | None = None
    minute: float | None = None
    date: str = ""
    """The day of the table that it stands in, ISO 8601."""

    @property
    def free(self) -> bool:
        """Whether nothing of it costs anything."""
        prices = [getattr(self, name) for name in (*(f.name for f in fields(Tokens)), "minute")]
        return any(price is not None for price in prices) and not any(prices)

    def of(self, token_class: str) -> float | None:
        """The price of a class of `Tokens`. What is cached costs no more than what is not."""
        price: float | None = getattr(self, token_class)
        if price is None and token_class.startswith("cached_"):
            price = getattr(self, token_class.removeprefix("cached_"))
        return price


def cost(rates: Rates | None, usage: Usage) -> float | None:
    """What the usage costs in US dollars; None when the price of any part of it is unknown.
    (OpenAI guide "Managing costs", Realtime: each class at its own rate, cached tokens taken out of the others.)"""
    if rates is None:
        return None
    usd = 0.0
    for token_class in fields(Tokens):
        count = getattr(usage.tokens, token_class.name)
        if not count:
            continue
        price = rates.of(token_class.name)
        if price is None:
            return None
        usd += count * price / MILLION
    if usage.seconds:
        if rates.minute is None:
            return None
        usd += usage.seconds / 60 * rates.minute
    return usd


@dataclass(frozen=True, slots=True)
class Tariff:
    """The prices that hold in this process."""

    rates: Mapping[Account, Rates] = field(default_factory=dict)
    sellers: Mapping[str, str] = field(default_factory=dict)
    """Provider → whose prices hold for what it has none of its own for: a cascade at OpenAI's address costs what
    OpenAI asks."""
    ears: Mapping[str, Account] = field(default_factory=dict)
    """Provider → who transcribes there, whatever the session names."""

    def of(self, account: Account) -> Rates | None:
        """The prices of a model of a provider; None when they are unknown."""
        provider, model = account
        for seller in (provider, self.sellers.get(provider, provider)):
            for name in (model, ANY_MODEL):
                found = self.rates.get((seller, name))
                if found is not None:
                    return found
        return None

    def ears_of(self, provider: str, named: str) -> Account:
        """Who transcribes the caller: `named` by the session, or what the provider uses instead."""
        return self.ears.get(provider, (provider, named))


NO_PRICES = Tariff()
