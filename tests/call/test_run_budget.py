"""A whole call with a model that costs more than the call may, on virtual time."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from gateway.call.plan import CallDeps, CallPlan
from gateway.call.run import Call
from gateway.errors import HUNG_UP, OVER_BUDGET, Ending
from gateway.ports import CallSummary, Event
from gateway.pricing.tariff import NO_PRICES, Rates, Tariff
from personas.persona import Limits
from personas.prompt import said_exactly
from tests.call.harness import persona
from tests.call.test_run import no_records
from tests.fakes import FakeLeg, FakeModel, FakeStore

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

TARIFF = Tariff({("fake", "fake-1"): Rates(text_in=4.0, audio_out=64.0, date="2026-11-21")})
USAGE = {"input_tokens": 50_000, "output_tokens": 5_000, "output_token_details": {"audio_tokens": 5_000}}
"""0.2 + 0.32 dollars."""


class PaidModel(FakeModel):
    def answer(self, event: Event) -> list[Event]:
        events = super().answer(event)
        if events:
            events[-1]["response"]["usage"] = USAGE
        return events


class Scene:
    def __init__(
        self, *, tariff: Tariff = TARIFF, budget: float | None = None, plays: bool = True, **limits: Any
    ) -> None:
        self.leg = FakeLeg()
        self.leg.plays = plays
        self.store = FakeStore()
        self.model = PaidModel()
        deps = CallDeps((self.model,), "test", self.store, no_records, {}, tariff=tariff, budget_usd=budget)
        who = persona(policy="open", limits=Limits(**limits))
        self.call = Call(CallPlan("rtc_1", "s-1", "t-1", who), self.leg, deps)

    @property
    def summary(self) -> CallSummary:
        return self.store.ended[0][2]

    def asked(self) -> list[str | None]:
        creates = [e for e in self.model.session.received if e["type"] == "response.create"]
        return [said_exactly(event["response"]["instructions"]) for event in creates]


async def held(scene: Scene, seconds: float) -> Ending:
    """The call, hung up after so long at the latest."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        await scene.leg.listen(seconds)
        sink.on_lost(HUNG_UP)
    return running.result()


async def test_a_call_within_its_means_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    scene = Scene(budget=1.0)
    assert await held(scene, 3.0) == HUNG_UP
    assert scene.summary.cost_usd == pytest.approx(0.52)
    assert (scene.summary.input_tokens, scene.summary.output_tokens) == (50_000, 5_000)
    (used,) = scene.store.used
    assert (used.call_id, used.provider, used.model) == ("rtc_1", "fake", "fake-1")
    assert (used.text_in, used.audio_out) == (50_000, 5_000)
    assert used.usd == pytest.approx(0.52)
    assert used.price_date == "2026-11-21"
    assert "cost_usd=0.520000" in caplog.text


@pytest.mark.parametrize(("budget", "personas"), [(0.5, None), (None, 0.5), (9.0, 0.5), (0.5, 9.0)])
async def test_the_lower_budget_ends_the_call_with_a_farewell(
    budget: float | None, personas: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    scene = Scene(budget=budget, budget_usd=personas)
    assert await held(scene, 6.0) == OVER_BUDGET
    assert scene.asked() == ["Hello there.", "Thank you for calling. Goodbye."]
    assert scene.leg.closed == [OVER_BUDGET]
    assert len(scene.leg.heard) >= 2 * 48_000, "greeting and farewell were heard"
    assert scene.summary.cost_usd == pytest.approx(1.04)
    assert [entry.usd for entry in scene.store.used] == [pytest.approx(0.52), pytest.approx(1.04)]
    told = [entry.event["type"] for entry in scene.store.journal if entry.source == "call"]
    assert told.count("BudgetSpent") == 1
    assert "the call has cost 0.5200 of the 0.5000 US dollars that it may, and ends" in caplog.text
    assert "ending=gateway/over-budget" in caplog.text


async def test_a_client_that_plays_is_told_by_an_error() -> None:
    scene = Scene(budget=0.5, plays=False)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scene.call.run())
        await scene.leg.connect()
    assert running.result() == OVER_BUDGET
    kinds = scene.leg.types()
    assert kinds[-1] == "error"
    assert kinds.index("response.done") < kinds.index("error")
    assert scene.leg.sent[-1]["error"]["code"] == "budget_exceeded"
    assert scene.asked() == ["Hello there."]


async def test_without_a_price_there_is_no_cost_and_no_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    scene = Scene(tariff=NO_PRICES, budget=0.000001)
    assert await held(scene, 3.0) == HUNG_UP
    assert scene.summary.cost_usd is None
    assert scene.summary.input_tokens == 50_000
    assert "cost_usd=unknown" in caplog.text
    assert "no price is known for what fake-1 of fake used" in caplog.text


async def test_at_four_fifths_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(budget=0.6)
    assert await held(scene, 3.0) == HUNG_UP
    assert "the call has cost 0.5200 of the 0.6000 US dollars that it may" in caplog.text
    assert "BudgetNearlySpent" in [entry.event["type"] for entry in scene.store.journal]
