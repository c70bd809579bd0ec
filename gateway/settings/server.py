"""Where the server listens, and where it keeps things."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from gateway.settings.room import Room

__all__ = ["Server"]


class Server(Room):
    host: str = Field(
        "127.0.0.1",
        validation_alias="PARLEY_HOST",
        description="Address to listen on.",
    )
    port: int = Field(
        8080,
        ge=0,
        le=65535,
        validation_alias="PARLEY_PORT",
        description="Port to listen on; 0 takes a free one.",
    )
    workers: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = Field(
        1,
        validation_alias="PARLEY_WORKERS",
        description="Processes that carry calls; auto: one for each core.",
    )
    public_url: str | None = Field(
        None,
        validation_alias="PARLEY_PUBLIC_URL",
        description="How the world reaches this server, e.g. https://voice.example.com.",
    )
    data_dir: Path = Field(
        Path("data"),
        validation_alias="PARLEY_DATA_DIR",
        description="Folder of the SQLite database and the signing key.",
    )
    database_url: str | None = Field(
        None,
        validation_alias="PARLEY_DATABASE_URL",
        description="postgresql://… or sqlite:///…; by default SQLite in the data folder.",
    )
    redis_url: str | None = Field(
        None,
        validation_alias="PARLEY_REDIS_URL",
        description="redis://…; only needed for several nodes.",
    )

    build_id: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        validation_alias="PARLEY_BUILD_ID",
        description="What /api/build-info calls this build, such as a commit; by default the version.",
    )

    @field_validator("public_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/") if value else value

    @property
    def worker_count(self) -> int:
        """`workers`, reckoned: the cores that this process may use."""
        return len(os.sched_getaffinity(0)) if self.workers == "auto" else self.workers

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
