"""Where the database is: a setting as people write it, made into what the drivers take."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.config import Settings
from gateway.errors import ConfigError

__all__ = ["database_url", "parse_url"]

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}


def database_url(settings: Settings) -> str:
    """The URL of the settings, or the file `parley.db` in the data folder."""
    if settings.database_url:
        return settings.database_url
    return f"sqlite:///{settings.data_dir.absolute() / 'parley.db'}"


def parse_url(url: str) -> URL:
    """`sqlite:///file` or `postgresql://…`, with the async driver put in. Raises ConfigError.

    `sslmode=` of libpq is understood, since that is how PostgreSQL URLs are handed around.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError(
            ["PARLEY_DATABASE_URL is not a URL; write sqlite:///file or postgresql://…"]
        ) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise ConfigError(
            [f"PARLEY_DATABASE_URL names {parsed.drivername!r}; write sqlite:///file or postgresql://…"]
        )
    parsed = parsed.set(drivername=driver)
    if driver.startswith("sqlite"):
        if not parsed.database or parsed.database == ":memory:":
            raise ConfigError(["PARLEY_DATABASE_URL must name a file: a database in memory is not kept"])
    elif "sslmode" in parsed.query:
        mode = parsed.query["sslmode"]
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return parsed
