"""The accounts of the demo businesses. All people, companies and numbers are made up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from gateway.stores.accounts import Account

__all__ = ["accounts"]


def accounts(today: date) -> Iterator[Account]:
    """Fresh rows, their days reckoned from `today`."""

    def day(ahead: int) -> str:
        return (today + timedelta(days=ahead)).isoformat()

    yield _account(
        "order", "704182", "Tessa Lowell", "60614", "delivered",
        placed_on=day(-12), delivered_on=day(-5), where="it was left at the front door",
        items=[
            {"item_id": "jacket", "name": "Ridgeline rain jacket", "price_cents": 12_900},
            {"item_id": "boots", "name": "Cascade hiking boots", "price_cents": 16_450},
            {"item_id": "lantern", "name": "Firefly camp lantern", "price_cents": 3_800},
        ],
    )  # fmt: skip
    yield _account(
        "order", "704555", "Omar Haddad", "10027", "shipped",
        placed_on=day(-3), delivered_on=None, where="it should arrive within two days",
        items=[{"item_id": "tent", "name": "Meadow two person tent", "price_cents": 21_900}],
    )  # fmt: skip
    yield _invoice(
        "310448", "Corner Lantern Bakery", "30309", "open", 184_000, 184_000, day(9), "bookkeeping"
    )
    yield _invoice("310972", "Dune Street Studio", "98101", "paid", 62_500, 0, day(-20), "a tax return")
    yield _invoice(
        "552016", "Riley Thornton", "04101", "open", 96_000, 72_000, day(12), "a crown and two fillings"
    )
    yield _invoice("552340", "Nadia Brooks", "04102", "paid", 9_500, 0, day(-8), "a cleaning")
    yield _account(
        "matter", "860213", "Elena Marsh", "02108", "open",
        subject="your lease dispute", attorney="Judith Vale", stage="the other side has our letter",
        next_event="a settlement call", next_on=day(8),
    )  # fmt: skip
    yield _account(
        "matter", "860377", "Gordon Pike", "02110", "closed",
        subject="your late wages", attorney="Simon Harcourt", stage="it was settled",
        next_event="no further event", next_on=None,
    )  # fmt: skip
    yield _account(
        "patient", "271904", "Walter Finch", "97201", "active",
        prescriptions=[
            _rx("RX-40817", "lisinopril", "ten milligrams", 3),
            _rx("RX-40822", "metformin", "five hundred milligrams", 1),
            _rx("RX-40830", "atorvastatin", "twenty milligrams", 0),
        ],
    )  # fmt: skip
    yield _account(
        "patient", "271655", "Joan Keller", "97202", "active",
        prescriptions=[_rx("RX-51103", "levothyroxine", "fifty micrograms", 5)],
    )  # fmt: skip
    yield _account(
        "pet", "418820", "Dana Whitlock", "80302", "active", pet="Biscuit", species="dog",
        prescriptions=[
            _rx("VRX-2201", "heartworm tablets", "one a month", 4),
            _rx("VRX-2214", "carprofen", "seventy five milligrams", 0),
        ],
    )  # fmt: skip
    yield _account(
        "pet", "418437", "Luis Ortega", "80301", "active", pet="Pepper", species="cat",
        prescriptions=[_rx("VRX-3310", "methimazole", "five milligrams", 2)],
    )  # fmt: skip


def _account(kind: str, number: str, holder: str, zip_code: str, status: str, **details: Any) -> Account:
    return Account(
        kind=kind, number=number, holder=holder, zip_code=zip_code, status=status, details=details
    )


def _invoice(
    number: str, holder: str, zip_code: str, status: str, total: int, balance: int, due_on: str, what: str
) -> Account:
    return _account(
        "invoice", number, holder, zip_code, status,
        what=what, total_cents=total, balance_cents=balance, due_on=due_on,
    )  # fmt: skip


def _rx(rx: str, medicine: str, dose: str, refills_left: int) -> dict[str, Any]:
    return {"rx": rx, "medicine": medicine, "dose": dose, "refills_left": refills_left}
