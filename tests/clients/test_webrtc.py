"""The leg against a real WebRTC peer on loopback."""

from __future__ import annotations

import asyncio
import gc
import logging
import random

import numpy as np
import numpy.typing as npt
import orjson
import pytest
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters, RTCRtpSendParameters

from gateway.clients import webrtc
from gateway.clients.internals import transports
from gateway.clients.packets import Packet, pack
from gateway.errors import HUNG_UP, INTERNAL_ERROR, LEFT, NEVER_CONNECTED, PROTOCOL, LegError, LegLost
from gateway.ports import Leg
from media.audio import FRAME_MS
from media.playout import Playout
from media.resample import Resampler
from tests.caller_audio import pcm
from tests.clients.peer import Caller, Quiet, Sink, call, leg_of

pytestmark = pytest.mark.integration

Samples = npt.NDArray[np.float64]


def speech(name: str) -> bytes:
    return Resampler(16000, 24000).process(pcm(name))


def samples(audio: bytes, step: int = 1) -> Samples:
    return np.frombuffer(audio, dtype="<i2")[::step].astype(np.float64)


def places(heard: Samples, said: Samples) -> list[float]:
    """Where each loud quarter of a second of what was said is found in what was heard: its delay in ms. Raises
    AssertionError when most of them are not found."""
    piece, delays, missed = 6000, [], 0
    heard = np.concatenate([np.zeros(9000), heard])  # what was said before the call began is not heard
    for begin in range(0, len(said) - piece, piece):
        part = said[begin : begin + piece]
        if np.abs(part).max() < 2000:
            continue
        window = heard[begin : begin + piece + 27000]
        scores = np.correlate(window, part, "valid")
        energy = np.convolve(window**2, np.ones(piece), "valid") * np.sum(part**2)
        scores = scores / np.sqrt(np.maximum(energy, 1.0))
        best = int(np.argmax(scores))
        if scores[best] > 0.6:
            delays.append((best - 9000) / 24)
        else:
            missed += 1
    assert len(delays) > 2 * missed, f"{missed} pieces missing"
    return delays


async def lost(sink: Sink, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        await sink.lost.wait()


async def error_code(caller: Caller) -> str:
    async with asyncio.timeout(20):
        event = orjson.loads(await caller.messages.get())
    assert event["type"] == "error"
    assert event["error"]["message"]
    return str(event["error"]["code"])


# ── audio ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_caller_is_heard_and_time_goes_on() -> None:
    said = speech("common_yes")
    async with call(said) as (_, leg, sink):
        await asyncio.sleep(2.5)
        frames = list(sink.audio)
        assert leg.stats()["packet_loss"] == 0
        assert leg.stats()["jitter_ms"] < 50
        # The round trip is known only once an RTCP report has come back, which takes a second or three.
        assert leg.stats().keys() >= {"concealed_ms", "dropped_ms"}
    delays = places(samples(b"".join(frame for _, frame in frames)), samples(said))
    assert max(delays) < 400
    elapsed = frames[-1][0] - frames[0][0]
    assert len(frames) == pytest.approx(elapsed * 1000 / FRAME_MS + 1, abs=6)


async def test_the_agent_is_heard_as_it_was_played() -> None:
    said = speech("common_no")
    playout = Playout(60)
    playout.queue("item_1", said)
    playout.finish("item_1")
    async with call(speaker=playout) as (caller, _, _):
        await asyncio.sleep(2.5)
        heard = b"".join(frame for _, frame in caller.heard)
        (total,) = playout.totals(asyncio.get_running_loop().time())
    assert total.drained
    assert total.heard_ms == len(said) // 48
    assert places(samples(heard, step=4), samples(said))


async def test_a_listener_without_a_microphone_hears_and_is_silent() -> None:
    playout = Playout(60)
    playout.queue("item_1", speech("common_no"))
    async with call(speaker=playout, mouth=False) as (caller, _, sink):
        await asyncio.sleep(1.0)
        assert not sink.endings
        assert {frame for _, frame in sink.audio} == {bytes(960)}
        assert len(sink.audio) >= 40
        assert np.abs(samples(b"".join(frame for _, frame in caller.heard))).max() > 3000


async def test_lost_packets_do_not_add_delay() -> None:
    said = speech("dental_01_book")
    async with call(said + said) as (caller, _, sink):
        (sender,) = caller.pc.getSenders()
        send, count = sender.transport._send_rtp, 0

        async def lossy(data: bytes) -> None:
            nonlocal count
            count += 1
            if count % 50:
                await send(data)

        sender.transport._send_rtp = lossy  # type: ignore[method-assign]  # loses 2 %
        await asyncio.sleep(len(said) * 2 / 48000 + 0.5)
        heard = samples(b"".join(frame for _, frame in sink.audio))
    delays = places(heard, samples(said + said))
    assert np.median(delays[-4:]) <= np.median(delays[:4]) + 40


async def test_forged_repeated_and_strange_packets_change_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = speech("common_yes")
    async with call(said) as (caller, leg, sink):
        dice = random.Random(5)
        (sender,) = caller.pc.getSenders()
        transport = sender.transport
        path, sent = transport.transport._send, list[bytes]()

        async def recorded(data: bytes) -> None:
            sent.append(data)
            await path(data)

        transport.transport._send = recorded  # to say it again
        for n in range(100):
            await asyncio.sleep(0.01)
            for _ in range(5):
                await path(bytes((dice.randrange(128, 192),)) + dice.randbytes(dice.randrange(200)))
            await path(bytes((0x80, 200 + n % 8)) + dice.randbytes(1400))
            await path(bytes((0x80,)) + dice.randbytes(3000))
            for again in sent[-5:]:
                await path(again)
            # Genuine, and still not what was agreed on: another payload type, a video's; then another source.
            for kind, ssrc in ((97, 1000), (96, 2000 + n)):
                strange = Packet(kind, False, n, n * 960, ssrc, b"x" * 40)
                await transport._send_rtp(pack(strange))
            await transport._send_rtp(b"\x9f\xcd\xff\xff" + dice.randbytes(40))
        await asyncio.sleep(1)
        assert not sink.endings
        assert leg.stats()["packet_loss"] < 0.02
        heard = samples(b"".join(frame for _, frame in sink.audio))
    assert places(heard, samples(said))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_caller_who_stops_sending_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "SILENT_S", 0.5)
    async with call() as (caller, _, sink):
        await asyncio.sleep(0.7)
        assert not sink.endings
        caller.mouth.free.clear()
        await lost(sink)
        assert sink.endings == [LEFT]
        count = len(sink.audio)
        await asyncio.sleep(0.1)
        assert len(sink.audio) == count


