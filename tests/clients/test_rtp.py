from __future__ import annotations

import asyncio
import logging
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from gateway.clients.opus import SETTLED, OpusEncoder, silence
from gateway.clients.rtp import Hearing, Voice
from media.resample import Resampler
from tests.caller_audio import pcm

pytestmark = pytest.mark.unit


def decoded(packets: list[bytes]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    decoder = av.CodecContext.create("libopus", "r")
    decoder.layout, decoder.sample_rate = "mono", 48000
    frames = [
        frame.to_ndarray().reshape(-1) for packet in packets for frame in decoder.decode(av.Packet(packet))
    ]
    return np.concatenate(frames).astype(np.float64)


def test_speech_survives_the_encoder() -> None:
    speech = Resampler(16000, 24000).process(pcm("dental_01_book"))
    frames = [speech[n : n + 960] for n in range(0, len(speech) - 960, 960)]
    encoder = OpusEncoder()
    packets = [encoder.encode(frame) for frame in frames]
    assert sum(len(packet) for packet in packets) * 8 / (len(packets) * 0.02) < 40_000
    out = decoded(packets)
    assert len(out) == 960 * len(packets)
    want = np.frombuffer(Resampler(24000, 48000).process(b"".join(frames)), dtype="<i2").astype(np.float64)
    count = min(len(out), len(want)) - 2000
    best = max(float(np.corrcoef(out[lag : lag + count], want[:count])[0, 1]) for lag in range(0, 1200, 8))
    assert best > 0.9


def test_silence_is_not_encoded_and_sounds_like_it() -> None:
    encoder = OpusEncoder()
    assert encoder.encode(None) is silence()
    loud = (np.sin(np.arange(480) / 5) * 20000).astype("<i2").tobytes()
    packets = [encoder.encode(loud) for _ in range(20)] + [encoder.encode(None) for _ in range(60)]
    assert packets[20 + SETTLED] is silence()
    assert len(silence()) < 30
    out = decoded(packets)
    assert np.abs(out[: 20 * 960]).max() > 0.2 * np.abs(out).max()
    assert np.abs(out[-30 * 960 :]).max() < np.abs(out).max() / 1000


class Speech:
    def __init__(self) -> None:
        self.asked: list[float] = []

    def pull(self, now: float) -> bytes | None:
        self.asked.append(now)
        return bytes(960)


class Broken:
    def pull(self, now: float) -> bytes | None:
        raise ValueError("no voice today")


async def test_a_packet_every_20_ms_of_the_clock() -> None:
    voice = Voice(lambda: pytest.fail("nothing broke"))
    voice.speaker = speaker = Speech()
    packets = []
    for n in range(25):
        packets.append(await voice.recv())
        if n % 5 == 4:
            await asyncio.sleep(0.03)
    assert [packet.pts for packet in packets] == [960 * n for n in range(25)]
    assert {packet.time_base.denominator for packet in packets} == {48000}
    assert speaker.asked[-1] - speaker.asked[0] == pytest.approx(24 * 0.02, abs=0.025)
    voice.stop()


async def test_after_a_long_halt_the_missed_time_is_skipped() -> None:
    voice = Voice(lambda: pytest.fail("nothing broke"))
    first = await voice.recv()
    await asyncio.sleep(0.4)
    rest = [await voice.recv() for _ in range(3)]
    places = [packet.pts or 0 for packet in (first, *rest)]
    steps = [after - before for before, after in pairwise(places)]
    assert steps[0] >= 19 * 960
    assert steps[1:] == [960, 960]
    voice.stop()


async def test_a_speaker_that_breaks_is_told_not_hushed_up(caplog: pytest.LogCaptureFixture) -> None:
    told: list[bool] = []
    voice = Voice(lambda: told.append(True))
    voice.speaker = Broken()
    with caplog.at_level(logging.ERROR), pytest.raises(MediaStreamError):
        await voice.recv()
    assert told == [True]
    assert "the outgoing audio broke" in caplog.text
    voice.stop()


async def test_cancellation_goes_through() -> None:
    voice = Voice(lambda: pytest.fail("nothing broke"))
    await voice.recv()
    waiting = asyncio.create_task(voice.recv())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    voice.stop()
    with pytest.raises(MediaStreamError):
        await voice.recv()


async def test_what_is_heard_keeps_its_level_and_its_frames() -> None:
    given: list[bytes] = []
    hearing = Hearing(given.append)
    loop = asyncio.get_running_loop()
    hearing.begin(loop.time() - 10)
    wave = np.rint(np.sin(np.arange(48000) / 48000 * 2 * np.pi * 440) * 12000).astype("<i2")

    class Track(MediaStreamTrack):
        kind = "audio"
        count = 0

        async def recv(self) -> av.AudioFrame:
            if self.count == 50:
                raise MediaStreamError
            piece = wave[self.count * 960 :][:960]
            both = np.repeat(piece, 2).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
            frame.sample_rate, frame.time_base, frame.pts = 48000, Fraction(1, 48000), self.count * 960
            self.count += 1
            return frame

    await hearing.listen(Track())
    heard = np.frombuffer(b"".join(given), dtype="<i2").astype(np.float64)
    assert len(given) == 50
    assert {len(frame) for frame in given} == {960}
    assert np.abs(heard[480:]).max() == pytest.approx(12000, rel=0.02)
    assert hearing.heard_at is not None
    assert hearing.lost["concealed_ms"] == 0
    late = loop.time() + 1
    for tick in range(2):  # the first finds that the loop was held up, and waits
        hearing.tick(late + 0.02 * tick)
    assert hearing.lost["concealed_ms"] > 0
