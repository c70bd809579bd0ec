"""The process that is soaked, and what it holds."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

__all__ = ["KEY", "SETUP_S", "Held", "Server", "served"]

KEY = "sk-soak"
SETUP_S = 3
START_S = 120.0
READY = re.compile(r"parley listening on (http://\S+)")


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds: of each thing by its name how many there are."""

    threads: dict[str, int]
    descriptors: dict[str, int]
    """Files by their path, the others by their kind."""
    sockets: dict[str, int]
    children: dict[str, int]
    tasks: dict[str, int]

    def beyond(self, before: Held) -> list[str]:
        """Of what there is another number than before."""
        return [
            f"{kind.name} {name}: {then.get(name, 0)} before, {now.get(name, 0)} after"
            for kind in fields(self)
            for now, then in [(getattr(self, kind.name), getattr(before, kind.name))]
            for name in sorted({*now, *then})
            if now.get(name, 0) != then.get(name, 0)
        ]

    def __str__(self) -> str:
        return "; ".join(f"{field.name}: {getattr(self, field.name)}" for field in fields(self))


def _held(process: psutil.Process, tasks: dict[str, int]) -> Held:
    here = Path(f"/proc/{process.pid}")
    threads, descriptors = Counter[str](), Counter[str]()
    # What is gone when its name is asked for was not left behind.
    for thread in (here / "task").iterdir():
        with suppress(OSError):
            threads[(thread / "comm").read_text(encoding="utf-8").strip()] += 1
    for descriptor in (here / "fd").iterdir():
        with suppress(OSError):
            descriptors[re.sub(r":\[\d+\]$", "", str(descriptor.readlink()))] += 1
    sockets = Counter(
        f"{one.family.name} {one.type.name} {one.status}" for one in process.net_connections("all")
    )
    children = Counter(_command(child) for child in process.children(recursive=True))
    return Held(dict(threads), dict(descriptors), dict(sockets), dict(children), tasks)


def _command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline()[1:])
    return "gone"


@dataclass(slots=True)
class Server:
    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def memory_kb(self) -> float:
        """Memory of the serving process alone, in KB, without the files (libraries, mostly) that it maps: of those the
        system keeps in memory what it likes, and megabytes come and go."""
        info = psutil.Process(self.process.pid).memory_info()
        return (info.rss - info.shared) / 1024

    async def held(self) -> Held:
        """What the process holds now, after a collection of its garbage."""
        told = len(self._told())
        self.process.send_signal(signal.SIGUSR1)
        async with asyncio.timeout(30):
            while len(lines := self._told()) <= told:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        return _held(psutil.Process(self.process.pid), json.loads(lines[-1]))

    def _told(self) -> list[str]:
        """What it said of its tasks; a line that is not whole yet does not count."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return re.findall(r"^soak (\{.*\})$", text, re.MULTILINE)

    def endings(self) -> tuple[Counter[str], int]:
        """How the calls in the journal ended, and how many of them have not exactly one ending."""
        [path] = (self.log.parent / "data").glob("*.db")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            calls = db.execute("SELECT id, side, reason FROM calls").fetchall()
            told: Counter[str] = Counter(
                call
                for (call,) in db.execute(
                    'SELECT call_id FROM journal WHERE event LIKE \'{"type":"Ended"%\''
                )
            )
        wrong = sum(side is None or told[call] != 1 for call, side, _ in calls)
        return Counter(f"{side}/{reason}" for _, side, reason in calls), wrong


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Server]:
    """A Parley of its own, stopped by SIGTERM."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
    environment = {name: os.environ[name] for name in kept if name in os.environ} | {
        "PARLEY_DATA_DIR": str(folder / "data"),
        "PARLEY_ICE_ADDRESSES": "127.0.0.1",
        "PARLEY_API_KEYS": KEY,
        "PARLEY_TELEPHONY_OPEN": "1",
        "PARLEY_SETUP_S": str(SETUP_S),
        "PARLEY_DRAIN_S": "1",
        "PARLEY_MAX_CALLS": "200",
        # What is left behind is asked here, and not whether a busy machine takes another call.
        "PARLEY_MAX_LAG_MS": "10000",
        "PYTHONUNBUFFERED": "1",
    }
    log = folder / "server.log"
    process = await asyncio.to_thread(_started, environment, log)
    try:
        async with asyncio.timeout(START_S):
            while (ready := READY.search(log.read_text(encoding="utf-8"))) is None:
                if process.poll() is not None:
                    raise RuntimeError(f"it did not start:\n{log.read_text(encoding='utf-8')[-3000:]}")
                await asyncio.sleep(0.1)
        yield Server(ready[1], process, log)
        process.terminate()
        code = await asyncio.to_thread(process.wait, 20)
        if code != 0:
            raise RuntimeError(f"it stopped with {code}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(5)


def _started(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.soak.serve"],
            cwd=Path(__file__).parents[2], env=environment, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
