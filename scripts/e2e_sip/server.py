"""Parley itself, as its users start it, and what it tells of a call."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

__all__ = ["BASE", "Parley", "running"]

HOST, PORT = "127.0.0.1", 8080
BASE = f"http://{HOST}:{PORT}"
START_S = 60.0


class Parley:
    """A running server with a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def session_of(self, nth: int) -> str:
        """The session of the nth phone call, from 0. REST lists no sessions: who calls in gets no key of them."""
        [database] = (self._folder / "data").glob("*.db")
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT session_id FROM phone_calls ORDER BY created_at").fetchall()
        return str(rows[nth][0])

    def told(self, session_id: str) -> dict[str, Any]:
        """`GET /api/realtime/sessions/{id}`."""
        with urllib.request.urlopen(f"{BASE}/api/realtime/sessions/{session_id}", timeout=10) as answer:
            value: dict[str, Any] = json.load(answer)
        return value

    def ending(self, session_id: str, within_s: float = 15.0) -> str:
        """How its last call ended, as `caller/hung-up`. Raises TimeoutError."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            [*_, call] = self.told(session_id)["session"]["metadata"]["calls"]
            if "ending" in call:
                return f"{call['ending']['side']}/{call['ending']['reason']}"
            time.sleep(0.1)
        raise TimeoutError("the call has not ended")

    def said(self, session_id: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Who said what, and what is known of it."""
        return [
            (one["speaker"], one["text"], one["metadata"]) for one in self.told(session_id)["transcript"]
        ]


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Parley]:
    """With the embedded engine and one line, and these settings. Raises RuntimeError when it does not start."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {
        **kept,
        "PARLEY_HOST": HOST,
        "PARLEY_PORT": str(PORT),
        "PARLEY_DATA_DIR": str(folder / "data"),
        "PARLEY_PROVIDERS": "embedded",
        "PARLEY_MAX_CALLS": "1",
        **settings,
    }
    log = folder / "parley.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve"], env=environment, stdout=output, stderr=output
        ) as process,
    ):
        try:
            deadline = time.monotonic() + START_S
            while "parley listening" not in log.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Parley did not start; see {log}")
                time.sleep(0.1)
            yield Parley(folder)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
