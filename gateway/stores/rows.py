"""The buffered rows of the journal: what the ports hand over, made into statements that may be repeated.

A batch whose commit was cut off is written again, so each kind is harmless twice: a journal entry and a tool run
stay as they first came, a transcript or usage entry gives way only to a higher revision.

A journal entry's event larger than 16 KiB is kept as its type and size only: a client may send 256 KiB of anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.ports import JournalEntry, ToolExecution, TranscriptEntry, UsageEntry
from gateway.stores import schema

__all__ = ["MAX_EVENT", "Entry", "Row", "row", "write"]

MAX_EVENT = 16 * 1024
"""Bytes of a journal entry's event, about as long as its JSON."""
MAX_TYPE = 100
NUMBER = 8
"""What a number, a truth value or null counts for."""

Entry = JournalEntry | TranscriptEntry | ToolExecution | UsageEntry

Key = tuple[str | int, ...]

_TABLES: dict[type[Entry], Table] = {
    JournalEntry: schema.Base.metadata.tables["journal"],
    TranscriptEntry: schema.Base.metadata.tables["transcript"],
    ToolExecution: schema.Base.metadata.tables["tool_executions"],
    UsageEntry: schema.Base.metadata.tables["usage"],
}


@dataclass(frozen=True, slots=True)
class Row:
    """One entry, with the tenant of its call. Made by `row`."""

    tenant: str
    entry: Entry
    size: int
    """Bytes of its text, about."""


def row(tenant: str, entry: Entry) -> Row:
    """The entry as it will be stored: measured, and cut down when it is a journal entry that is too large."""
    if not isinstance(entry, JournalEntry):
        return Row(tenant, entry, sum(_size(value) for value in _texts(entry)))
    size = _size(entry.event)
    if size > MAX_EVENT:
        kind = entry.event.get("type")
        cut = {"type": kind[:MAX_TYPE] if isinstance(kind, str) else None, "size": size}
        entry, size = replace(entry, event=cut), _size(cut)
    return Row(tenant, entry, size)


def _texts(entry: TranscriptEntry | ToolExecution | UsageEntry) -> tuple[str, ...]:
    match entry:
        case UsageEntry():
            return entry.provider, entry.model
        case TranscriptEntry():
            return entry.text, entry.unheard
        case ToolExecution():
            return entry.arguments, entry.output


def _size(value: object) -> int:
    """About how many bytes the value's JSON has. Not recursive: what a client sent may be nested deeply."""
    size = 0
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                size += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
            case dict() as members:
                waiting += members
                waiting += members.values()
                size += 6 * len(members)  # quotes, colon, comma
            case list() | tuple() as members:
                waiting += members
                size += len(members)
            case _:
                size += NUMBER
    return size


async def write(session: AsyncSession, rows: Iterable[Row]) -> None:
    """Write the rows in the session's transaction. Raises SQLAlchemyError."""
    kinds: dict[type[Entry], dict[Key, dict[str, Any]]] = {}
    for row in rows:
        same_kind = kinds.setdefault(type(row.entry), {})
        key = _key(row.entry)
        standing = same_kind.get(key)
        if standing is not None and not (
            isinstance(row.entry, TranscriptEntry | UsageEntry)
            and row.entry.revision > standing["revision"]
        ):
            continue
        same_kind[key] = _values(row)
    for kind, values in kinds.items():
        await session.execute(_INSERTS[kind, session.get_bind().dialect.name], list(values.values()))


def _key(entry: Entry) -> Key:
    match entry:
        case UsageEntry():
            return entry.call_id, entry.provider, entry.model
        case JournalEntry():
            return entry.call_id, entry.seq
        case TranscriptEntry():
            return entry.call_id, entry.item_id
        case ToolExecution():
            return entry.call_id, entry.tool_call_id


def _values(row: Row) -> dict[str, Any]:
    if isinstance(row.entry, JournalEntry):
        entry = row.entry  # asdict would copy the event deeply
        values: dict[str, Any] = {
            "call_id": entry.call_id,
            "seq": entry.seq,
            "at_ms": entry.at_ms,
            "source": entry.source,
            "event": entry.event,
        }
    else:
        values = {name: _clean(value) for name, value in asdict(row.entry).items()}
    values["tenant"] = row.tenant
    return values


def _clean(value: object) -> object:
    """Text that both engines store: no NUL, no half of a surrogate pair."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return value


def _insert(kind: type[Entry], dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = _TABLES[kind]
    statement = insert(table)
    if kind not in (TranscriptEntry, UsageEntry):
        return statement.on_conflict_do_nothing()
    keys = [column.name for column in table.primary_key]
    newer = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=keys,
        set_={
            column.name: newer[column.name]
            for column in table.columns
            if column.name not in (*keys, "tenant")
        },
        where=newer.revision > table.c.revision,
    )


_INSERTS = {
    (kind, dialect): _insert(kind, dialect) for kind in _TABLES for dialect in ("sqlite", "postgresql")
}
"""Made once: each leaves cycles behind, and every call writes."""
