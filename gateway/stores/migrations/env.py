"""What alembic runs: on the connection it was given (`gateway.stores.migrate`), or, from its own command line, on
the database of the settings: `alembic -c gateway/stores/migrations/alembic.ini history`."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from gateway.config import from_env
from gateway.stores import accounts, business, executions, recordings, schema, telephone
from gateway.stores.urls import database_url, parse_url

__all__ = ["METADATA"]

METADATA = schema.Base.metadata
TABLES = (
    schema.Boot,
    business.Slot,
    accounts.Account,
    telephone.PhoneCall,
    recordings.Recording,
    executions.ExecutionRow,
)
"""Named so that all modules are known to the metadata."""


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


async def _connect() -> None:
    engine = create_async_engine(parse_url(database_url(from_env())), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if given is None:
    asyncio.run(_connect())
else:
    _migrate(given)
