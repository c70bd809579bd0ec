"""`parley replay` of calls that a running Parley held, over every kind of wire."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from gateway.__main__ import main
from gateway.call.bargein import BargeIn
from gateway.call.core import Core
from gateway.call.effects import Effect, Note
from gateway.replay.fixture import check
from gateway.replay.recording import Recording, read_file, written
from media.audio import PCM24
from media.resample import Resampler
from tests.caller_audio import caller as recording
from tests.caller_audio import pcm
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.twilio_stream import TwilioStream
from tests.e2e.server import Server, running
from tests.telephony.record import idle
from tests.whole.dial import dial

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

KEY = "sk-of-a-server"


@dataclass
class House:
    folder: Path
    journals: dict[str, Path]
    """Leg → file."""


async def on_the_telephone(server: Server) -> None:
    """Speaks over the greeting, presses keys."""
    stream = TwilioStream(parameters={"persona": "dental_reception"})
    place = f"ws://{urlsplit(server.url).netloc}/telephony/twilio/stream"
    async with dialling(stream, place) as call:
        await call.played(300)
        await call.say(recording("bargein_stop"))
        await asyncio.sleep(1.5)
        await call.press("42#")
        await asyncio.sleep(2.5)


async def in_a_browser(server: Server) -> None:
    speech = bytes(PCM24.to_bytes(3500)) + Resampler(16000, 24000).process(pcm("dental_01_book"))
    async with dial(server.url, speech) as call:
        await call.event("session.created")
        await call.event("conversation.item.input_audio_transcription.completed", 30)
        await call.event("output_audio_buffer.started")


async def on_a_socket(server: Server) -> None:
    url = f"ws://{urlsplit(server.url).netloc}/v1/realtime?model=parley-embedded"
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(url, headers={"Authorization": f"Bearer {KEY}"}) as socket,
    ):
        item = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Hello, I am Ada Quill"}],
        }
        await socket.send_json({"type": "conversation.item.create", "item": item})
        await socket.send_json({"type": "response.create"})
        async with asyncio.timeout(20):
            while (await socket.receive_json())["type"] != "response.done":
                pass


async def held(server: Server) -> None:
    async with asyncio.TaskGroup() as group:
        for caller in (on_the_telephone, in_a_browser, on_a_socket):
            group.create_task(caller(server))
    await idle(server)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("replay")
    with running(folder, PARLEY_TELEPHONY_OPEN="1", PARLEY_API_KEYS=KEY) as server:
        asyncio.run(held(server))
        calls = [line.split() for line in server.written().splitlines() if "call ended call=" in line]
    ended = [dict(word.split("=", 1) for word in line if "=" in word) for line in calls]
    assert {call["leg"] for call in ended} == {"twilio", "webrtc", "websocket"}
    journals = {call["leg"]: folder / f"{call['leg']}.jsonl" for call in ended}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARLEY_DATA_DIR", str(folder / "data"))
        for call in ended:
            exported = ["replay", call["call"], "--quiet", "--export", str(journals[call["leg"]])]
            assert main(exported) == 0, "a call that was not replayed as it was"
    return House(folder, journals)


LEGS = pytest.mark.parametrize("leg", ["twilio", "webrtc", "websocket"])


@LEGS
def test_it_is_replayed_from_its_file(house: House, leg: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(house.journals[leg])]) == 0
    told = capsys.readouterr().out
    assert "the call begins: persona" in told
    assert "embedded answers" in told
    assert "the call is over, caller/" in told
    assert "the same: " in told
    if leg == "twilio":
        assert "agent    is paused" in told
        assert "caller   presses 4" in told
    if leg == "webrtc":
        assert "caller   “" in told


@LEGS
def test_another_core_is_found_out(
    house: House, leg: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def deaf(*_: object) -> bool:
        return False

    # The one takes no turn of the caller's, the other never asks again.
    if leg == "websocket":
        monkeypatch.setattr("gateway.call.relay.RelayCore._settle", deaf)
    else:
        monkeypatch.setattr(BargeIn, "committed", deaf)
        monkeypatch.setattr(BargeIn, "speech_started", deaf)
    assert main(["replay", str(house.journals[leg]), "--quiet"]) == 1
    told = capsys.readouterr().out
    assert "the core does something else than it did then:" in told
    assert "then and not now: " in told


@LEGS
def test_a_test_is_made_of_it(house: House, leg: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = house.folder / f"test_{leg}_call.py"
    assert main(["replay", str(house.journals[leg]), "--quiet", "--as-test", str(made)]) == 0
    text = made.read_text(encoding="utf-8")
    for name in ("Quill", "cleaning", "receptionist"):
        assert name.lower() not in text.lower()
    for command in (
        ["ruff", "check", "--config", "pyproject.toml"],
        ["ruff", "format", "--config", "pyproject.toml", "--check"],
        ["pytest", "-q"],
    ):
        ran = subprocess.run(
            [sys.executable, "-m", *command, str(made)],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    recorded = text.split('r"""')[1].split('"""')[0]
    check(recorded)

    leg_of = Core.leg

    def noted(core: Core, *told: object) -> list[Effect]:
        return [*leg_of(core, *told), Note("more")]  # type: ignore[arg-type]  # as it came

    if leg == "websocket":
        monkeypatch.setattr("gateway.call.relay.SILENT_S", 0.001)
    else:
        monkeypatch.setattr(Core, "leg", noted)
    with pytest.raises(AssertionError, match=r"effect 1 was: none|and is now: "):
        check(recorded)


def without(recording: Recording, drop: str) -> str:
    rows = tuple(row for row in recording.rows if row.event.get("type") != drop)
    return written(Recording(recording.call_id, recording.leg, rows))


def test_an_older_journal_says_so(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "old.jsonl"
    old.write_text(without(read_file(house.journals["twilio"]), "Began"), encoding="utf-8")
    assert main(["replay", str(old)]) == 2
    assert "does not tell how the call began" in capsys.readouterr().err


def test_so_do_a_newer_one_and_one_with_a_hole(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = house.journals["twilio"].read_text(encoding="utf-8")
    new = tmp_path / "new.jsonl"
    new.write_text(text.replace('"format": 1', '"format": 2', 1), encoding="utf-8")
    assert main(["replay", str(new)]) == 2
    assert "format 2" in capsys.readouterr().err
    lines = text.splitlines()
    new.write_text("\n".join(lines[:5] + lines[6:]), encoding="utf-8")
    assert main(["replay", str(new)]) == 2
    assert f"rows {json.loads(lines[5])['seq']} to" in capsys.readouterr().err
