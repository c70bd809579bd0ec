from __future__ import annotations

from tests.databases import any_database, postgres, sqlite_url

__all__ = ["any_database", "postgres", "sqlite_url"]
