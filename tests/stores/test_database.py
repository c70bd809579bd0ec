"""Migrations, tenants, and what is left when a database is closed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, delete, insert, select, text, update

from gateway.config import Settings
from gateway.errors import ConfigError, StoreError
from gateway.stores import business, schema
from gateway.stores.engine import EVERY_TENANT, Database, ScopeError
from gateway.stores.sql import SqlStore
from gateway.stores.urls import database_url, parse_url
from tests.stores.calls import add_session

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]


# ── migrations ────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_migrations_make_exactly_the_schema(any_database: str) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, schema.Base.metadata))

    async with Database.open(any_database) as database, database._writer.connect() as connection:
        assert await connection.run_sync(differences) == []


def test_down_and_up_again_by_alembics_own_command(any_database: str) -> None:
    def alembic(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "-c", "gateway/stores/migrations/alembic.ini", *arguments],
            cwd=ROOT,
            env={**os.environ, "PARLEY_DATABASE_URL": any_database},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    if any_database.startswith("sqlite"):
        Path(parse_url(any_database).database or "").parent.mkdir()
    for command in ("upgrade", "head"), ("downgrade", "base"), ("upgrade", "head"):
        alembic(*command)
    head = alembic("heads").strip()
    assert head.endswith("(head)")
    assert head in alembic("current")


async def test_two_starts_at_once_migrate_one_after_the_other(any_database: str) -> None:
    async def start() -> None:
        async with SqlStore.open(any_database):
            pass

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(start())


def test_every_table_but_those_of_all_tenants_has_one() -> None:
    assert business.Slot.__table__ is not None
    assert [
        name for name, table in schema.Base.metadata.tables.items() if "tenant" not in table.columns
    ] == ["boots", "tool_rules"]


# ── tenants ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_no_statement_crosses_to_another_tenant(any_database: str) -> None:
    async with Database.open(any_database) as database:
        theirs = await add_session(database, "them")
        async with database.reading("us") as db:
            assert await db.get(schema.Session, theirs) is None
            assert (await db.scalars(select(schema.Session))).all() == []
            assert (await db.execute(select(schema.Session.id, schema.Session.tenant))).all() == []
            other = select(schema.Session).where(
                (schema.Session.tenant == "them") | (schema.Session.id == theirs)
            )
            assert (await db.scalars(other)).all() == []
            inner = select(schema.Session.id).where(schema.Session.tenant == "them").exists()
            assert (await db.scalars(select(schema.Session).where(inner))).all() == []
        async with database.writing("us") as db:
            await db.execute(update(schema.Session).values(scenario="taken"))
            await db.execute(delete(schema.Session))
        async with database.reading("them") as db:
            assert (await db.get_one(schema.Session, theirs)).scenario == "dental"


async def test_nothing_is_written_into_another_tenant(any_database: str) -> None:
    def policy(tenant: str) -> business.Policy:
        return business.Policy(
            tenant=tenant, number="1", holder="x", product="auto", status="active", deductible_cents=1
        )

    async with Database.open(any_database) as database:
        with pytest.raises(ScopeError):
            async with database.writing("us") as db:
                db.add(policy("them"))
        async with database.writing("us") as db:
            db.add(policy("us"))
        with pytest.raises(ScopeError):
            async with database.writing("us") as db:
                (await db.get_one(business.Policy, ("us", "1"))).tenant = "them"
        async with database.reading(EVERY_TENANT) as db:
            assert (await db.scalars(select(business.Policy.tenant))).all() == ["us"]


async def test_what_cannot_be_scoped_is_refused(sqlite_url: str) -> None:
    async with Database.open(sqlite_url) as database:
        async with database.reading("us") as db:
            with pytest.raises(ScopeError):
                await db.execute(text("SELECT * FROM sessions"))
        async with database.writing("us") as db:
            with pytest.raises(ScopeError):
                await db.execute(insert(schema.Boot).values(id="x"))
            with pytest.raises(ScopeError):
                await db.execute(select(schema.Base.metadata.tables["sessions"]))
        with pytest.raises(ScopeError):
            async with database.reading(""):
                pass


# ── opening and closing ───────────────────────────────────────────────────────────────────────────────────


async def test_a_closed_store_leaves_no_thread_and_no_file(any_database: str) -> None:
    async def use() -> None:
        async with SqlStore.open(any_database) as store:
            await add_session(store.database)

    await use()
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        await use()
    async with asyncio.timeout(30):  # a thread is over a moment after its connection is closed
        # The loop's own pool may have grown by one.
        while threading.active_count() > threads + 1 or len(os.listdir("/proc/self/fd")) > files:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def test_sqlite_runs_durable_and_apart(sqlite_url: str) -> None:
    async with Database.open(sqlite_url) as database:
        for session in (database.reading(EVERY_TENANT), database.writing(EVERY_TENANT)):
            async with session as db:
                assert await db.scalar(text("PRAGMA journal_mode")) == "wal"
                assert await db.scalar(text("PRAGMA synchronous")) == 2
                assert await db.scalar(text("PRAGMA foreign_keys")) == 1
        file = Path(parse_url(sqlite_url).database or "")
        assert file.parent.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}


async def test_a_reader_does_not_wait_for_a_writer(sqlite_url: str) -> None:
    async with Database.open(sqlite_url) as database:
        theirs = await add_session(database)
        async with database.writing("default-practice") as writer:
            (await writer.get_one(schema.Session, theirs)).scenario = "changed"
            await writer.flush()
            async with asyncio.timeout(2), database.reading("default-practice") as reader:
                assert (await reader.get_one(schema.Session, theirs)).scenario == "dental"


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"parley\.db"):
        async with Database.open(f"sqlite:///{tmp_path}/file/parley.db"):
            pass
    with pytest.raises(StoreError) as caught:
        async with Database.open("postgresql://someone:hunter2@127.0.0.1:9/none"):
            pass
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("sqlite:////tmp/a.db", "sqlite+aiosqlite:////tmp/a.db"),
        ("postgres://u:p@h/db", "postgresql+asyncpg://u:p@h/db"),
        ("postgresql://u@h:1/db?sslmode=require", "postgresql+asyncpg://u@h:1/db?ssl=require"),
    ],
)
def test_urls_as_people_write_them(url: str, meant: str) -> None:
    assert parse_url(url).render_as_string(hide_password=False) == meant


@pytest.mark.parametrize("url", ["mysql://h/db", "sqlite://", "sqlite:///:memory:", "no url"])
def test_urls_that_cannot_be_meant(url: str) -> None:
    with pytest.raises(ConfigError):
        parse_url(url)


def test_the_default_is_a_file_in_the_data_folder(tmp_path: Path) -> None:
    assert database_url(Settings(data_dir=tmp_path)) == f"sqlite:///{tmp_path}/parley.db"
