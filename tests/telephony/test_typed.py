"""A whole call in which the number that matters is typed: strict Twilio, running server, embedded engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.twilio_stream import TwilioStream
from tests.e2e.server import Server, running, settles
from tests.telephony.record import _ask

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("typed"), PARLEY_TELEPHONY_OPEN="1") as server:
        yield server


def said(server: Server, role: str, words: str) -> bool:
    return any(
        words in text
        for (text,) in _ask(server, "SELECT text || unheard FROM transcript WHERE role = ?", role)
    )


async def until(server: Server, role: str, words: str, within_s: float = 20) -> None:
    assert await asyncio.to_thread(settles, lambda: said(server, role, words), within_s), words


@pytest.mark.parametrize(
    ("who", "opening", "asked", "keys", "tool", "answer"),
    [
        ("bank_dispute", "bank_01_dispute", "last four digits", "7305", "find_card", "Everyday debit"),
        ("insurance_claim", "insurance_01_report", "policy number", "481926", "look_up_policy", "Jordan Ellis"),
    ],
)  # fmt: skip
async def test_a_number_is_typed(
    server: Server, who: str, opening: str, asked: str, keys: str, tool: str, answer: str
) -> None:
    place = f"ws://{urlsplit(server.url).netloc}/telephony/twilio/stream"
    async with dialling(TwilioStream(parameters={"persona": who}), place) as call:
        await call.quiet(1000)
        await call.say(opening)
        await until(server, "assistant", asked)
        await call.quiet(300)
        began = call.now_ms
        await call.press(keys)
        await until(server, "user", f"The caller pressed {' '.join(keys)}")
        await until(server, "assistant", answer)
        assert call.now_ms - began < 12_000
        assert call.faults == []
    (runs,) = _ask(server, "SELECT arguments, ok FROM tool_executions WHERE name = ?", tool)
    assert keys in runs[0]
    assert runs[1] == 1  # type: ignore[comparison-overlap]  # SQLite's truth


def test_nothing_of_it_is_logged(server: Server) -> None:
    for keys in ("7305", "481926"):
        assert keys not in Path(server.log).read_text()
