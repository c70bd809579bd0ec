"""Bring a database to the newest schema, in-process: nobody has to run a command first."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["config_for", "newest", "upgrade"]

MIGRATIONS = Path(__file__).parent / "migrations"
_BUILDS_UPON = re.compile(r"^down_revision = (?:\"(\w+)\"|None)", re.MULTILINE)
_ADVISORY_LOCK = 7_205_379_531
"""Any fixed number: two starts at once migrate one after the other."""


def config_for(connection: Connection | None = None) -> Config:
    """alembic's configuration; with a connection, migrations run on it and in its transaction."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """The revision that this version of Parley wants: the one that no other builds upon. Reads the disk."""
    files = sorted((MIGRATIONS / "versions").glob("[0-9]*_*.py"))
    built_upon = {_BUILDS_UPON.findall(file.read_text(encoding="utf-8"))[0] for file in files}
    return next(name for file in reversed(files) if (name := file.name.partition("_")[0]) not in built_upon)


async def upgrade(url: URL, revision: str = "head") -> None:
    """Upgrade to `revision` in one transaction. Raises SQLAlchemyError or OSError, and changes nothing then.

    alembic reads files and knows only blocking calls, so it gets a thread and a loop of its own.
    """
    await asyncio.to_thread(lambda: asyncio.run(_upgrade(url, revision)))


async def _upgrade(url: URL, revision: str) -> None:
    sqlite = url.drivername.startswith("sqlite")
    # isolation_level None: SQLite's driver would commit before every CREATE TABLE.
    arguments = {"isolation_level": None, "timeout": 30.0} if sqlite else {}
    engine = create_async_engine(url, poolclass=NullPool, connect_args=arguments)
    if sqlite:

        @event.listens_for(engine.sync_engine, "connect")
        def prepare(connection: object, _record: object) -> None:
            cursor = connection.cursor()  # type: ignore[attr-defined]  # a DBAPI connection has no type
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        async with engine.begin() as connection:
            if not sqlite:
                await connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK}
                )
            await connection.run_sync(_run, revision)
    finally:
        await engine.dispose()


def _run(connection: Connection, revision: str) -> None:
    if revision == "head" and _revision(connection) == newest():
        return  # as nearly always; and importing alembic takes longer than all the rest of this
    from alembic import command

    command.upgrade(config_for(connection), revision)


def _revision(connection: Connection) -> str | None:
    """What the database says that it is."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
