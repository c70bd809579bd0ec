"""What the bench measures with: the script makes the turns it says, and the mock keeps the protocol."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import av
import numpy as np
import pytest
from aiohttp import ClientWebSocketResponse
from aiohttp.test_utils import TestClient, TestServer

from media import g711
from scripts.bench import passing
from scripts.bench.__main__ import table
from scripts.bench.caller import Caller, Heard
from scripts.bench.mock import NARROW, TONE, Ears, application, widened
from scripts.bench.phones import Phones, matched, phones_table
from scripts.bench.run import Result
from scripts.bench.script import REPLY_MS, SILENCE_MS, THINK_MS, Script, lay_out, load

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def script() -> Script:
    return load()


def decoded(script: Script) -> bytes:
    """The script as a gateway would send it up: PCM16, 24 kHz."""
    decoder = av.CodecContext.create("libopus", "r")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=24000)
    frames = [frame for packet in script.packets for frame in decoder.decode(av.Packet(packet))]
    return b"".join(
        bytes(out.planes[0])[: out.samples * 2] for frame in frames for out in resampler.resample(frame)
    )


def test_the_mock_hears_each_utterance_as_one_turn(script: Script) -> None:
    heard = Ears().hear(decoded(script) + bytes(48 * 1000))
    assert [began for began, _ in heard] == [True, False] * len(script.turns)
    for turn, (_, began), (_, ended) in zip(script.turns, heard[::2], heard[1::2], strict=True):
        assert 0 <= began - turn.first * 20 < 200
        assert abs(ended - SILENCE_MS - turn.last * 20) < 80


def test_the_interruption_falls_into_a_reply(script: Script) -> None:
    _, answer, stop = script.turns
    reply = answer.last * 20 + SILENCE_MS + THINK_MS
    assert stop.interrupts
    assert reply + 500 < stop.first * 20 < reply + REPLY_MS - 500


@pytest.fixture
async def socket() -> AsyncIterator[ClientWebSocketResponse]:
    async with TestClient(TestServer(application())) as client, client.ws_connect("/v1/realtime") as socket:
        assert (await socket.receive_json())["type"] == "session.created"
        yield socket


async def until(socket: ClientWebSocketResponse, kind: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != kind:
        events.append(await socket.receive_json(timeout=20))
    return events


async def test_speech_is_committed_and_answered_when_asked_to(
    socket: ClientWebSocketResponse, script: Script
) -> None:
    update = {"audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}}
    await socket.send_json({"type": "session.update", "session": update})
    (updated,) = await until(socket, "session.updated")
    assert updated["session"]["audio"]["input"]["format"]["rate"] == 24000
    first = script.turns[0]
    pcm = decoded(script)[: (first.last * 20 + 1000) * 48]
    for at in range(0, len(pcm), 9600):
        chunk = base64.b64encode(pcm[at : at + 9600]).decode()
        await socket.send_json({"type": "input_audio_buffer.append", "audio": chunk})
    kinds = [event["type"] for event in await until(socket, "conversation.item.done")]
    assert kinds[:3] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
    ]
    await socket.send_json({"type": "response.create"})
    events = await until(socket, "response.done")
    audio = b"".join(
        base64.b64decode(event["delta"])
        for event in events
        if event["type"] == "response.output_audio.delta"
    )
    assert len(audio) == REPLY_MS * 48
    assert float(np.abs(np.frombuffer(audio, "<i2").astype(np.float32)).mean()) > 3000
    assert events[-1]["response"]["status"] == "completed"


async def test_a_cancelled_response_ends_cancelled(socket: ClientWebSocketResponse) -> None:
    await socket.send_json({"type": "response.create"})
    await until(socket, "response.output_audio.delta")
    await socket.send_json({"type": "response.cancel"})
    done = (await until(socket, "response.done"))[-1]["response"]
    assert done["status"] == "cancelled"
    assert done["status_details"]["reason"] == "client_cancelled"


def test_figures_of_a_turn() -> None:
    turn = Heard(began=10.0, interrupts=True, over_reply=True, ended=12.0, old_until=10.15, reply_at=12.7)
    assert turn.overhead_ms == pytest.approx(100)
    assert turn.bargein_ms == pytest.approx(150)
    assert Heard(10.0, interrupts=True, over_reply=False, old_until=11.0).bargein_ms is None


def test_the_caller_notes_its_turns(script: Script) -> None:
    caller = Caller(script, offset=2)
    for frame in range(len(script.packets) + 2):
        caller.say(frame, frame * 0.02)
    assert [round((turn.ended or 0) - turn.began, 2) for turn in caller.turns] == [
        round((turn.last - turn.first) * 0.02, 2) for turn in script.turns
    ]


def test_the_table_has_ratios_where_there_are_figures() -> None:
    figures = {name: 0 for name in Result.__dataclass_fields__ if name != "server"}
    theirs = Result(server="baseline", **{**figures, "calls": 4, "cpu_ms_per_call_s": 80})
    ours = Result(server="parley", **{**figures, "calls": 4, "cpu_ms_per_call_s": 40})
    text = table(theirs, ours)
    assert text.startswith("4 call(s)")
    assert "0.50" in text


async def test_events_are_timed_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "WARM_S", 0.0)
    monkeypatch.setattr(passing, "REPLY_S", 0.2)
    async with TestServer(application()) as server:
        assert server.port is not None
        direct = await passing.load("direct", server.port, clients=3, seconds=1.2)
    assert direct.clients == 3
    assert direct.down > direct.round_trips > 3
    assert 0 < direct.down_p50_ms <= direct.down_p99_ms < 1000
    assert 0 < direct.round_trip_p50_ms <= direct.round_trip_p99_ms < 1000
    through = replace(direct, way="parley", down_p99_ms=direct.down_p99_ms + 1.5)
    lines = passing.passing_table(direct, through).splitlines()
    assert lines[0].split()[-3:] == ["direct", "parley", "added"]
    assert lines[2].split()[-1] == "1.50"


def test_the_mock_hears_a_telephone_as_it_hears_the_others() -> None:
    cycle, turns = lay_out()
    narrow = g711.encode(cycle.reshape(-1, 6).mean(axis=1).astype("<i2").tobytes(), "mu")
    heard = Ears().hear(widened(narrow) + bytes(48 * 1000))
    assert [began for began, _ in heard] == [True, False] * len(turns)
    for turn, (_, ended) in zip(turns, heard[1::2], strict=True):
        assert abs(ended - SILENCE_MS - turn.last * 20) < 80


def test_its_voice_is_as_long_on_a_telephone() -> None:
    length_s = [sum(len(base64.b64decode(one)) for one in said) for said in (NARROW, TONE)]
    assert length_s == [REPLY_MS * 8, REPLY_MS * 48]


def test_a_clear_is_matched_with_what_the_mock_noted_of_the_same_caller() -> None:
    ms = 1_000_000
    noted = [
        {"what": "started", "at": 1000 * ms, "ms": 0},
        {"what": "truncated", "at": 1007 * ms, "ms": 640},
        {"what": "started", "at": 3000 * ms, "ms": 0},
    ]
    late, off = matched([(1005 * ms, 650.0), (9000 * ms, 1.0)], noted)
    assert late == [5.0]
    assert off == [10.0]


def test_the_ratio_of_phone_calls_is_told() -> None:
    through = Phones("passthrough", 10, 10, 4.0, 5.0, 9.0, 1.0, 2.0, 1.0, 12.0, 0.1, 0)
    parley = Phones("parley", 10, 10, 8.0, 5.0, 9.0, None, 2.0, 1.0, 3.0, 0.2, 0)
    lines = phones_table(through, parley).splitlines()
    assert lines[1].split()[-3:] == ["4", "8", "2.00"]
    assert lines[4].split()[-3:] == ["1", "–", "–"]
