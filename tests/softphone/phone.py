"""`parley phone call` as its users run it: a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.server import INHERITED, Server

__all__ = ["Ran", "carrier_calls", "phone"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Of a run with `--json`."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        return self.events[-1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]


async def phone(
    *arguments: str, interrupt_at: str | None = None, settings: Mapping[str, str] | None = None
) -> Ran:
    """Runs it to its end, at most two minutes; `settings` are its environment. It gets a Ctrl-C once it
    has written `interrupt_at`."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | dict(
        settings or {}
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", "phone", *arguments),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(100):
            before = b""
            if interrupt_at is not None:
                assert process.stdout is not None
                while interrupt_at.encode() not in before:
                    before += await process.stdout.readline()
                process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ran(process.returncode or 0, (before + out).decode(), err.decode())


def carrier_calls(server: Server) -> list[str]:
    """The calls that the server knows, oldest first."""
    [path] = (server.log.parent / "data").glob("*.db")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return [row[0] for row in db.execute("SELECT carrier_call FROM phone_calls ORDER BY created_at")]
