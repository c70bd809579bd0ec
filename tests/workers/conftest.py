from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import any_database, fresh_database, postgres, sqlite_url
from tests.workers.carriers import SETTINGS
from tests.workers.crew import Crewed, crewed

__all__ = ["any_database", "postgres", "sqlite_url", "two"]


@pytest.fixture(scope="package")
def two(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[Crewed]:
    """The one server of these tests, on PostgreSQL; the last of them kills a worker, and stops it."""
    folder = tmp_path_factory.mktemp("two")
    with crewed(
        folder, PARLEY_DRAIN_S="300", PARLEY_DATABASE_URL=fresh_database(postgres), **SETTINGS
    ) as server:
        yield server
