"""What is kept: the data folder and the database."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from gateway.checks.finding import Finding, fault, ok, warning
from gateway.config import Settings
from gateway.errors import ConfigError
from gateway.stores.migrate import config_for
from gateway.stores.urls import database_url, parse_url

__all__ = ["check_database", "check_folder", "check_redis"]

REACH_S = 5.0
SKEW_S = 2.0


def check_redis(settings: Settings) -> list[Finding]:
    """A setting that changes nothing yet is told of."""
    if settings.redis_url is None:
        return []
    seen = "PARLEY_REDIS_URL is set, and nothing uses it yet: Parley runs as one process"
    return [warning("redis", seen, "leave it unset; do not expect several nodes to know of each other")]


def check_folder(settings: Settings) -> Finding:
    """Whether the data folder can be written, or made."""
    folder = settings.data_dir.absolute()
    if folder.exists() and not folder.is_dir():
        return fault("data folder", f"{folder} is not a folder", "set PARLEY_DATA_DIR to one")
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        mend = "make it writable for this user, or set PARLEY_DATA_DIR to one that is"
        return fault("data folder", f"{there} cannot be written ({error.strerror})", mend)
    return ok(
        "data folder", str(folder) if there == folder else f"{folder} will be made at the first start"
    )


async def check_database(settings: Settings) -> list[Finding]:
    """Whether the database answers, has the schema this version needs, and agrees about the time."""
    try:
        url = parse_url(database_url(settings))
    except ConfigError as error:
        return [fault("database", str(error), "correct PARLEY_DATABASE_URL")]
    sqlite = url.drivername.startswith("sqlite")
    if sqlite and not await asyncio.to_thread(Path(url.database or "").exists):
        return [ok("database", "SQLite; will be made at the first start")]
    name = url.get_backend_name()
    try:
        async with asyncio.timeout(REACH_S):
            revision, skew_s = await _ask(url)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        # The text of the error may hold the URL with its password.
        mend = "start the database, or correct PARLEY_DATABASE_URL"
        return [fault("database", f"{name} does not answer ({type(error).__name__})", mend)]
    found = [await asyncio.to_thread(_schema, name, revision)]
    if skew_s is not None and abs(skew_s) > SKEW_S:
        seen = f"the database's clock is {abs(skew_s):.0f} s {'ahead' if skew_s > 0 else 'behind'}"
        found.append(warning("clock", seen, "synchronise both machines with NTP"))
    return found


async def _ask(url: URL) -> tuple[str | None, float | None]:
    """The schema's revision, and how far ahead the server's clock is (None on SQLite: it has none)."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            revision = await connection.run_sync(_revision)
            if url.drivername.startswith("sqlite"):
                return revision, None
            before = time.time()
            theirs = await connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
            return revision, float(theirs) - (before + time.time()) / 2
    finally:
        await engine.dispose()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _schema(name: str, revision: str | None) -> Finding:
    script = ScriptDirectory.from_config(config_for())
    newest = script.get_current_head()
    if revision == newest:
        return ok("database", f"{name}, schema {revision}")
    known = {step.revision for step in script.walk_revisions()}
    if revision is None or revision in known:
        seen = f"{name}, schema {revision or 'not there yet'}, newest is {newest}"
        return warning("database", seen, "nothing to do: the next start brings it up to date")
    seen = f"{name}, schema {revision} is of a newer Parley"
    return fault("database", seen, "run that version, or restore a backup from before its first start")
