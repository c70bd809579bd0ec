"""Where a persona's calls may be put through, and who speaks with the person."""

from __future__ import annotations

from datetime import datetime

import pytest
from pydantic import ValidationError

from personas.consulting import LINES, consulting
from personas.hours import is_open, read_hours
from personas.persona import SessionPolicy
from personas.prompt import session_for
from personas.transfers import Target, named, overridden, put_through_notes, read_overrides
from tests.call.harness import persona
from tools.library import load

pytestmark = pytest.mark.unit

DESK = Target(to="+15550100020", description="Bills and records", hours="mon-fri 08:00-17:00", mode="warm")
LAB = Target(to="sip:lab@example.com")
NOBODY = Target()


@pytest.mark.parametrize(
    "to", ["+15550100020", "sip:desk@example.com", "sips:a.b%20c@[2001:db8::1]:5061", ""]
)
def test_good_targets(to: str) -> None:
    assert Target(to=to).to == to


@pytest.mark.parametrize(
    "to",
    [
        "0800 123",
        "+0123456789",
        "+1555",
        "tel:+15550100020",
        "sip:",
        "sip:a@b?x=<Dial>",
        "http://x",
        "+1555010002\n",
        "+1555010002９",
    ],
)
def test_bad_targets_are_told_how_to_be_written(to: str) -> None:
    with pytest.raises(ValidationError, match="neither a number as"):
        Target(to=to)


def test_a_wish_is_matched_by_name_and_never_by_number() -> None:
    targets = {"Front desk": DESK, "lab": LAB, "nobody": NOBODY}
    assert named(targets, "front_desk") == "Front desk"
    assert named(targets, "LAB") == "lab"
    assert named(targets, "+15550100020") is None
    assert named(targets, "nobody") is None
    assert named({"lab": LAB, "nobody": NOBODY}, "the front desk") == "lab", "the only one there is"
    assert named({}, "lab") is None


def test_the_model_is_told_of_them_without_numbers() -> None:
    who = persona(transfers={"front desk": DESK, "nobody": NOBODY}, tools=("transfer_call",))
    told = session_for(who, (load()["transfer_call"],))["instructions"]
    assert "- front desk; Bills and records; open mon-fri 08:00-17:00" in told
    assert "nobody" not in told
    assert "+1555" not in told
    assert put_through_notes({}) == ""


def test_a_tenant_has_numbers_of_its_own() -> None:
    numbers = read_overrides(
        ("front desk=+15550100031", "acme:Front-Desk=+15550100032", "acme:lab=sip:l@x.org")
    )
    assert numbers[""]["front desk"] == "+15550100031"
    changed = overridden({"front_desk": DESK, "lab": LAB}, numbers["acme"])
    assert (changed["front_desk"].to, changed["lab"].to) == ("+15550100032", "sip:l@x.org")
    assert changed["front_desk"].mode == "warm"
    for wrong in ("front desk", "=+15550100031", "a=", "a=0800", "t:=+15550100031"):
        with pytest.raises(ValueError, match=r"transfer target|neither a number"):
            read_overrides((wrong,))


def test_hours() -> None:
    hours = read_hours("mon-fri 08:00-17:00, sat 09:00-12:00")
    at = datetime.fromisoformat
    assert is_open(hours, at("2026-11-30T08:00"))  # a Monday
    assert not is_open(hours, at("2026-11-30T17:00"))
    assert is_open(hours, at("2026-12-05T11:59"))
    assert not is_open(hours, at("2026-12-06T10:00"))
    assert is_open(read_hours("fri-mon 00:00-23:59"), at("2026-12-06T10:00")), "over the weekend"
    assert is_open((), at("2026-12-06T03:00"))
    for wrong in ("always", "mon-fri", "mon-xyz 08:00-17:00", "mon 25:00-26:00", "mon 17:00-08:00"):
        with pytest.raises(ValueError, match=r"mon|hours|closes"):
            read_hours(wrong)


def test_who_speaks_with_the_person_knows_what_was_said_and_can_do_two_things() -> None:
    said = [("user", f"line {n}") for n in range(30)] + [("assistant", "I'll ask them.")]
    who = consulting(persona(transfers={"lab": LAB}), "lab", "Ann Lee asks for her results", said)
    assert who.policy is SessionPolicy.LOCKED
    assert set(who.tools) == {"take_caller", "decline_caller"}
    assert who.transfers == {}
    assert "Ann Lee asks for her results." in (who.greeting or "")
    assert "press one" in (who.greeting or "")
    assert f"line {30 - LINES + 1}" in who.instructions
    assert "line 3\n" not in who.instructions
    assert set(who.tools) <= set(load())
    assert who.voicemail is None
