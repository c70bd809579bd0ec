"""The database: connections, transactions, and the one place where a tenant's rows are told from another's.

SQLite runs in WAL mode with one writer connection (`BEGIN IMMEDIATE`, so two writers queue instead of failing
half-way) and a few readers, each on its own thread. PostgreSQL has one pool. Writes are durable when their
block is left (`synchronous=FULL`). Whoever is cancelled in such a block leaves it when the statement that runs is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria

from gateway.errors import StoreError
from gateway.stores.migrate import upgrade
from gateway.stores.schema import TenantRow
from gateway.stores.text import json_text
from gateway.stores.unbroken import UnbrokenSession, watch
from gateway.stores.urls import parse_url

__all__ = ["EVERY_TENANT", "Database", "ScopeError"]

_BUSY_S = 5.0
"""How long a writer waits for another process's transaction."""
_POOL_WAIT_S = 10.0
_READERS = 4
_CACHE_KIB = 256
"""Pages that each SQLite connection keeps. SQLite's default is 2 MB, which it reaches at 5 kB a call; it is no faster,
since what is not here is in the system's cache."""


class _Every(Enum):
    TENANT = "every tenant"


EVERY_TENANT: Final = _Every.TENANT
"""The scope of the system itself: the journal's writer, crash recovery, finding a session by its id."""

Scope = str | Literal[_Every.TENANT]


class ScopeError(SQLAlchemyError):
    """Our bug: a statement that the tenant's scope cannot be applied to, or a row of another tenant."""


class _ScopedSession(Session):
    """A session that sees, changes and adds rows of `info["tenant"]` only."""


@event.listens_for(_ScopedSession, "do_orm_execute")
def _scope_statement(state: ORMExecuteState) -> None:
    if not state.is_orm_statement:
        raise ScopeError("a tenant's session runs ORM statements only: nothing scopes raw SQL")
    if state.is_insert:
        raise ScopeError(
            "a tenant's session adds objects, it does not run INSERT: nothing would check the tenant"
        )
    tenant = state.session.info["tenant"]
    state.statement = state.statement.options(
        with_loader_criteria(TenantRow, lambda row: row.tenant == tenant, include_aliases=True)
    )


@event.listens_for(_ScopedSession, "before_flush")
def _scope_rows(session: Session, _context: UOWTransaction, _instances: object) -> None:
    tenant = session.info["tenant"]
    for row in session.new:
        if isinstance(row, TenantRow) and row.tenant is None:
            row.tenant = tenant
    for row in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(row, TenantRow) or row.tenant != tenant:
            raise ScopeError(f"a row of {type(row).__name__} is not of this session's tenant")


class Database:
    """Open connections to one database. Made by `Database.open`."""

    def __init__(self, url: URL, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.url = url
        self._writer = writer
        self._reader = reader

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Database]:
        """Bring the schema up to date, connect, and close everything at the end.

        Raises ConfigError for a URL that cannot be meant, StoreError when the database cannot be reached.
        """
        parsed = parse_url(url)
        try:
            if parsed.drivername.startswith("sqlite") and parsed.database:
                await asyncio.to_thread(_make_file, parsed.database)
            await upgrade(parsed)
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(
                f"the database {_shown(parsed)} cannot be used: {type(error).__name__}"
            ) from error
        writer, reader = _engines(parsed)
        for engine in {writer, reader}:
            watch(engine)
        try:
            try:
                if reader is not writer:
                    await _connect(writer, 1)
                    await _connect(reader, _READERS)
            except (SQLAlchemyError, OSError) as error:
                raise StoreError(
                    f"the database {_shown(parsed)} cannot be used: {type(error).__name__}"
                ) from error
            yield cls(parsed, writer, reader)
        finally:
            await writer.dispose()
            if reader is not writer:
                await reader.dispose()

    @property
    def name(self) -> str:
        """For the start-up line: engine and place, without the password."""
        return _shown(self.url)

    @contextlib.asynccontextmanager
    async def reading(self, scope: Scope) -> AsyncIterator[AsyncSession]:
        """A session for reads of `scope`'s rows. Raises SQLAlchemyError."""
        async with self._session(self._reader, scope) as session:
            yield session

    @contextlib.asynccontextmanager
    async def writing(self, scope: Scope) -> AsyncIterator[AsyncSession]:
        """One transaction over `scope`'s rows: committed when the block is left, rolled back when it raises.
        On SQLite the whole process has one at a time; keep it short. Raises SQLAlchemyError."""
        async with self._session(self._writer, scope) as session:
            yield session
            await session.commit()

    def _session(self, engine: AsyncEngine, scope: Scope) -> AsyncSession:
        if scope is EVERY_TENANT:
            return UnbrokenSession(engine, expire_on_commit=False)
        if not scope:
            raise ScopeError("a tenant is needed, or EVERY_TENANT")
        return UnbrokenSession(
            engine, sync_session_class=_ScopedSession, info={"tenant": scope}, expire_on_commit=False
        )


def _engines(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    if not url.drivername.startswith("sqlite"):
        engine = create_async_engine(
            url,
            json_serializer=json_text,
            pool_size=5,
            max_overflow=5,
            pool_timeout=_POOL_WAIT_S,
            pool_pre_ping=True,
        )
        return engine, engine
    return _sqlite(url, "BEGIN IMMEDIATE", 1), _sqlite(url, "BEGIN", _READERS)


def _sqlite(url: URL, begin: str, connections: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        json_serializer=json_text,
        hide_parameters=True,  # what callers said must not reach a log through an error's text
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_S,
        # The driver must not begin transactions by its own rules: it would begin a read, then fail to write.
        connect_args={"isolation_level": None, "timeout": _BUSY_S},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"cache_size=-{_CACHE_KIB}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


async def _connect(engine: AsyncEngine, connections: int) -> None:
    """Fill the pool now: a connection is a thread and two files, which are not to appear some calls later."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(connections):
            _ = await stack.enter_async_context(engine.connect())


def _make_file(database: str) -> None:
    """The file and its folder, for this user only: it will hold what callers said. SQLite gives the files beside
    it the same mode."""
    path = Path(database).absolute()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _shown(url: URL) -> str:
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
