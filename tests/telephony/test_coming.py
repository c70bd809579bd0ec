"""Whom a line is kept for while his socket is on its way."""

from __future__ import annotations

from api.surfaces.telephony.calls.coming import PATIENCE_S, Coming


def test_those_on_their_way_count_until_they_are_there() -> None:
    coming = Coming()
    coming.expect("twilio", "one", 100.0)
    coming.expect("twilio", "two", 101.0)
    assert coming.others("twilio", "three", 101.0) == 2
    coming.arrived("twilio", "one")
    assert coming.others("twilio", "three", 101.0) == 1


def test_whoever_is_asked_about_twice_needs_one_line() -> None:
    coming = Coming()
    coming.expect("twilio", "one", 100.0)
    assert coming.others("twilio", "one", 100.0) == 0
    coming.expect("twilio", "one", 101.0)
    assert coming.others("twilio", "two", 101.0) == 1
    assert coming.others("telnyx", "one", 101.0) == 1, "another carrier's call of the same name"


def test_nobody_is_waited_for_for_ever() -> None:
    coming = Coming()
    coming.expect("twilio", "one", 100.0)
    coming.expect("twilio", "two", 105.0)
    coming.expect("twilio", "one", 109.0)
    assert coming.others("twilio", "three", 105.0 + PATIENCE_S) == 1
    assert coming.others("twilio", "three", 109.0 + PATIENCE_S) == 0


def test_a_call_without_a_name_is_not_kept_a_line() -> None:
    coming = Coming()
    coming.expect("plivo", "", 100.0)
    assert coming.others("plivo", "", 100.0) == 0
