"""The buffered rows of the journal: what the ports hand over, made into statements that may be repeated.

A batch whose commit was cut off is written again, so each kind is harmless twice: a journal entry and a tool run
stay as they first came, a transcript or usage entry gives way only to a higher revision.

A journal entry's event larger than 16 KiB is packed (`unpacked` makes it whole again), and where it is larger still
then, kept as its type and size only: a client may send 256 KiB of anything.
"""

from __future__ import annotations

import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.ports import JournalEntry, ToolExecution, TranscriptEntry, UsageEntry
from gateway.stores import schema
from gateway.stores.text import json_text

__all__ = ["MAX_EVENT", "Entry", "Row", "row", "unpacked", "write"]

MAX_EVENT = 16 * 1024
"""Bytes of a journal entry's event as JSON."""
MAX_TYPE = 100
PACKING = 1000
"""Bytes of what stands round a packed event: its names, its size and its type, whose characters may all be escaped."""
MAX_UNPACKED = 4 * MAX_EVENT
"""Bytes of the largest event that is packed: packing takes its time."""
NUMBER = 8
"""What a number, a truth value or null counts for."""
NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""Escaped in JSON, and not the end of an escaped backslash."""

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
    """One entry as it will be stored, with the tenant of its call. Made by `row`."""

    kind: type[Entry]
    key: Key
    revision: int
    values: tuple[object, ...]
    """In the order of the statement's parameters."""
    size: int
    """Bytes of its text, about."""


def row(tenant: str, entry: Entry) -> Row:
    """The entry as it will be stored, encoded now, once: what it holds may change afterwards. A journal entry that is
    too large is cut down. Raises TypeError, ValueError, RecursionError for what is no JSON."""
    if isinstance(entry, JournalEntry):
        text = _event(entry.event)
        told = (tenant, entry.call_id, entry.seq, entry.at_ms, entry.source, text)
        return Row(JournalEntry, (entry.call_id, entry.seq), 0, told, len(text))
    kind = type(entry)
    values = (tenant, *(_clean(value) for value in _FIELDS[kind](entry)))
    size = sum(len(value) for value in values if isinstance(value, str))
    revision = entry.revision if isinstance(entry, TranscriptEntry | UsageEntry) else 0
    return Row(kind, _key(entry), revision, values, size)


def _event(event: dict[str, Any]) -> str:
    """As JSON that both engines store: no NUL, no half of a surrogate pair, NaN as null."""
    try:
        data = orjson.dumps(event)
    except (TypeError, RecursionError):
        # It knows no long integers and no halves of pairs, and goes no deeper than 254 levels.
        size = _size(event)
        return json_text(event if size <= MAX_EVENT else _cut(event, size))
    if len(data) > MAX_EVENT:
        return json_text(_cut(event, len(data)) | _packed(data))
    text = data.decode()
    return NUL.sub("\\1\ufffd", text) if "\\u0000" in text else text


def _packed(data: bytes) -> dict[str, str]:
    if len(data) > MAX_UNPACKED:
        return {}
    packed = b64encode(zlib.compress(data, 1)).decode()
    return {"packed": packed} if len(packed) <= MAX_EVENT - PACKING else {}


def unpacked(event: dict[str, Any]) -> dict[str, Any]:
    """A journal entry's event as it was. Raises ValueError for what `row` has not packed."""
    packed = event.get("packed")
    if packed is None or "size" not in event:
        return event
    try:
        data = zlib.decompressobj().decompress(b64decode(packed, validate=True), MAX_UNPACKED)
        whole: dict[str, Any] = orjson.loads(data)
    except zlib.error as error:
        raise ValueError(f"a packed event is broken: {error}") from None
    return whole


def _cut(event: dict[str, Any], size: int) -> dict[str, Any]:
    kind = event.get("type")
    return {"type": kind[:MAX_TYPE] if isinstance(kind, str) else None, "size": size}


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
    kinds: dict[type[Entry], dict[Key, Row]] = {}
    for row in rows:
        same_kind = kinds.setdefault(row.kind, {})
        standing = same_kind.get(row.key)
        if standing is None or row.revision > standing.revision:
            same_kind[row.key] = row
    connection = await session.connection()
    for kind, standing_rows in kinds.items():
        # Past the ORM and the compiler: a call writes twenty rows a second.
        statement = _insert(kind, connection.dialect.name).text  # type: ignore[arg-type]  # classes are hashable
        await connection.exec_driver_sql(statement, [row.values for row in standing_rows.values()])


def _key(entry: TranscriptEntry | ToolExecution | UsageEntry) -> Key:
    match entry:
        case UsageEntry():
            return entry.call_id, entry.provider, entry.model
        case TranscriptEntry():
            return entry.call_id, entry.item_id
        case ToolExecution():
            return entry.call_id, entry.tool_call_id


def _clean(value: object) -> object:
    """Text that both engines store: no NUL, no half of a surrogate pair."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return value


class _Insert(NamedTuple):
    text: str
    """In the driver's own words."""
    columns: tuple[str, ...]
    """Its parameters, in order."""


@cache
def _insert(kind: type[Entry], dialect: str) -> _Insert:
    """Made when it is first needed, for the one dialect that is spoken here: the other is not even imported."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import asyncpg as driver
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import aiosqlite as driver  # type: ignore[no-redef]
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    table = _TABLES[kind]
    statement = insert(table)
    if kind not in (TranscriptEntry, UsageEntry):
        statement = statement.on_conflict_do_nothing()
    else:
        keys = [column.name for column in table.primary_key]
        newer = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=keys,
            set_={
                column.name: newer[column.name]
                for column in table.columns
                if column.name not in (*keys, "tenant")
            },
            where=newer.revision > table.c.revision,
        )
    compiled = statement.compile(dialect=driver.dialect())  # type: ignore[no-untyped-call]
    made = _Insert(str(compiled), tuple(compiled.positiontup or ()))
    # `row` gives the values in this order.
    assert made.columns == tuple(column.name for column in table.columns)
    return made


_FIELDS = {
    kind: attrgetter(*table.columns.keys()[1:])
    for kind, table in _TABLES.items()
    if kind is not JournalEntry
}
"""The values of an entry in the order of its columns, of which the tenant is the first."""

for _kind, _table in _TABLES.items():
    _first = (
        ("tenant",)
        if _kind is not JournalEntry
        else ("tenant", "call_id", "seq", "at_ms", "source", "event")
    )
    assert tuple(_table.columns.keys()[: len(_first)]) == _first
