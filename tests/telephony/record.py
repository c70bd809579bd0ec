"""What a running server has written down of carriers' calls."""

from __future__ import annotations

import asyncio
import sqlite3
from base64 import b64encode
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp

from tests.e2e.server import settles

__all__ = ["Recorded", "basic", "calls_of", "idle", "only_call", "sessions_of"]


def basic(user: str, password: str) -> str:
    """`Authorization` of RFC 7617."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


class Kept(Protocol):
    """Who keeps a database."""

    url: str
    log: Path
    """Beside it there is the data folder."""


@dataclass(frozen=True, slots=True)
class Recorded:
    session_id: str
    persona: str
    calls: int
    leg: str | None
    ending: str | None
    said: list[tuple[str, str]]
    events: list[tuple[str, str]]


def _ask(server: Kept, query: str, *values: str) -> list[tuple[str, ...]]:
    [path] = Path(server.log.parent, "data").glob("*.db")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return db.execute(query, values).fetchall()


def sessions_of(server: Kept, carrier_call: str) -> list[str]:
    query = "SELECT session_id FROM phone_calls WHERE carrier_call LIKE ?"
    return [row[0] for row in _ask(server, query, carrier_call)]


def calls_of(server: Kept, carrier_call: str) -> list[str]:
    query = "SELECT calls.id FROM calls JOIN phone_calls USING (session_id) WHERE carrier_call = ?"
    return [row[0] for row in _ask(server, query, carrier_call)]


def only_call(server: Kept, carrier_call: str) -> Recorded:
    """The carrier's call, once it is over."""
    [session_id] = sessions_of(server, carrier_call)
    query = "SELECT leg, side || '/' || reason, id FROM calls WHERE session_id = ? ORDER BY started_at"
    assert settles(lambda: all(row[1] for row in _ask(server, query, session_id)), 20)
    calls = _ask(server, query, session_id)
    [[persona]] = _ask(server, "SELECT persona_id FROM sessions WHERE id = ?", session_id)
    said = [
        (str(role), str(text))
        for call in calls
        for role, text in _ask(server, "SELECT role, text FROM transcript WHERE call_id = ?", call[2])
    ]
    events = "SELECT type, status FROM channel_events WHERE session_id = ? ORDER BY began, position, at"
    return Recorded(
        session_id,
        persona,
        len(calls),
        calls[-1][0] if calls else None,
        calls[-1][1] if calls else None,
        said,
        [(str(kind), str(status)) for kind, status in _ask(server, events, session_id)],
    )


async def idle(server: Kept) -> None:
    """Until no line is in use."""
    async with asyncio.timeout(10), aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{server.url}/readyz") as response:
                told = (await response.json())["details"]["admission"]["message"]
            if told.startswith("0 of"):
                return
            await asyncio.sleep(0.05)
