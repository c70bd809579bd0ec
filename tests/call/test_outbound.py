"""Calls that we place: how they begin, and what an answering machine gets to hear."""

from __future__ import annotations

import pytest

from gateway.call.inputs import MachineVerdict
from gateway.call.journal import plain, restored
from personas.prompt import said_exactly
from tests.call.harness import Bench, persona

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("outbound", "words"), [(False, "Hello there."), (True, "Good day, this is Tester.")]
)
def test_a_call_that_we_place_has_a_greeting_of_its_own(outbound: bool, words: str) -> None:
    who = persona(outbound={"greeting": "Good day, this is Tester."})
    bench = Bench(who, outbound=outbound)
    bench.connect()
    assert [said_exactly(asked["response"]["instructions"]) for asked in bench.asked] == [words]


def test_a_verdict_is_written_down_and_read_again() -> None:
    verdict = MachineVerdict("beep", "local")
    assert restored(plain(verdict)) == verdict
