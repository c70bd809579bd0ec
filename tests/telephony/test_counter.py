"""Who answers, one-time tokens, and when a proof is needed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import ApiError
from api.surfaces.telephony.calls.answering import Answering
from api.surfaces.telephony.counter import DESKS, Counter
from api.surfaces.telephony.proofs.refusals import Refusals
from api.surfaces.telephony.proofs.tickets import LIFETIME_S, Seen, Ticket, Tickets
from gateway.config import from_env
from gateway.errors import ConfigError
from gateway.wire import Unverified
from personas.library import load

pytestmark = pytest.mark.unit

PERSONAS = load()
TICKET = Ticket("twilio", "CA1", "s-1", "t-1", "assistant")


def test_a_token_is_good_once_for_a_minute_and_for_its_carrier() -> None:
    tickets = Tickets()
    token = tickets.issue(TICKET, 100.0)
    assert token.isalnum()
    assert tickets.redeem(token, "telnyx", 100.0) is None
    assert tickets.redeem(f"{token}0", "twilio", 100.0) is None
    tickets.check(token, "twilio", 101.0)
    assert tickets.redeem(token, "twilio", 101.0) is TICKET
    assert tickets.redeem(token, "twilio", 101.0) is None
    late = tickets.issue(TICKET, 100.0)
    assert tickets.redeem(late, "twilio", 100.0 + LIFETIME_S) is None
    with pytest.raises(Unverified):
        tickets.check(token, "twilio", 101.0)


@given(st.lists(st.floats(0, 300), max_size=60))
def test_tokens_are_bounded_and_the_newest_is_always_good(times: list[float]) -> None:
    tickets = Tickets()
    tickets.BOUND = 5
    for now in sorted(times):
        assert tickets.redeem(tickets.issue(TICKET, now), "twilio", now) is TICKET
        tickets.issue(TICKET, now)
        assert len(tickets._tickets) <= 5


def test_a_proof_is_good_once() -> None:
    seen = Seen()
    assert seen.first("one", 100.0)
    assert seen.first("two", 100.0)
    assert not seen.first("one", 101.0)
    seen.BOUND = 2
    assert seen.first("three", 102.0)
    assert len(seen._seen) == 2


def test_who_answers() -> None:
    answering = Answering(("+1 555 010-0002=bank_dispute", "dental_reception"), PERSONAS)
    assert answering.persona(None, "+15550100002").id == "bank_dispute"
    assert answering.persona(None, "15550100002").id == "bank_dispute"
    assert answering.persona(None, "+15550100003").id == "dental_reception"
    assert answering.persona("insurance_claim", "+15550100002").id == "insurance_claim"
    assert Answering((), PERSONAS).persona(None, "").id == "assistant"
    with pytest.raises(ApiError):
        answering.persona("nobody", "")
    with pytest.raises(ConfigError, match="nobody"):
        Answering(("+15550100002=nobody",), PERSONAS)


@pytest.mark.parametrize(
    "more", [{"PARLEY_HOST": "0.0.0.0"}, {"PARLEY_PUBLIC_URL": "https://voice.example.test"}]
)
def test_open_telephony_is_for_this_machine_only(more: dict[str, str]) -> None:
    assert from_env({"PARLEY_TELEPHONY_OPEN": "1"}).telephony_open
    with pytest.raises(ConfigError, match="PARLEY_TELEPHONY_OPEN"):
        from_env({"PARLEY_TELEPHONY_OPEN": "1", **more})


@pytest.mark.parametrize("name", DESKS)
def test_no_carrier_is_there_without_its_secret(name: str) -> None:
    assert DESKS[name].name == name
    assert not DESKS[name].configured(from_env({}))


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        (None, "set PARLEY_PUBLIC_URL"),
        ("https://voice.example.com", "and https://voice.example.com: the carrier"),
    ],
)
def test_a_refusal_says_in_the_log_what_to_mend(
    url: str | None, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    deps = SimpleNamespace(settings=from_env({}, public_url=url))
    counter = SimpleNamespace(deps=deps, _refusals=Refusals())
    Counter.refused(cast(Counter, counter), "twilio", "webhook", Unverified("signed otherwise"))
    assert hint in caplog.text


async def test_what_is_written_down_while_it_is_looked_for_is_found() -> None:
    """The look begins before, and the placing is over before it ends: the carrier's notice is not lost."""
    call, looks = SimpleNamespace(session_id="s"), 0
    counter = SimpleNamespace(_placing=1, handles=SimpleNamespace(note=lambda *_: None))

    async def find(*_: object) -> object:
        nonlocal looks
        looks += 1
        if looks == 1:
            counter._placing = 0
            return None
        return call

    async def settled() -> None: ...

    counter._find, counter.settled = find, settled
    told = SimpleNamespace(call="c", handle="")
    found = await Counter.known(
        cast(Counter, counter), cast(Any, SimpleNamespace(name="acs")), cast(Any, told)
    )
    assert found is cast(Any, call)