async def test_a_speaker_that_breaks_loses_the_leg(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def pull(self, now: float) -> bytes | None:
            raise ValueError("no voice today")

    async with call(speaker=Broken()) as (_, _, sink):
        await lost(sink)
    assert sink.endings == [INTERNAL_ERROR]
    assert "the outgoing audio broke" in caplog.text


async def test_a_call_that_fails_over_audio_loses_the_leg(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Sink):
        def on_audio(self, pcm: bytes) -> None:
            raise KeyError("a bug")

    caller, leg, sink = Caller(), leg_of(), Failing()
    answer = await leg.answer(await caller.offer())
    await leg.open(sink, Quiet())
    await caller.accept(answer)
    await lost(sink)
    assert sink.endings == [INTERNAL_ERROR]
    assert "KeyError at clients/test_webrtc.py" in caplog.text
    assert "a bug" not in caplog.text
    await leg.close(INTERNAL_ERROR)
    await caller.close()


# ── events ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_webrtc_leg_is_a_leg() -> None:
    leg: Leg = leg_of()
    assert leg.kind == "webrtc"


async def test_events_go_both_ways() -> None:
    async with call(channel="any-label") as (caller, leg, sink):
        leg.send({"type": "session.created", "event_id": "event_1"})
        assert orjson.loads(await caller.messages.get()) == {
            "type": "session.created",
            "event_id": "event_1",
        }
        caller.channel.send('{"type":"response.create"}')
        assert await sink.events.get() == '{"type":"response.create"}'
        leg.send({"type": "large", "text": "x" * 200_000})
        assert len(await caller.messages.get()) > 200_000


async def test_without_a_channel_events_go_nowhere() -> None:
    async with call(channel=None) as (_, leg, sink):
        leg.send({"type": "session.created"})
        assert not sink.channel_open.is_set()
        assert not sink.endings


async def test_an_event_too_large_for_the_client_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    async with call() as (caller, leg, _):
        leg.send({"type": "huge.event", "text": "secret" * 50_000})
        leg.send({"type": "next"})
        assert orjson.loads(await caller.messages.get())["type"] == "next"
    assert "huge.event" in caplog.text
    assert "secret" not in caplog.text


async def test_a_client_that_does_not_read_has_left() -> None:
    async with call() as (_, leg, sink):
        for _ in range(12):
            leg.send({"type": "large", "text": "x" * 100_000})
        assert sink.endings == [LEFT]


async def test_what_came_before_the_call_opened_is_told_then() -> None:
    caller, leg, sink = Caller(), leg_of(), Sink()
    await caller.accept(await leg.answer(await caller.offer()))
    await caller.channel_open.wait()
    caller.channel.send("early")
    await asyncio.sleep(0.2)
    await leg.open(sink, Quiet())
    assert sink.connected.is_set()
    assert sink.channel_open.is_set()
    assert await sink.events.get() == "early"
    await leg.close(HUNG_UP)
    await caller.close()


async def test_bad_messages_are_refused_and_the_call_goes_on() -> None:
    async with call() as (caller, leg, sink):
        sctp = caller.pc.sctp
        assert sctp is not None
        sctp._remote_max_message_size = 0
        caller.channel.send("x" * (1024 * 1024))
        assert await error_code(caller) == "too_large"
        caller.channel.send("after")
        assert await sink.events.get() == "after"
        await asyncio.sleep(1)
        caller.channel.send(b"\x00\x01")
        assert await error_code(caller) == "binary"
        await asyncio.sleep(1)
        await sctp._send(caller.channel.id, 51, b"\xff\xfe not utf-8")
        assert await error_code(caller) == "malformed"
        leg.send({"type": "still.here"})
        assert orjson.loads(await caller.messages.get())["type"] == "still.here"
        assert sink.events.empty()
        assert not sink.endings


async def test_more_messages_than_anyone_needs_are_dropped_and_a_flood_ends_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.clients.channel.BURST", 50.0)
    monkeypatch.setattr("gateway.clients.channel.FLOOD", 100)
    async with call() as (caller, _, sink):
        for n in range(120):
            caller.channel.send(f"message {n}")
        assert await error_code(caller) == "rate_limit_exceeded"
        for n in range(200):
            caller.channel.send(f"message {n}")
        await lost(sink)
        assert sink.endings == [PROTOCOL]
        assert 50 <= sink.events.qsize() < 200


async def test_messages_that_make_much_work_count_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.clients.channel.WORK_S", 1e-9)
    async with call() as (caller, _, sink):
        for n in range(10):
            caller.channel.send(f"message {n}")
        assert await error_code(caller) == "rate_limit_exceeded"
        assert sink.events.qsize() == 1
        assert not sink.endings


async def test_further_channels_are_closed_and_many_end_the_call() -> None:
    async with call() as (caller, _, sink):
        other = caller.pc.createDataChannel("second")
        closed = asyncio.Event()
        other.on("close", closed.set)
        async with asyncio.timeout(20):
            await closed.wait()
        assert not sink.endings
        for n in range(10):
            caller.pc.createDataChannel(f"more{n}")
        await lost(sink)
        assert sink.endings == [PROTOCOL]


# ── beginnings and ends ───────────────────────────────────────────────────────────────────────────────────


async def test_a_caller_who_never_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    caller, leg, sink = Caller(), leg_of(setup_s=0.3), Sink()
    await leg.answer(await caller.offer())
    await leg.open(sink, Quiet())
    await lost(sink)
    assert sink.endings == [NEVER_CONNECTED]
    assert not sink.connected.is_set()
    await leg.close(NEVER_CONNECTED)
    await caller.close()


async def test_a_leg_nobody_opens_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "UNOPENED_S", 0.1)
    caller, leg = Caller(), leg_of(setup_s=0.2)
    await caller.accept(await leg.answer(await caller.offer()))
    assert leg._runner is not None
    async with asyncio.timeout(20):
        await asyncio.wait({leg._runner})
    with pytest.raises(LegLost):
        await leg.open(Sink(), Quiet())
    await caller.close()


