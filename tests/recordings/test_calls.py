"""Whole calls on tape: what went in on either side stands in the file, at its time, through real codecs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from gateway.call.plan import CallDeps, CallPlan
from gateway.call.run import Call
from gateway.errors import HUNG_UP
from gateway.ports import Model
from gateway.recordings.spool import WHOLE, Spool, SpoolTape, measured
from media import g711, libopus
from media.audio import PCM24, PCMU, AudioFormat
from media.resample import Resampler
from media.speech_likeness import preload
from media.wav import HEAD_BYTES
from personas.persona import Persona
from tests.call.harness import persona
from tests.caller_audio import pcm
from tests.carriage.house import House, house
from tests.carriage.mock import ToneModel, ToneSession
from tests.carriage.test_twilio import clears, dialled
from tests.carrier_peers.call import Said
from tests.carrier_peers.twilio_stream import TwilioCall
from tests.carrier_peers.voice import spoken
from tests.clients.peer import Caller, leg_of
from tests.fakes import FakeStore
from tests.whole.stalls import Stalls
from tools.builtin import pause_recording
from tools.contract import Records

pytestmark = pytest.mark.integration

Signal = npt.NDArray[np.float64]
ALIGNED_MS = 40


class Taping:
    """Records every call."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool

    def wanted(self, persona: Persona) -> bool:
        return True

    def tape(self, call_id: str, form: AudioFormat) -> SpoolTape:
        return self.spool.tape(call_id, form)


@contextlib.asynccontextmanager
async def taping(folder: Path) -> AsyncIterator[Taping]:
    stack = ExitStack()
    spool = await asyncio.to_thread(stack.enter_context, Spool.open(folder, lambda: None))
    try:
        yield Taping(spool)
    finally:
        await asyncio.to_thread(stack.close)


STORY = Resampler(16000, 24000).process(pcm("hard_01_story") + pcm("insurance_01_report"))


def speaking(number: int, ms: int) -> bytes:
    """A person who tells a long story, as the agent's voice."""
    begin = 48 * 1500 * (number - 1)
    return STORY[begin : begin + 48 * ms]


def channels(path: Path) -> tuple[AudioFormat, Signal, Signal]:
    form, _ = measured(path)
    sound = path.read_bytes()[HEAD_BYTES:]
    if form.law is not None:
        sound = g711.decode(sound, form.law)
    both = np.frombuffer(sound, "<i2").astype(np.float64)
    return form, both[0::2], both[1::2]


async def on_tape(folder: Path) -> tuple[AudioFormat, Signal, Signal]:
    (path,) = await asyncio.to_thread(lambda: list(folder.iterdir()))
    assert path.suffix == WHOLE
    return await asyncio.to_thread(channels, path)


def lags(recorded: Signal, went_in: Signal, rate: int) -> tuple[list[float], float]:
    """Of every loud second: by how many milliseconds it was recorded later. And how alike both are then (1 is the
    same), in most of them."""
    reach, found, alike = rate // 4, [], []
    line = np.pad(recorded, (reach, reach + max(0, len(went_in) - len(recorded))))
    for begin in range(0, len(went_in) - rate, rate):
        part = went_in[begin : begin + rate]
        if np.sqrt(np.mean(part**2)) < 300:
            continue
        window = line[begin : begin + rate + 2 * reach]
        size = 1 << int(np.ceil(np.log2(len(window) + rate)))
        product = np.fft.rfft(window, size) * np.conj(np.fft.rfft(part, size))
        scores = np.fft.irfft(product, size)[: len(window) - rate + 1]
        power = np.concatenate([[0.0], np.cumsum(window**2)])
        energy = (power[rate:] - power[:-rate]) * np.dot(part, part)
        scores = scores / np.sqrt(np.maximum(energy, 1.0))
        best = int(np.argmax(scores))
        found.append((best - reach) * 1000 / rate)
        alike.append(float(scores[best]))
    assert len(found) >= 3
    return found, float(np.median(alike))


def placed(signal: Signal, at_ms: float, rate: int, length: int) -> Signal:
    line = np.zeros(length)
    begin = round(at_ms * rate / 1000)
    line[begin : begin + len(signal)] = signal[: max(0, length - begin)]
    return line


def voice(name: str, call: TwilioCall) -> Signal:
    wire = b"".join(spoken(name, call.carrier.says, 20))
    return np.frombuffer(g711.decode(wire, "mu"), "<i2").astype(np.float64)


