"""The record of one call: out of the database, or out of a file that was written from it.

A file has one JSON object a line: first the call (`{"call": …}`), then the rows of its journal in order
(`{"seq", "at_ms", "source", "event"}`), then its transcript (`{"item_id", …}`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import GatewayError, StoreError
from gateway.stores import schema
from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.rows import unpacked

__all__ = ["Recording", "Row", "Unreplayable", "parsed", "read_file", "read_store", "written"]

_HEARD = ("item_id", "role", "text", "start_ms", "end_ms", "heard_ms", "interrupted", "unheard", "final")


class Unreplayable(GatewayError):
    """The record does not hold what a replay needs. The text says what, and why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a journal (`gateway.ports.JournalEntry`)."""

    seq: int
    at_ms: int
    source: str
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    call_id: str
    leg: str
    rows: tuple[Row, ...]
    transcript: tuple[dict[str, Any], ...] = field(default=())


def read_file(path: Path) -> Recording:
    """Raises Unreplayable, OSError."""
    try:
        return parsed(path.read_text(encoding="utf-8").splitlines())
    except UnicodeDecodeError:
        raise Unreplayable(
            f"{path} is no file that --export wrote; of a call in a database give the id alone"
        ) from None


def parsed(lines: Iterable[str]) -> Recording:
    """From the lines of a file. Raises Unreplayable."""
    call: dict[str, Any] = {}
    rows: list[Row] = []
    heard: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            told = _object(line)
            if "call" in told:
                call = told
            elif "seq" in told:
                rows.append(_row(told))
            else:
                heard.append(told)
        except (ValueError, KeyError, TypeError, RecursionError) as fault:
            raise Unreplayable(f"line {number} is none of a journal: {fault}") from None
    if not rows:
        raise Unreplayable("there is no journal in it")
    return Recording(str(call.get("call", "")), str(call.get("leg", "")), tuple(rows), tuple(heard))


def _object(line: str) -> dict[str, Any]:
    """Raises ValueError, TypeError, RecursionError."""
    told = json.loads(line)
    if not isinstance(told, dict):
        raise TypeError("it is no object")
    return told


def _row(told: dict[str, Any]) -> Row:
    """Raises KeyError, TypeError, ValueError."""
    seq, at_ms, source, event = told["seq"], told["at_ms"], told["source"], told["event"]
    if not (type(seq) is type(at_ms) is int and isinstance(source, str) and isinstance(event, dict)):
        raise TypeError("its fields are others")
    return Row(seq, at_ms, source, unpacked(event))


def written(recording: Recording) -> str:
    """As a file."""
    lines: list[dict[str, Any]] = [{"call": recording.call_id, "leg": recording.leg}]
    lines += [
        {"seq": row.seq, "at_ms": row.at_ms, "source": row.source, "event": row.event}
        for row in recording.rows
    ]
    lines += recording.transcript
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)


async def read_store(url: str, name: str) -> Recording:
    """The call of this id, or the latest call of the session of this id. Raises Unreplayable, StoreError,
    ConfigError."""
    async with Database.open(url) as database:
        try:
            async with database.reading(EVERY_TENANT) as db:
                call = await db.get(schema.Call, name)
                if call is None:
                    query = select(schema.Call).where(schema.Call.session_id == name)
                    call = await db.scalar(query.order_by(schema.Call.started_at.desc()).limit(1))
                if call is None:
                    raise Unreplayable(f"the database {database.name} has no call and no session {name!r}")
                kept = schema.Journal
                rows = await db.scalars(select(kept).where(kept.call_id == call.id).order_by(kept.seq))
                said = schema.Transcript
                heard = await db.scalars(
                    select(said).where(said.call_id == call.id).order_by(said.start_ms)
                )
                return Recording(
                    call.id, call.leg,
                    tuple(Row(row.seq, row.at_ms, row.source, unpacked(row.event)) for row in rows),
                    tuple({name: getattr(line, name) for name in _HEARD} for line in heard),
                )  # fmt: skip
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(f"the database cannot be read: {type(error).__name__}") from error
