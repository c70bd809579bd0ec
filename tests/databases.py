"""Databases for tests: a SQLite file always, and a real PostgreSQL server on a private folder.

A missing server fails the tests that need it; it does not skip them.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import glob
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.stores.migrate import upgrade
from gateway.stores.urls import parse_url

__all__ = ["any_database", "bring_up_to_date", "fresh_database", "postgres", "sqlite_url"]

_OPTIONS = "-c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60 -c shared_buffers=16MB"


def _binary(name: str) -> str:
    found = shutil.which(name) or next(
        iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None
    )
    assert found is not None, f"{name} is missing: install PostgreSQL (Debian: apt-get install postgresql)"
    return found


def _run(*command: str) -> None:
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    done = subprocess.run(
        command,
        user=user,
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")


@contextlib.contextmanager
def _server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="parley-postgres-", ignore_cleanup_errors=True) as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        data = str(Path(folder, "data"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        _run(_binary("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"{_OPTIONS} -c port={port} -c unix_socket_directories={folder}"
        _run(_binary("pg_ctl"), "-D", data, "-l", str(Path(folder, "log")), "-o", options, "-w", "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}"
        finally:
            _run(_binary("pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a running server, without a database."""
    with _server() as url:
        yield url


def fresh_database(server: str) -> str:
    """The URL of a new, empty database on the server."""
    name = f"test_{uuid.uuid4().hex}"
    host, _, port = server.rpartition("@")[2].partition(":")
    _run(_binary("createdb"), "-h", host, "-p", port, "-U", "postgres", name)
    return f"{server}/{name}"


@functools.cache
def _up_to_date() -> bytes:
    """A SQLite file with the newest schema and nothing in it."""
    with tempfile.TemporaryDirectory(prefix="parley-schema-") as folder:
        file = Path(folder, "parley.db")
        with ThreadPoolExecutor(1) as pool:  # this thread may have a running loop
            pool.submit(lambda: asyncio.run(upgrade(parse_url(f"sqlite:///{file}")))).result()
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA journal_mode=DELETE")
        return file.read_bytes()


def bring_up_to_date(file: Path) -> None:
    """Put a database with the newest schema there, unless there is one: a server that finds it need not make it, for
    which it would load alembic first."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_bytes(_up_to_date())
        file.chmod(0o600)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/parley.db"


@pytest.fixture(params=["sqlite", "postgres"])
def any_database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: once SQLite, once PostgreSQL."""
    if request.param == "sqlite":
        url: str = request.getfixturevalue("sqlite_url")
        return url
    return fresh_database(request.getfixturevalue("postgres"))
