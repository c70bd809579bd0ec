"""Accounts and requests, and the tools over them, in a real database of either kind."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import func, select

from api.records.demo import CALENDARS, slots_of
from gateway.stores.accounts import ServiceRequest
from gateway.stores.schema import DEFAULT_TENANT
from tests.api.test_records import FRIDAY, HALF_PAST_NINE, NOW, Desk, desk
from tests.tools.controls import FakeControl
from tests.tools.through import through_door
from tools.contract import ToolContext, ToolError
from tools.library import load

pytestmark = pytest.mark.integration

TOOLS = load()
JACKET = {"number": "704182", "zip_code": "60614", "item_id": "jacket", "reason": "too_small"}
REFILL = {
    "of": "patient",
    "number": "271904",
    "zip_code": "97201",
    "rx": "RX-40817",
    "collection": "pickup",
}
PLAN = {"number": "552016", "zip_code": "04101", "months": 6, "first_payment_on": "2026-12-01"}


async def use(at: Desk, name: str, arguments: dict[str, Any], key: str = "s:1") -> dict[str, Any]:
    """What the model is told."""
    context = ToolContext("c", at.session, DEFAULT_TENANT, "p", key, NOW, at.records, FakeControl(), "vet")
    outcome = await through_door(TOOLS[name], json.dumps(arguments), context)
    result = json.loads(outcome.output)
    assert isinstance(result, dict)
    return result


async def count(at: Desk) -> int:
    async with at.database.reading(DEFAULT_TENANT) as db:
        return await db.scalar(select(func.count()).select_from(ServiceRequest)) or 0


async def test_an_account_needs_number_and_zip_code(any_database: str) -> None:
    async with desk(any_database) as at:
        order = await use(at, "find_order", {"number": "704182", "zip_code": "60614"})
        assert order["holder"] == "Tessa Lowell"
        assert order["items"][0] == {"item_id": "jacket", "name": "Ridgeline rain jacket", "price": 129.0}
        wrong = await use(at, "find_order", {"number": "704182", "zip_code": "10027"})
        missing = await use(at, "find_order", {"number": "999999", "zip_code": "10027"})
        assert wrong["error"].replace("704182", "999999") == missing["error"]
        assert (
            "no invoice 704182"
            in (await use(at, "find_invoice", {"number": "704182", "zip_code": "60614"}))["error"]
        )


@pytest.mark.parametrize(
    ("name", "arguments", "prefix"),
    [
        ("start_return", JACKET, "RT"),
        ("request_refill", REFILL, "RF"),
        ("set_up_payment_plan", PLAN, "PP"),
        ("block_card", {"last4": "7305", "reason": "lost", "replace": True}, "CB"),
    ],
)
async def test_a_write_is_done_once(
    any_database: str, name: str, arguments: dict[str, Any], prefix: str
) -> None:
    async with desk(any_database) as at:
        first, again = await asyncio.gather(use(at, name, arguments), use(at, name, arguments))
        assert first == again
        assert first["reference"].startswith(f"{prefix}-")
        told = (await use(at, name, arguments, key="s:2"))["error"]
        assert f"under the reference {first['reference']}" in told
        assert await count(at) == 1


async def test_two_callers_at_once_get_one_refill(any_database: str) -> None:
    async with desk(any_database) as at:
        both = await asyncio.gather(*(use(at, "request_refill", REFILL, key=f"s:{n}") for n in (1, 2)))
        assert sorted("error" in each for each in both) == [False, True]
        assert await count(at) == 1


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("start_return", {**JACKET, "item_id": "hat"}, "not part of this order"),
        ("start_return", {**JACKET, "zip_code": "60615"}, "no order"),
        (
            "start_return",
            {"number": "704555", "zip_code": "10027", "item_id": "tent", "reason": "damaged"},
            "once it is delivered",
        ),
        ("request_refill", {**REFILL, "rx": "RX-40830"}, "no refills left of the atorvastatin"),
        ("request_refill", {**REFILL, "rx": "RX-51103"}, "no such prescription"),
        ("request_refill", {**REFILL, "of": "pet"}, "no patient number"),
        ("set_up_payment_plan", {**PLAN, "number": "552340", "zip_code": "04102"}, "is paid"),
        ("set_up_payment_plan", {**PLAN, "first_payment_on": "2027-03-01"}, "within the next 31 days"),
        ("block_card", {"last4": "0000", "reason": "lost", "replace": True}, "no card"),
    ],
)
async def test_what_cannot_be_is_told(
    sqlite_url: str, name: str, arguments: dict[str, Any], told: str
) -> None:
    async with desk(sqlite_url) as at:
        assert told in (await use(at, name, arguments))["error"]
        assert await count(at) == 0


async def test_the_installments_are_the_balance(sqlite_url: str) -> None:
    async with desk(sqlite_url) as at:
        plan = await use(at, "set_up_payment_plan", {**PLAN, "months": 7})
        assert plan["monthly"] == 102.86
        async with at.database.reading(DEFAULT_TENANT) as db:
            kept = (await db.scalars(select(ServiceRequest))).one()
        details = kept.details
        assert details["monthly_cents"] * 6 + details["last_cents"] == 72_000
        assert (kept.name, kept.kind, kept.subject) == ("Riley Thornton", "payment_plan", "invoice:552016")


async def test_a_blocked_card_says_so(sqlite_url: str) -> None:
    async with desk(sqlite_url) as at:
        assert (await at.records.find_card(last4="7305"))["status"] == "active"
        await use(at, "block_card", {"last4": "7305", "reason": "stolen", "replace": False})
        assert (await at.records.find_card(last4="7305"))["status"] == "blocked"
        assert (await at.records.find_card(last4="4412"))["status"] == "active"


CALLER = {"name": "Susan Walker", "phone": "5550172"}


@pytest.mark.parametrize(
    ("name", "arguments", "kept"),
    [
        ("take_message", {"recipient": "billing", "message": "please call"}, {"recipient": "billing"}),
        (
            "capture_lead",
            {"interest": "panels", "timeframe": "this year", "zip_code": "60614", "qualified": True},
            {"qualified": True, "notes": ""},
        ),
        (
            "request_quote",
            {"product": "auto", "zip_code": "60614", "starts_on": "2026-12-01", "insured_now": False},
            {"product": "auto", "starts_on": "2026-12-01"},
        ),
        (
            "open_matter",
            {"area": "housing", "other_party": "Acme", "deadline": True, "description": "my lease"},
            {"area": "housing", "deadline": True},
        ),
    ],
)
async def test_what_callers_ask_for_is_kept(
    any_database: str, name: str, arguments: dict[str, Any], kept: dict[str, Any]
) -> None:
    async with desk(any_database) as at:
        filed = await use(at, name, {**arguments, **CALLER})
        async with at.database.reading(DEFAULT_TENANT) as db:
            request = (await db.scalars(select(ServiceRequest))).one()
        assert (request.reference, request.name, request.phone) == (filed["reference"], *CALLER.values())
        assert request.details.items() >= kept.items()


async def test_calendars_are_apart(sqlite_url: str) -> None:
    async with desk(sqlite_url) as at:
        booking = {"service": "a checkup", "starts_at": HALF_PAST_NINE.isoformat(), **CALLER}
        booked = await use(at, "book_appointment", booking)
        assert booked["provider"] in CALENDARS["vet"][1]
        assert HALF_PAST_NINE.isoformat() in await at.free_on(FRIDAY), "the other calendar still has it"
        free = await use(at, "find_slots", {"service": "a checkup", "on": FRIDAY.isoformat(), "limit": 40})
        times = {slot["starts_at"] for slot in free["slots"]}
        wanted = {slot.isoformat() for slot in slots_of(FRIDAY, "vet")}
        assert times == wanted - {HALF_PAST_NINE.isoformat()}
        with pytest.raises(ToolError):
            await at.records.book_appointment(
                key="x",
                service="a checkup",
                starts_at=HALF_PAST_NINE,
                session_id=at.session,
                calendar="vet",
                **CALLER,
            )