async def test_a_caller_who_hangs_up_is_noticed_at_once() -> None:
    async with call() as (caller, _, sink):
        await caller.close()
        await lost(sink, 1)
        assert sink.endings == [HUNG_UP]


async def test_closing_the_channel_is_hanging_up() -> None:
    async with call() as (caller, _, sink):
        caller.channel.close()
        await lost(sink, 2)
        assert sink.endings == [HUNG_UP]


async def test_a_caller_who_vanishes_is_noticed_within_ten_seconds() -> None:
    async with call(mouth=False) as (caller, _, sink):
        (transport,) = {receiver.transport for receiver in caller.pc.getReceivers()}
        connection = transport.transport._connection
        connection.data_received = lambda *_: None  # type: ignore[method-assign]  # the cable is cut both ways
        connection.request_received = lambda *_: None  # type: ignore[method-assign]
        for protocol in connection._protocols:
            protocol.send_stun = lambda *_: None  # type: ignore[method-assign]
        await lost(sink, 10)
        assert sink.endings == [LEFT]


async def test_closing_is_idempotent_in_every_state() -> None:
    leg = leg_of()
    await leg.close(HUNG_UP)
    await leg.close(HUNG_UP)
    with pytest.raises(LegError):
        await leg.answer(await (caller := Caller()).offer())
    await caller.close()

    caller, leg = Caller(), leg_of()
    with pytest.raises(LegError):
        await leg.open(Sink(), Quiet())
    await leg.answer(await caller.offer())
    await leg.close(HUNG_UP)
    with pytest.raises(LegLost):
        await leg.open(Sink(), Quiet())
    await caller.close()

    async with call() as (_, leg, sink):
        async with asyncio.TaskGroup() as group:
            group.create_task(leg.close(HUNG_UP))
            group.create_task(leg.close(HUNG_UP))
        leg.send({"type": "too.late"})
        assert not sink.endings


