"""Provider states: pauses that grow, and who is tried next."""

from __future__ import annotations

import pytest

from gateway.continuity.health import Health

pytestmark = pytest.mark.unit


def health() -> Health:
    return Health(["one", "two", "three"])


def test_the_pause_doubles_up_to_a_minute_and_success_ends_it() -> None:
    one = health()
    now, pauses = 0.0, []
    for _ in range(9):
        one.failed("one", "unavailable", now)
        pauses.append(one.snapshot(now)[0].next_try_in_s)
        now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    last = one.snapshot(now)[0]
    assert (last.up, last.failures, last.last_failure) == (False, 9, "unavailable")
    one.opened("one")
    assert one.snapshot(now)[0].up
    assert one.snapshot(now)[0].last_failure is None


def test_a_refusal_pauses_longer() -> None:
    one = health()
    one.failed("two", "refused", 5.0)
    assert one.snapshot(5.0)[1].next_try_in_s == 30


def test_what_many_calls_report_at_once_is_one_failure() -> None:
    one = health()
    for _ in range(50):
        one.failed("one", "lost", 10.0)
    assert one.snapshot(10.0)[0].failures == 1


def test_a_session_that_opens_does_not_prove_that_the_next_will_last() -> None:
    one = health()
    one.failed("one", "stalled", 0.0)
    one.opened("one")
    assert not one.snapshot(5.0)[0].up
    one.proven("one")
    assert one.snapshot(5.0)[0].up


def test_the_next_is_the_one_after_wrapping_round_and_leaving_out_who_pauses() -> None:
    one = health()
    assert one.order(0.0) == ["one", "two", "three"]
    assert one.order(0.0, after="two") == ["three", "one", "two"]
    assert one.order(0.0, after="two", keep=True) == ["two", "three", "one"]
    one.failed("three", "unavailable", 0.0)
    assert one.choose(0.0, after="two") == ("one", 0.0)
    assert one.order(1.0, after="two") == ["three", "one", "two"]
    assert one.choose(1.0, after="gone") == ("one", 0.0)


def test_when_all_pause_the_first_to_come_back_is_tried_all_the_same() -> None:
    one = health()
    one.failed("one", "refused", 0.0)
    one.failed("two", "refused", 0.0)
    one.failed("three", "lost", 0.0)
    assert one.choose(0.25, after="two") == ("three", 0.0)
    assert one.choose(0.25, after="two", attempt=1) == ("three", 0.75)
    one.failed("three", "lost", 30.0)
    assert one.choose(2.0, attempt=3)[1] == 1.0, "a caller waits"