async def ended(made: House) -> None:
    await made.ended()
    async with asyncio.timeout(20):
        while made.supervisor.live:  # noqa: ASYNC110 - a mock
            await asyncio.sleep(0.01)


@pytest.fixture
def stalls() -> Iterator[Stalls]:
    with Stalls() as watch:
        yield watch


def aligned_ms(stalls: Stalls) -> float:
    """Both ends live in this process: where the machine holds it up they hear and tell later, not the recording."""
    return ALIGNED_MS + stalls.worst_s * 1000


async def test_a_phone_call_stands_in_its_recording_as_it_was_heard(tmp_path: Path, stalls: Stalls) -> None:
    said: dict[str, Said] = {}
    model = ToneModel(reply_ms=6000, says=speaking)
    async with taping(tmp_path) as tapes, house(model, recordings=tapes) as made:
        async with dialled(made) as (call, session):
            await call.played(2500)
            said["bargein_stop"] = await call.say("bargein_stop")
            async with asyncio.timeout(20):
                while not session.truncations():  # noqa: ASYNC110 - a mock
                    await asyncio.sleep(0.01)
            cut = clears(call)[0]
            await asyncio.sleep(0.7)
            session.emit("input_audio_buffer.committed", item_id="u1", previous_item_id=None)
            words = {"item_id": "u1", "content_index": 0, "transcript": "stop please"}
            session.emit("conversation.item.input_audio_transcription.completed", **words)
            await call.played(call.heard.played_ms + 5000)
            await call.quiet(500)
            said["bank_01_dispute"] = await call.say("bank_01_dispute")
            await asyncio.sleep(0.5)
            heard = np.frombuffer(call.heard.pcm, "<i2").astype(np.float64)
            lines = {name: voice(name, call) for name in said}
            assert call.faults == []
        await ended(made)
        instructions = next(
            event["response"]["instructions"]
            for _, event in session.received
            if event["type"] == "response.create"
        )
    form, caller, agent = await on_tape(tmp_path)
    assert form == PCMU
    assert "This call is recorded. Hello there." in instructions
    went_in = np.zeros(len(caller))
    for name, when in said.items():
        went_in += placed(lines[name], when.from_ms - 20, 8000, len(caller))
    caller_lags, caller_alike = lags(caller, went_in, 8000)
    agent_lags, agent_alike = lags(agent, heard, 8000)
    # One second of each may have seen this process held up, which is no fault of the recording's.
    for found in (caller_lags, agent_lags):
        assert sorted(map(abs, found))[-2] <= aligned_ms(stalls), (caller_lags, agent_lags)
    assert caller_alike > 0.98
    assert agent_alike > 0.98
    # The cut: the rest of the reply was never heard.
    at = 8 * round(cut)
    assert np.abs(agent[at - 8 * 500 : at - 8 * 50]).max() > 1000
    assert not agent[at + 8 * 2 * ALIGNED_MS : at + 8 * 700].any()


async def test_a_pause_leaves_out_what_is_said_and_typed(tmp_path: Path) -> None:
    model = ToneModel(reply_ms=9000, says=speaking)
    who = persona(tools=("pause_recording",))
    tools = {"pause_recording": pause_recording.tool}
    async with taping(tmp_path) as tapes, house(model, recordings=tapes, tools=tools, who=who) as made:
        async with dialled(made) as (call, session):
            await call.played(2500)
            await uses(session, paused=True)
            paused = call.now_ms
            await call.press("4111 1111 2222 3333#".replace(" ", ""))
            async with asyncio.timeout(20):
                while session.replies < 2:  # noqa: ASYNC110 - a mock
                    await asyncio.sleep(0.01)
            await call.say("bank_02_last4")
            await asyncio.sleep(0.3)
            resumed = call.now_ms
            await uses(session, paused=False)
            await call.say("common_yes")
            await asyncio.sleep(0.5)
            items = [e["item"] for _, e in session.received if e["type"] == "conversation.item.create"]
        await ended(made)
    _, caller, agent = await on_tape(tmp_path)
    for channel in (caller, agent):
        assert not channel[8 * round(paused + 60) : 8 * round(resumed - 60)].any()
    assert np.abs(agent[: 8 * round(paused)]).max() > 1000
    assert np.abs(caller[8 * round(resumed) :]).max() > 1000
    typed = next(item["content"][0]["text"] for item in items if item["type"] == "message")
    assert typed == "The caller pressed 4 1 1 1 1 1 1 1 2 2 2 2 3 3 3 3 #", "the model gets them"
    assert [e.text for e in made.store.entries if e.role == "user"] == [
        "The caller pressed " + "x " * 16 + "#"
    ]
    kept = json.dumps([entry.event for entry in made.store.journal])
    assert "1 1 1 1" not in kept
    pressed = [e.event["digit"] for e in made.store.journal if e.event["type"] == "DigitPressed"]
    assert pressed == ["x"] * 16 + ["#"]
    facts = [e.event["type"] for e in made.store.journal if e.event["type"].startswith("Recording")]
    assert facts == ["RecordingPaused", "RecordingResumed"]


