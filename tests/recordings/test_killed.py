"""A server that is killed in the midst of a recorded call, and started again."""

from __future__ import annotations

import asyncio
import sqlite3
import urllib.request
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from media import g711
from media.wav import HEAD_BYTES, read_head
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.twilio_stream import TwilioStream
from tests.e2e.server import Server, running, settles

pytestmark = pytest.mark.integration


def found(folder: Path, query: str) -> list[tuple[str | int, ...]]:
    with closing(sqlite3.connect(f"file:{folder / 'data' / 'parley.db'}?mode=ro", uri=True)) as db:
        return db.execute(query).fetchall()


def start(stack: ExitStack, folder: Path) -> Server:
    settings = {"PARLEY_TELEPHONY_OPEN": "1", "PARLEY_RECORDING": "all", "PARLEY_API_KEYS": "k-1"}
    return stack.enter_context(running(folder, **settings))


async def test_what_was_said_until_then_can_be_heard(tmp_path: Path) -> None:
    first = ExitStack()
    server = await asyncio.to_thread(start, first, tmp_path)
    stream = TwilioStream(parameters={"persona": "bank_dispute"})
    place = f"ws://{urlsplit(server.url).netloc}/telephony/twilio/stream"
    async with dialling(stream, place) as call:
        await call.played(2000)
        await call.say("bank_01_dispute")
        await asyncio.sleep(1.5)
        server.process.kill()
        await call.over()
    with pytest.raises(AssertionError, match="stopped with -9"):
        await asyncio.to_thread(first.close)
    left = await asyncio.to_thread(lambda: list((tmp_path / "data" / "spool").iterdir()))
    assert [path.suffix for path in left] == [".part"]
    assert (await asyncio.to_thread(found, tmp_path, "SELECT * FROM recordings")) == []

    with ExitStack() as second:
        server = await asyncio.to_thread(start, second, tmp_path)
        query = "SELECT session_id, call_id, complete, encoding FROM recordings"
        assert await asyncio.to_thread(settles, lambda: found(tmp_path, query), 10)
        ((session_id, call_id, complete, encoding),) = await asyncio.to_thread(found, tmp_path, query)
        assert (complete, encoding) == (0, "mulaw")
        request = urllib.request.Request(
            f"{server.url}/api/sessions/{session_id}/recording", headers={"Authorization": "Bearer k-1"}
        )
        sound = await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=10).read())
        assert read_head(sound).law == "mu"
        both = np.frombuffer(g711.decode(sound[HEAD_BYTES:], "mu"), "<i2").astype(float)
        for channel in (both[0::2], both[1::2]):
            assert len(channel) > 8000 * 4
            assert np.sqrt(np.mean(channel**2)) > 100
        assert str(session_id) not in server.written()
        assert str(call_id) not in server.written()
        await asyncio.to_thread(second.pop_all().close)
