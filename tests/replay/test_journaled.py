"""A call is replayed from what its journal keeps, whatever happens in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import settings

from gateway.call.beginning import beginning, core_of
from gateway.call.core import Core
from gateway.call.effects import Effect
from gateway.call.inputs import ToolDecided, ToolFinished
from gateway.call.journal import Journal
from gateway.call.relay import RelayCore
from gateway.call.sessions import CoreSettings
from gateway.replay.driving import difference, drive
from gateway.replay.recording import Recording, Row
from tests.call.test_core_properties import CallMachine, OutboundMachine, PhoneMachine
from tests.fakes import FakeStore

pytestmark = pytest.mark.unit


class Journaled:
    """A core whose inputs are journaled as the call's shell does it."""

    def __init__(self, settings: CoreSettings, began: float, *, plays: bool = True) -> None:
        self.store = FakeStore()
        self._journal = Journal(self.store, "rtc_1")
        self._began = began
        told = json.loads(json.dumps(beginning(settings, plays=plays)))
        self._journal.call(0, told)
        self.core: Core | RelayCore = core_of("rtc_1", told)

    def _ms(self, now: float) -> int:
        return round((now - self._began) * 1000)

    def leg(self, event: Any, now: float) -> list[Effect]:
        effects = self.core.leg(event, self._ms(now) / 1000)
        self._journal.leg(self._ms(now), event, effects)
        return effects

    def model(self, event: dict[str, Any], now: float) -> list[Effect]:
        effects = self.core.model(event, self._ms(now) / 1000)
        self._journal.model(self._ms(now), event, effects)
        return effects

    def tool(self, event: ToolFinished, now: float) -> list[Effect]:
        effects = self.core.tool(event, self._ms(now) / 1000)
        self._journal.tool(self._ms(now), event, effects)
        return effects

    def decided(self, event: ToolDecided, now: float) -> list[Effect]:
        effects = self.core.decided(event, self._ms(now) / 1000)
        self._journal.tool(self._ms(now), event, effects)
        return effects

    def control(self, event: Any, now: float) -> list[Effect]:
        effects = self.core.control(event, self._ms(now) / 1000)
        self._journal.tool(self._ms(now), event, effects)
        return effects

    def tick(self, now: float) -> list[Effect]:
        effects = self.core.tick(self._ms(now) / 1000)
        self._journal.tick(self._ms(now), effects)
        return effects

    @property
    def hurried(self) -> bool:
        return self.core.hurried

    def recording(self) -> Recording:
        rows = [Row(e.seq, e.at_ms, e.source, json.loads(json.dumps(e.event))) for e in self.store.journal]
        return Recording("rtc_1", "fake", tuple(rows))


def replayed(journaled: Journaled) -> None:
    steps = drive(journaled.recording())
    found = difference(steps)
    if found is not None:
        around = "\n".join(
            f"{s.row.at_ms} {s.row.source} {s.row.event}"
            for s in steps[max(0, found.index - 12) : found.index + 1]
        )
        raise AssertionError(f"{around}\nthen {found.then}\nnow {found.now}")


class Recorded(CallMachine):
    def __init__(self) -> None:
        super().__init__()
        bench = self.bench
        self.journaled = Journaled(bench.core._parts.settings, bench.now)
        bench.core = self.journaled  # type: ignore[assignment]  # its five inputs

    def one_reply_at_a_time(self) -> None:
        """Looked at where the machine's clock is the core's to the last bit."""

    def teardown(self) -> None:
        super().teardown()
        replayed(self.journaled)


class RecordedPhone(Recorded, PhoneMachine):
    pass


class RecordedOutbound(Recorded, OutboundMachine):
    pass


TestCall = Recorded.TestCase
TestPhone = RecordedPhone.TestCase
TestOutbound = RecordedOutbound.TestCase
TestCall.settings = TestPhone.settings = TestOutbound.settings = settings(
    max_examples=12, stateful_step_count=40, deadline=None
)