async def uses(session: ToneSession, *, paused: bool) -> None:
    """The model uses the tool, in a response of its own."""
    name = f"pause_{paused}"
    item = {
        "id": f"item_{name}", "type": "function_call", "status": "completed", "call_id": name,
        "name": "pause_recording", "arguments": json.dumps({"paused": paused}),
    }  # fmt: skip
    session.emit("response.created", response={"id": f"resp_{name}", "status": "in_progress"})
    begun = {**item, "status": "in_progress", "arguments": ""}
    session.emit("response.output_item.added", response_id=f"resp_{name}", output_index=0, item=begun)
    session.emit("response.output_item.done", response_id=f"resp_{name}", output_index=0, item=item)
    done = {"id": f"resp_{name}", "status": "completed", "output": [item]}
    session.emit("response.done", response=done)
    async with asyncio.timeout(20):
        while not any(e.get("item", {}).get("call_id") == name for _, e in session.received):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_browsers_call_stands_in_its_recording(tmp_path: Path, stalls: Stalls) -> None:
    await asyncio.to_thread(preload, 2)
    await asyncio.to_thread(libopus.library)
    model = ToneModel(reply_ms=3000, says=speaking)
    mouth = bytes(48 * 4500) + Resampler(16000, 24000).process(pcm("bank_01_dispute"))
    caller, leg, store = Caller(mouth), leg_of(), FakeStore()
    loop = asyncio.get_running_loop()
    async with taping(tmp_path) as tapes:
        deps = CallDeps(
            (cast("Model", model),),
            "test",
            store,
            lambda _: cast("Records", object()),
            {},
            recordings=tapes,
        )
        try:
            answer = await leg.answer(await caller.offer())
            call = Call(CallPlan("rtc_test", "s-1", "t-1", persona()), leg, deps)
            began = loop.time()
            running = asyncio.create_task(call.run())
            await caller.accept(answer)
            await asyncio.sleep(11)
            call.end(HUNG_UP)
            await running
        finally:
            await caller.close()
            await leg.close(HUNG_UP)
    form, left, right = await on_tape(tmp_path)
    assert form == PCM24
    assert len(left) / 24 == pytest.approx((loop.time() - began) * 1000, abs=1500)
    start = caller.mouth._start
    assert start is not None
    went_in = np.frombuffer(mouth, "<i2").astype(np.float64)
    said = placed(went_in, (start - began) * 1000, 24000, len(left))
    caller_lags, caller_alike = lags(left, said, 24000)
    agent_lags, agent_alike = lags(right, came_out(caller.heard, began, len(right)), 24000)
    # The caller's packets wait in a jitter buffer before the model hears them, and the agent's in the browser's.
    # A frame leaves the caller's mouth as it begins, 20 ms before it was all said.
    assert all(-25 <= lag <= 80 + aligned_ms(stalls) for lag in caller_lags), caller_lags
    assert all(abs(lag) <= 80 + aligned_ms(stalls) for lag in agent_lags), agent_lags
    assert max(caller_lags) - min(caller_lags) <= aligned_ms(stalls), caller_lags
    assert max(agent_lags) - min(agent_lags) <= aligned_ms(stalls), agent_lags
    assert min(caller_alike, agent_alike) > 0.6, "Opus is not exact"


def came_out(heard: list[tuple[float, bytes]], began: float, length: int) -> Signal:
    """What the browser's end heard, one after the other from its first sound on."""
    loud = next(i for i, (_, frame) in enumerate(heard) if np.abs(np.frombuffer(frame, "<i2")).max() > 200)
    sound = b"".join(frame for _, frame in heard[loud:])
    stereo = np.frombuffer(sound, "<i2").astype(np.float64)
    return placed(stereo[0::4], (heard[loud][0] - began) * 1000, 24000, length)
