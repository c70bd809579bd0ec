"""What a call uses and costs: summed by model, told as it grows, held against a budget. Nothing breaks it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.call.effects import Charge, Effect, Note, Remark
from gateway.call.spending import MOST_MODELS, Spending
from gateway.ports import UsageEntry
from gateway.pricing.tariff import Rates, Tariff, cost
from gateway.pricing.usage import NOTHING, Tokens, Usage, read_usage
from gateway.realtime.response import BRIDGING

pytestmark = pytest.mark.unit

DATE = "2026-11-21"
TARIFF = Tariff(
    {
        ("openai", "big"): Rates(text_in=4.0, audio_in=32.0, text_out=16.0, audio_out=64.0, date=DATE),
        ("azure", "small"): Rates(text_in=1.0, text_out=2.0, date=DATE),
        ("openai", "ears"): Rates(minute=0.006, date=DATE),
        ("embedded", "*"): Rates(text_in=0, audio_in=0, text_out=0, audio_out=0, minute=0, date=DATE),
    },
    ears={"azure": ("openai", "ears")},
)


def spending(budget: float | None = None, *answers: str) -> Spending:
    made = Spending("rtc_1", TARIFF, budget)
    made.answering(*(answers or ("openai", "big")))
    return made


def used(text_in: int = 0, text_out: int = 0, **fields: Any) -> dict[str, Any]:
    usage = {"input_tokens": text_in, "output_tokens": text_out}
    return {"id": "resp_1", "status": "completed", "usage": usage, **fields}


def charges(effects: list[Effect]) -> list[UsageEntry]:
    return [effect.entry for effect in effects if isinstance(effect, Charge)]


def remarks(effects: list[Effect]) -> list[str]:
    return [effect.event["type"] for effect in effects if isinstance(effect, Remark)]


def noted(effects: list[Effect], what: str) -> int:
    return sum(effect.value for effect in effects if isinstance(effect, Note) and effect.what == what)


@pytest.mark.parametrize("status", ["completed", "cancelled", "failed", "incomplete"])
def test_every_response_counts_whatever_became_of_it(status: str) -> None:
    (entry,) = charges(spending().response(used(1000, 500, status=status, conversation_id=None)))
    assert (entry.text_in, entry.text_out) == (1000, 500)
    assert entry.usd == pytest.approx(0.012)
    assert entry.price_date == DATE


def test_the_sum_grows_and_its_revision_with_it() -> None:
    spent = spending()
    first, second = (charges(spent.response(used(10, 1)))[0] for _ in range(2))
    assert (first.text_in, second.text_in) == (10, 20)
    assert second.revision > first.revision


def test_after_a_failover_each_model_has_its_own_sum() -> None:
    spent = spending()
    effects = spent.response(used(1000))
    spent.answering("azure", "small")
    effects += spent.response(used(1000))
    effects += spent.transcription({"type": "duration", "seconds": 60}, "whatever the session names")
    assert {(e.provider, e.model): e.usd for e in charges(effects)} == {
        ("openai", "big"): pytest.approx(0.004),
        ("azure", "small"): pytest.approx(0.001),
        ("openai", "ears"): pytest.approx(0.006),
    }
    assert spent.usd == pytest.approx(0.011)
    assert noted(effects, "input_tokens") == 2000


def test_transcriptions_in_tokens_and_in_seconds() -> None:
    spent = spending()
    told = {
        "type": "tokens",
        "input_tokens": 30,
        "output_tokens": 5,
        "input_token_details": {"audio_tokens": 30},
    }
    (tokens,) = charges(spent.transcription(told, "big"))
    (seconds,) = charges(spent.transcription({"type": "duration", "seconds": 1.5}, "ears"))
    assert (tokens.model, tokens.audio_in, tokens.text_out) == ("big", 30, 5)
    assert (seconds.model, seconds.seconds) == ("ears", 1.5)
    assert seconds.usd == pytest.approx(0.00015)
    assert spent.transcription(None, "ears") == []
    assert spent.transcription({"type": "duration", "seconds": 0.0}, "ears") == [], (
        "a server that does not tell"
    )


def test_an_unknown_price_is_said_once_and_is_no_sum() -> None:
    spent = spending(None, "upstream", "mystery")
    first, again = spent.response(used(5)), spent.response(used(5))
    assert remarks(first + again) == ["CostUnknown"]
    assert [(entry.usd, entry.price_date) for entry in charges(first + again)] == [(None, None)] * 2
    assert spent.usd == 0


def test_an_answer_that_tells_no_usage_makes_the_cost_unknown() -> None:
    spent = spending()
    spent.response(used(1000))
    (entry,) = charges(spent.response({"id": "r", "status": "completed", "usage": None}))
    assert (entry.text_in, entry.usd) == (1000, None)
    assert spent.usd == pytest.approx(0.004), "what is known still counts in the budget"


def test_the_embedded_engine_costs_nothing_even_when_it_tells_nothing() -> None:
    (entry,) = charges(spending(None, "embedded", "x").response({"id": "r", "status": "completed"}))
    assert entry.usd == 0


@pytest.mark.parametrize(
    "response",
    [
        {"id": "r", "status": "failed", "status_details": {"error": {"code": "provider_lost"}}},
        {"id": "r", "status": "cancelled", "usage": None},
        {"id": "r", "status": "completed", "metadata": BRIDGING},
    ],
)
def test_what_broke_off_and_what_we_said_ourselves_tell_nothing(response: dict[str, Any]) -> None:
    assert spending().response(response) == []


def test_the_budget_warns_once_and_then_is_spent() -> None:
    spent = spending(0.01)
    told = [remarks(spent.response(used(500))) for _ in range(6)]  # 0.002 each
    assert told == [[], [], [], ["BudgetNearlySpent"], ["BudgetSpent"], []]
    assert spent.over


def test_without_a_budget_nothing_is_ever_over() -> None:
    spent = spending()
    assert remarks(spent.response(used(10**9, 10**9))) == []
    assert not spent.over


def test_the_models_told_apart_are_bounded() -> None:
    spent = spending()
    effects: list[Effect] = []
    for number in range(MOST_MODELS + 5):
        spent.answering("upstream", f"model-{number}")
        effects += spent.response(used(1))
    names = {entry.model for entry in charges(effects)}
    assert len(names) == MOST_MODELS
    assert noted(effects, "input_tokens") == MOST_MODELS + 5
    spent.answering("upstream", "x" * 5000)
    assert all(len(entry.model) <= 200 for entry in charges(spent.response(used(1))))


# ── properties ──

MODELS = st.sampled_from(
    [("openai", "big"), ("azure", "small"), ("upstream", "mystery"), ("embedded", "e")]
)
COUNTS = st.integers(0, 10_000)
TOLD = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": COUNTS, "output_tokens": COUNTS, "total_tokens": COUNTS,
        "input_token_details": st.fixed_dictionaries(
            {}, optional={"text_tokens": COUNTS, "audio_tokens": COUNTS, "cached_tokens": COUNTS}
        ),
        "output_token_details": st.fixed_dictionaries({}, optional={"audio_tokens": COUNTS}),
    },
) | st.none() | st.just("nonsense") | st.just({"input_tokens": -5, "seconds": "many"})  # fmt: skip


@given(st.lists(st.tuples(MODELS, TOLD), max_size=20))
def test_the_sum_of_the_parts_is_the_whole(told: list[tuple[tuple[str, str], object]]) -> None:
    spent = spending()
    effects: list[Effect] = []
    sums: dict[tuple[str, str], Usage] = {}
    for account, usage in told:
        spent.answering(*account)
        effects += spent.response({"id": "r", "status": "cancelled", "usage": usage})
        read = read_usage(usage)
        if read is not None:
            sums[account] = sums.get(account, NOTHING) + read
    latest = {(entry.provider, entry.model): entry for entry in charges(effects)}
    assert latest.keys() == sums.keys()
    for account, entry in latest.items():
        tokens = Tokens(*(getattr(entry, name) for name in Tokens.__dataclass_fields__))
        assert tokens == sums[account].tokens
        expected = cost(TARIFF.of(account), sums[account])
        assert entry.usd == (None if expected is None else pytest.approx(expected))
    whole = sum((usage.tokens.input for usage in sums.values()), 0)
    assert noted(effects, "input_tokens") == whole
    revisions = [entry.revision for entry in charges(effects)]
    assert revisions == sorted(set(revisions))


@given(st.lists(COUNTS, max_size=30), st.floats(0.0001, 1.0))
def test_the_budget_is_over_exactly_from_when_it_is_spent(counts: list[int], budget: float) -> None:
    spent = spending(budget)
    seen: list[str] = []
    for count in counts:
        seen += remarks(spent.response(used(count, count)))
        assert spent.over == (spent.usd >= budget)
    assert seen.count("BudgetSpent") <= 1
    assert seen.count("BudgetNearlySpent") <= 1
    assert seen == sorted(seen, key=["BudgetNearlySpent", "BudgetSpent"].index)
