"""A tool in trouble is left alone, tried once, and left alone for longer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.runtime.fuse import FAILURES, MOST_S, OPEN_S, Fuse

pytestmark = pytest.mark.unit


def blown() -> Fuse:
    fuse = Fuse()
    for _ in range(FAILURES):
        assert fuse.opens_in(0) == 0
        fuse.ended(0, failed=True)
    return fuse


def test_it_opens_after_failures_in_a_row_only() -> None:
    fuse = Fuse()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            fuse.ended(0, failed=True)
        fuse.ended(0, failed=False)
    assert fuse.opens_in(0) == 0
    assert blown().opens_in(0) == OPEN_S


def test_one_tries_while_the_others_wait() -> None:
    fuse = blown()
    assert fuse.opens_in(OPEN_S) == 0
    assert fuse.opens_in(OPEN_S) > 0
    fuse.ended(OPEN_S + 1, failed=None)
    assert fuse.opens_in(OPEN_S + 1) == 0, "broken off: the next tries"
    fuse.ended(OPEN_S + 2, failed=False)
    assert [fuse.opens_in(OPEN_S + 2) for _ in range(3)] == [0, 0, 0]


def test_each_time_it_stays_open_for_longer_up_to_a_bound() -> None:
    fuse, now, waits = blown(), 0.0, []
    for _ in range(6):
        waits.append(fuse.opens_in(now))
        now += waits[-1]
        assert fuse.opens_in(now) == 0
        fuse.ended(now, failed=True)
    assert waits == [15, 30, 60, 120, 120, 120]
    assert waits[-1] == MOST_S


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from([True, False, None])), max_size=60))
def test_it_never_stays_open_for_good(steps: list[tuple[float, bool | None]]) -> None:
    fuse, now = Fuse(), 0.0
    for passed, failed in steps:
        now += passed
        if fuse.opens_in(now) == 0:
            fuse.ended(now, failed=failed)
    assert fuse.opens_in(now + MOST_S) == 0
