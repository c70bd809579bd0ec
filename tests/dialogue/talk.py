"""A conversation without sound: the caller's words in, the mind's replies out, its tools run against records."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.records.accounts import in_dollars
from api.records.demo_accounts import accounts
from gateway.engine.mind import Reply, Request
from gateway.providers.embedded.dialogue import DialogueMind
from gateway.speech.ports import Heard
from personas.keys import pressed, telephone_notes
from personas.library import load as load_personas
from personas.persona import Persona
from personas.prompt import session_for
from tests.tools.controls import FakeControl
from tests.tools.through import through_door
from tools.contract import ToolContext, ToolError
from tools.library import load as load_tools

__all__ = ["NOW", "MemoryRecords", "Talk", "persona"]

NOW = datetime(2026, 11, 18, 10, 15, tzinfo=ZoneInfo("America/New_York"))
"""A Wednesday."""

PERSONAS = load_personas()
TOOLS = load_tools()


def persona(name: str) -> Persona:
    return PERSONAS[name]


class MemoryRecords:
    """Records at the port: weekdays 8 to 17, Saturdays 9 to 12; every third half hour is taken."""

    def __init__(self) -> None:
        self.booked: list[dict[str, Any]] = []
        self.claims: list[dict[str, Any]] = []
        self.disputes: list[dict[str, Any]] = []
        self.handovers: list[str] = []
        self.handoffs: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.accounts = {
            (account.kind, account.number, account.zip_code): account for account in accounts(NOW.date())
        }
        self.taken: set[datetime] = set()
        self.policies = {
            "481926": ("Jordan Ellis", "auto", "active"),
            "550172": ("Lee Park", "auto", "lapsed"),
        }

    def _day(self, day: date) -> list[datetime]:
        hours = (8, 17) if day.weekday() < 5 else (9, 12) if day.weekday() == 5 else (0, 0)
        halves = range(hours[0] * 2, hours[1] * 2)
        times = [datetime.combine(day, time(half // 2, half % 2 * 30)) for half in halves]
        free = [at for at in times if (at.hour * 2 + at.minute // 30) % 3 != 2 or at.time() == time(9, 30)]
        return [at for at in free if at not in self.taken and at > NOW.replace(tzinfo=None)]

    async def find_slots(
        self, *, service: str, on: date | None, limit: int, calendar: str = "main"
    ) -> list[dict[str, Any]]:
        days = [on] if on else [NOW.date() + timedelta(days=ahead) for ahead in range(60)]
        times = [at for day in days for at in self._day(day)][:limit]
        return [
            {
                "slot_id": at.isoformat(),
                "starts_at": at.isoformat(),
                "provider": "Dr. Rivera" if at.hour % 2 else "Dr. Chen",
            }
            for at in times
        ]

    async def book_appointment(self, **booking: Any) -> dict[str, Any]:
        if booking["starts_at"] in self.taken:
            raise ToolError("That time is no longer free.")
        self.taken.add(booking["starts_at"])
        self.booked.append(booking)
        return {
            "booking_id": "b1",
            "confirmation_code": "K7Q2",
            "service": booking["service"],
            "starts_at": booking["starts_at"].isoformat(),
            "provider": "Dr. Rivera",
        }

    async def find_policy(self, *, number: str) -> dict[str, Any]:
        if number not in self.policies:
            raise ToolError("There is no policy with that number.")
        holder, product, status = self.policies[number]
        return {
            "policy_number": number,
            "holder": holder,
            "product": product,
            "status": status,
            "deductible": 500,
        }

    async def open_claim(self, **claim: Any) -> dict[str, Any]:
        self.claims.append(claim)
        number = claim["policy_number"]
        return {"claim_id": "c1", "claim_number": "621884", "policy_number": number, "status": "open"}

    async def find_card(self, *, last4: str) -> dict[str, Any]:
        if last4 != "7305":
            raise ToolError("There is no card with these digits.")
        charges = [
            ("ch_1", "Blue Harbor Market", 42.17, "2026-11-14"),
            ("ch_2", "Streamline Video", 15.99, "2026-11-12"),
            ("ch_3", "Gaslight Electronics", 389.0, "2026-11-09"),
        ]
        listed = [
            {
                "charge_id": key,
                "merchant": merchant,
                "amount": amount,
                "currency": "USD",
                "posted_on": posted,
            }
            for key, merchant, amount, posted in charges
        ]
        blocked = any(each["subject"] == f"card:{last4}" for each in self.requests)
        return {
            "last4": last4,
            "product": "Everyday debit",
            "holder": "Alex Kim",
            "status": "blocked" if blocked else "active",
            "charges": listed,
        }

    async def open_dispute(self, **dispute: Any) -> dict[str, Any]:
        self.disputes.append(dispute)
        return {"dispute_id": "d1", "reference": "DX4471", "merchant": "Gaslight Electronics", "amount": 389.0,
                "currency": "USD", "status": "open"}  # fmt: skip

    async def find_account(self, *, kind: str, number: str, zip_code: str) -> dict[str, Any]:
        account = self.accounts.get((kind, number, zip_code))
        if account is None:
            raise ToolError("There is no such number with that ZIP code.")
        details = in_dollars(account.details)
        return {"number": number, "holder": account.holder, "status": account.status, **details}

    async def file_request(self, **request: Any) -> dict[str, Any]:
        request.setdefault("subject", None)
        if request["subject"] is not None and request["subject"] in [r["subject"] for r in self.requests]:
            raise ToolError("That was asked for already, under the reference RQ-AB1234.")
        self.requests.append(request)
        return {"request_id": "r1", "reference": "RQ-KT4728", "status": "open"}

    async def request_handover(
        self, *, key: str, department: str, reason: str, session_id: str
    ) -> dict[str, Any]:
        self.handovers.append(department)
        return {"handover_id": "h1", "department": department, "position": 1}

    async def pass_on(self, **handoff: Any) -> dict[str, Any]:
        self.handoffs.append(handoff)
        return {"handoff_id": "o1", "agent": handoff["to_agent"]}


@dataclass
class Talk:
    """One conversation with a persona."""

    who: Persona
    records: MemoryRecords = field(default_factory=MemoryRecords)
    control: FakeControl = field(default_factory=FakeControl)
    items: list[dict[str, Any]] = field(default_factory=list)
    heard: dict[str, Heard] = field(default_factory=dict)
    called: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tools: list[dict[str, Any]] | None = None
    show: Callable[[str], None] | None = None
    phone: bool = False
    """The caller has keys."""

    def request(self, **changes: Any) -> Request:
        session = session_for(self.who, [TOOLS[name] for name in self.who.tools])
        asked: dict[str, Any] = {
            "conversation": tuple(self.items),
            "instructions": session["instructions"]
            + (telephone_notes(self.who.keys) if self.phone else ""),
            "tools": tuple(session["tools"] if self.tools is None else self.tools),
            "tool_choice": "auto",
            "now": NOW,
            "persona": self.who,
            "heard": self.heard,
        }
        return Request(**{**asked, **changes})

    async def press(self, keys: str) -> str:
        """The caller types; everything said in answer."""
        content = [{"type": "input_text", "text": pressed(keys, self.who.keys.meaning)}]
        key = f"item_{len(self.items)}"
        self.items.append({"id": key, "type": "message", "role": "user", "content": content})
        return await self.answer()

    def hear(self, text: str, score: float = 0.9, source: Any = "script") -> None:
        """Add what the caller said without answering it."""
        key = f"item_{len(self.items)}"
        part = {"type": "input_audio", "transcript": text}
        self.items.append({"id": key, "type": "message", "role": "user", "content": [part]})
        self.heard[key] = Heard(text, score, source)

    async def say(self, text: str, **how: Any) -> str:
        """The caller says something; everything said in answer, tools included."""
        self.hear(text, **how)
        return await self.answer()

    async def answer(self) -> str:
        spoken: list[str] = []
        for _ in range(8):
            reply = DialogueMind().respond(self.request())
            assert reply.say or reply.tool_uses
            self.add(reply)
            if reply.say:
                spoken.append(reply.say)
            if not reply.tool_uses:
                break
            for use in reply.tool_uses:
                await self.run(use.name, use.arguments)
            if self.control.acts:
                break
        else:
            raise AssertionError("the mind does not stop calling tools")
        text = " ".join(spoken)
        if self.show is not None:
            self.show(text)
        return text

    def add(self, reply: Reply) -> None:
        if reply.say:
            content = [{"type": "output_audio", "transcript": reply.say}]
            key = f"item_{len(self.items)}"
            self.items.append({"id": key, "type": "message", "role": "assistant", "content": content})

    async def run(self, name: str, arguments: dict[str, Any]) -> None:
        call_id = f"call_{len(self.items)}"
        text = json.dumps(arguments)
        call = {"type": "function_call", "call_id": call_id, "name": name, "arguments": text}
        self.items.append({"id": f"item_{len(self.items)}", **call})
        context = ToolContext(
            "c",
            "s",
            "t",
            self.who.id,
            f"s:{call_id}",
            NOW,
            self.records,
            self.control,
            self.who.calendar,
        )
        outcome = await through_door(TOOLS[name], text, context)
        self.called.append((name, arguments))
        self.items.append({"type": "function_call_output", "call_id": call_id, "output": outcome.output})
