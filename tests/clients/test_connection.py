"""How a WebRTC connection ends."""

from __future__ import annotations

import asyncio

import pytest

from gateway.clients import connection as module
from gateway.clients.connection import Connection, LegSettings, Watch

pytestmark = pytest.mark.unit


def ignored(*_: object) -> None:
    pass


async def test_a_close_that_is_late_goes_on_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_S", 0.0)
    connection = Connection(LegSettings(), Watch(ignored, ignored, ignored, ignored, ignored, ignored))
    closes, goes_on, closed = connection._pc.close, asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        await goes_on.wait()
        await closes()
        closed.set()

    monkeypatch.setattr(connection._pc, "close", slow)
    await connection.release()
    assert not closed.is_set()
    goes_on.set()
    async with asyncio.timeout(30):
        await closed.wait()
    assert connection._pc.signalingState == "closed"


async def test_a_close_that_fails_keeps_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connection = Connection(LegSettings(), Watch(ignored, ignored, ignored, ignored, ignored, ignored))

    async def broken() -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(connection._pc, "close", broken)
    await connection.release()
    assert "closing the connection failed: RuntimeError" in caplog.text
    assert "secret" not in caplog.text
