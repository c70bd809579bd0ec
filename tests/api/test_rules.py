"""Small rules without a server: who answers, how often one may ask, what opens a session."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.limits import InProcessLimiter, Rate
from api.records.access import AccessKeys
from api.records.selection import select
from personas.persona import Persona
from tests.api.house import PERSONAS

pytestmark = pytest.mark.unit


def people(**locales: str) -> Mapping[str, Persona]:
    """Personas of two scenarios, by id: `a_…` answer scenario `a`."""
    model = next(iter(PERSONAS.values()))
    return {
        name: model.model_copy(update={"id": name, "locale": locale, "scenario": name.partition("_")[0]})
        for name, locale in locales.items()
    }


STAFF = people(
    a_mexico="es-MX", a_america="en-US", a_britain="en-GB", a_nowhere="", b_france="fr-FR", b_peru="es-PE"
)


@pytest.mark.parametrize(
    ("preferred", "scenario", "locale", "found", "reason"),
    [
        (None, "a", "es-MX", "a_mexico", "exact-locale"),
        (None, "a", "ES-mx", "a_mexico", "exact-locale"),
        (None, "a", "es-AR", "a_mexico", "language-only"),
        ("a_britain", "a", "en-AU", "a_britain", "language-only"),
        ("a_britain", "a", "de-DE", "a_britain", "preferred-persona"),
        ("a_britain", None, None, "a_britain", "preferred-persona"),
        ("a_britain", None, "es-PE", "a_mexico", "language-only"),
        ("b_france", "a", None, "b_france", "preferred-persona"),
        (None, "a", "de-DE", "a_america", "en-us-fallback"),
        (None, "b", "de-DE", "b_france", "catalog-fallback"),
        (None, "b", "es-MX", "b_peru", "language-only"),
    ],
)
def test_who_answers(
    preferred: str | None, scenario: str | None, locale: str | None, found: str, reason: str
) -> None:
    chosen = select(STAFF, preferred=preferred, scenario=scenario, locale=locale)
    assert chosen is not None
    assert (chosen.persona.id, chosen.reason) == (found, reason)


def test_without_an_american_the_untagged_one_answers() -> None:
    chosen = select(people(a_mexico="es-MX", a_nowhere=""), preferred=None, scenario="a", locale=None)
    assert chosen is not None
    assert (chosen.persona.id, chosen.reason) == ("a_nowhere", "untagged-fallback")


def test_nobody_of_that_name() -> None:
    assert select(STAFF, preferred="nobody", scenario="a", locale=None) is None


@given(st.none() | st.text(max_size=8), st.none() | st.text(max_size=8))
def test_somebody_always_answers(scenario: str | None, locale: str | None) -> None:
    assert select(STAFF, preferred=None, scenario=scenario, locale=locale) is not None


def take(limiter: InProcessLimiter, rate: Rate, who: str = "one") -> float:
    return asyncio.run(limiter.take(rate, who))


def test_a_burst_and_then_the_rate() -> None:
    now = [0.0]
    limiter, rate = InProcessLimiter(lambda: now[0]), Rate("test", per_minute=60, burst=3)
    assert [take(limiter, rate) for _ in range(3)] == [0, 0, 0]
    assert take(limiter, rate) == pytest.approx(1.0)
    assert take(limiter, rate, "another") == 0
    now[0] = 0.5
    assert take(limiter, rate) == pytest.approx(0.5)
    now[0] = 1.0
    assert take(limiter, rate) == 0
    now[0] = 1000.0
    assert [take(limiter, rate) > 0 for _ in range(4)] == [False, False, False, True]


def test_the_limiter_remembers_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(InProcessLimiter, "BOUND", 10)
    limiter, rate = InProcessLimiter(lambda: 0.0), Rate("test", per_minute=1, burst=1)
    for number in range(50):
        assert take(limiter, rate, str(number)) == 0
    assert len(limiter._buckets) == 10


@given(st.text(max_size=100))
def test_only_the_key_opens(guess: str) -> None:
    keys = AccessKeys(b"secret")
    stored = keys.hash_of(keys.key_of("session"))
    assert keys.opens(keys.key_of("session"), stored)
    assert not keys.opens(keys.key_of("another"), stored)
    assert not keys.opens(guess, stored)