async def test_closing_in_the_middle_of_the_answer() -> None:
    caller, leg = Caller(), leg_of()
    offer = await caller.offer()
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(swallow(leg.answer(offer)))
        await asyncio.sleep(0)
        await leg.close(HUNG_UP)
    assert isinstance(answering.result(), LegLost)
    await caller.close()


async def test_giving_up_on_the_answer_leaves_nothing() -> None:
    caller, leg = Caller(), leg_of()
    offer = await caller.offer()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await leg.answer(offer)
    await leg.close(HUNG_UP)
    await caller.close()


@pytest.mark.parametrize("after_ms", [0, 5, 10, 20, 25, 30, 40, 60, 80])
async def test_closing_while_it_connects(after_ms: int) -> None:
    caller, leg = Caller(), leg_of()
    await caller.accept(await leg.answer(await caller.offer()))
    await leg.open(Sink(), Quiet())
    await asyncio.sleep(after_ms / 1000)
    await leg.close(HUNG_UP)
    await caller.close()


async def test_nothing_starts_after_the_end() -> None:
    """The races themselves, at leisure: what aiortc's connecting task would still do after the close."""
    async with call() as (caller, _, _):
        (transport,) = transports(caller.pc)
    ice, sctp = transport.transport, caller.pc.sctp
    (transceiver,) = caller.pc.getTransceivers()
    assert sctp is not None
    async with asyncio.timeout(1):
        await ice.start(RTCIceParameters())
        await ice._connection.query_consent()
        await transceiver.sender.send(RTCRtpSendParameters())
        await transceiver.receiver.receive(RTCRtpReceiveParameters())
        await sctp.start(None, 5000)


async def test_what_is_sent_when_the_path_is_gone_is_lost_without_a_word() -> None:
    faults: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: faults.append(told))
    async with call() as (caller, _, _):
        await caller.channel_open.wait()
        (transport,) = transports(caller.pc)
        await transport.transport._connection.close()
        caller.channel.send("{}")  # sent in a task that nobody waits for
        await asyncio.sleep(0.1)
        gc.collect()
    assert faults == []


async def swallow(answering: object) -> BaseException | None:
    try:
        await answering  # type: ignore[misc]  # any awaitable
    except LegError as error:
        return error
    return None


async def test_an_address_nobody_has_is_not_the_caller_s_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: [])
    leg, caller = webrtc.WebRtcLeg("rtc_test", webrtc.LegSettings(ice_addresses=("203.0.113.9",))), Caller()
    monkeypatch.undo()
    offer = await caller.offer()
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: [])
    with pytest.raises(LegError, match="PARLEY_ICE_ADDRESSES"):
        await leg.answer(offer)
    await leg.close(HUNG_UP)
    await caller.close()


async def test_twenty_calls_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    import threading

    import psutil

    process = psutil.Process()

    async def once(number: int) -> None:
        async with call() as (caller, leg, sink):
            leg.send({"type": "session.created"})
            await caller.messages.get()
            if number % 2:
                await caller.close()
                await lost(sink)

    await once(0)
    gc.collect()
    before = (len(asyncio.all_tasks()), threading.active_count(), process.num_fds())
    for number in range(20):
        await once(number)
    gc.collect()
    await asyncio.sleep(0.1)
    assert (len(asyncio.all_tasks()), threading.active_count(), process.num_fds()) == before
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
