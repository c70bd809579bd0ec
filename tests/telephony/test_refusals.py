"""What the log tells of carriers that are refused."""

from __future__ import annotations

import pytest

from api.surfaces.telephony.proofs.refusals import AT_ONCE, Refusals

pytestmark = pytest.mark.unit


def test_few_are_told_one_by_one(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    for number in range(5):
        refusals.tell(f"number {number}", float(number))
    assert caplog.messages == [f"refused: number {number}" for number in range(5)]


def test_of_many_only_how_many_there_were(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    for number in range(10_000):
        refusals.tell("one of ten thousand", 100.0 + number / 10_000)
    assert len(caplog.messages) == AT_ONCE
    refusals.tell("the next", 110.0)
    assert caplog.messages[-2:] == [
        f"refused: {10_000 - AT_ONCE} more, which are not told one by one",
        "refused: the next",
    ]
    refusals.tell("and another", 112.0)
    assert caplog.messages[-1] == "refused: and another"
