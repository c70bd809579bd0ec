"""What alembic runs: on the connection it was given (`gateway.stores.migrate`), or, from its own command line, on
the database of the settings: `alembic -c gateway/stores/migrations/alembic.ini history`."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from gateway import stores
from gateway.config import from_env
from gateway.stores import schema
from gateway.stores.urls import database_url, parse_url

__all__ = ["METADATA"]

# Every module beside this folder, so that all tables are known to the metadata.
for module in pkgutil.iter_modules(stores.__path__):
    if not module.ispkg:
        importlib.import_module(f"{stores.__name__}.{module.name}")
METADATA = schema.with_conditions(schema.Base.metadata)


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
