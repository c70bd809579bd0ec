"""A server of this process for rehearsed calls: on a free port of this machine, with demo records of its own that are
gone afterwards, and a clock that begins when the script says."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from pydantic import SecretStr

from api.app import make_runner
from api.records.demo import seed
from gateway.config import Settings
from gateway.main import Gateway, Rehearsal, listening, open_gateway
from gateway.rehearsal.server import Server

__all__ = ["House", "clock_from", "open_house"]

CALLS = 200


@dataclass(frozen=True, slots=True)
class House:
    """A running server; each caller has a tenant, and so its own records."""

    gateway: Gateway
    servers: Mapping[str, Server]
    """By caller."""


def clock_from(moment: datetime) -> Callable[[], float]:
    """The time in Unix seconds, as if it were `moment` (aware) now."""
    ahead = moment.timestamp() - time.time()
    return lambda: time.time() + ahead


@asynccontextmanager
async def open_house(
    settings: Settings, callers: tuple[str, ...], now: datetime, *, speech: bool
) -> AsyncIterator[House]:
    """Serve these callers until the block is left. `now` is aware. Raises ConfigError, StoreError."""
    keys = {name: secrets.token_urlsafe(18) for name in callers}
    tenants = {name: f"caller-{number}" for number, name in enumerate(callers)}
    folder = await asyncio.to_thread(mkdtemp, prefix="parley-rehearsal-")
    try:
        own = settings.model_copy(
            update={
                "host": "127.0.0.1",
                "port": 0,
                "workers": 1,
                "public_url": None,
                "data_dir": Path(folder),
                "database_url": None,
                "redis_url": None,
                "signing_key": None,
                "api_key_for_realtime": None,
                "traces_url": None,
                "api_keys": tuple(SecretStr(f"{tenants[name]}:{key}") for name, key in keys.items()),
                "ice_addresses": ("127.0.0.1",),
                "max_calls": CALLS,
                # Its callers are few, and wait rather than be turned away by a machine that does much else.
                "max_lag_ms": 10_000.0,
                "drain_s": 0.0,
            }
        )
        clock = clock_from(now)
        async with open_gateway(own, rehearsal=Rehearsal(clock, speech=speech)) as gateway:
            for tenant in tenants.values():
                await seed(gateway.store.database, datetime.fromtimestamp(clock(), UTC), tenant)
            async with listening(make_runner(gateway.app), own) as url:
                servers = {name: Server(url, key) for name, key in keys.items()}
                yield House(gateway, servers)
    finally:
        await asyncio.to_thread(rmtree, folder, ignore_errors=True)
