"""What the calls of a session used and cost, by the price tables of their time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from gateway.stores.engine import Database
from gateway.stores.schema import Call, Session, UsageRow

__all__ = ["Spent", "load", "total"]


@dataclass(frozen=True, slots=True)
class Spent:
    """All models of all calls together."""

    input_tokens: int
    """Cached ones included."""
    output_tokens: int
    usd: float | None
    """None: something was used that no price is known for."""


async def load(database: Database, session: Session) -> Spent:
    """Of all calls of the session, a live one as far as it is written down. Raises SQLAlchemyError."""
    calls = select(Call.id).where(Call.session_id == session.id)
    async with database.reading(session.tenant) as db:
        return total((await db.scalars(select(UsageRow).where(UsageRow.call_id.in_(calls)))).all())


def total(rows: Sequence[UsageRow]) -> Spent:
    """The sum; nothing used costs nothing."""
    known = [row.usd for row in rows if row.usd is not None]
    return Spent(
        sum(
            row.text_in + row.cached_text_in + row.audio_in + row.cached_audio_in + row.image_in
            + row.cached_image_in
            for row in rows
        ),
        sum(row.text_out + row.audio_out for row in rows),
        sum(known) if len(known) == len(rows) else None,
    )  # fmt: skip
