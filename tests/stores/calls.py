"""Calls to put into stores."""

from __future__ import annotations

import time
import uuid

from gateway.ports import CallRecord, JournalEntry, TranscriptEntry
from gateway.stores.engine import Database
from gateway.stores.schema import Session

__all__ = ["add_session", "call_in", "entry", "said"]


async def add_session(database: Database, tenant: str = "default-practice") -> str:
    """A session; its id."""
    now = time.time()
    session = Session(
        id=str(uuid.uuid4()),
        scenario="dental",
        scenario_title="Dental",
        persona_id="dental_reception",
        access_hash="0" * 64,
        created_at=now,
        expires_at=now + 3600,
    )
    async with database.writing(tenant) as db:
        db.add(session)
    return session.id


def call_in(
    session_id: str, tenant: str = "default-practice", started_at: float | None = None
) -> CallRecord:
    return CallRecord(
        call_id=f"rtc_{uuid.uuid4().hex}",
        session_id=session_id,
        tenant=tenant,
        persona_id="dental_reception",
        leg="webrtc",
        provider="embedded",
        started_at=time.time() if started_at is None else started_at,
    )


def entry(call: CallRecord, seq: int, **event: object) -> JournalEntry:
    return JournalEntry(call.call_id, seq, seq * 20, "leg", {"type": "test", **event})


def said(call: CallRecord, item: str, revision: int, text: str, **more: object) -> TranscriptEntry:
    values: dict[str, object] = {"role": "user", "start_ms": 100, **more}
    return TranscriptEntry(call.call_id, item, revision, text=text, **values)  # type: ignore[arg-type]  # by name
