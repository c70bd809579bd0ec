"""The encoder, checked by decoding what it makes with another implementation's wrapper of the decoder."""

from __future__ import annotations

import threading

import av
import numpy as np
import pytest

from media.libopus import Encoder, OpusError
from media.resample import Resampler
from tests.caller_audio import pcm

pytestmark = pytest.mark.unit


def decode(packets: list[bytes]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    decoder = av.CodecContext.create("libopus", "r")
    samples = [frame.to_ndarray()[0] for packet in packets for frame in decoder.decode(av.Packet(packet))]
    return (
        np.concatenate(samples).reshape(-1, 2)[::2, 0].astype(np.int16)
    )  # 48 kHz stereo → every second left one


def test_speech_comes_through() -> None:
    speech = Resampler(16_000, 24_000).process(pcm("dental_01_book"))
    frames = [speech[i : i + 960] for i in range(0, len(speech) - 959, 960)]
    encoder = Encoder(24_000, 32_000, 5, 5)
    packets = [encoder.encode(frame) for frame in frames]
    heard = decode(packets).astype(float)
    said = np.frombuffer(b"".join(frames), "<i2").astype(float)
    length = 40_000
    likeness = max(
        float(np.corrcoef(said[8000 : 8000 + length], heard[8000 + lag : 8000 + lag + length])[0, 1])
        for lag in range(400)
    )
    assert likeness > 0.8
    assert 20_000 < 8 * sum(map(len, packets)) / (len(packets) * 0.02) < 40_000, "bits per second"


def test_it_starts_no_threads_and_refuses_what_opus_cannot() -> None:
    before = threading.active_count()
    encoder = Encoder(24_000, 32_000, 5, 0)
    encoder.encode(bytes(960))
    assert threading.active_count() == before
    with pytest.raises(OpusError, match="invalid argument"):
        encoder.encode(bytes(962))
    encoder.close()
    encoder.close()
    with pytest.raises(OpusError, match="closed"):
        encoder.encode(bytes(960))
    with pytest.raises(OpusError, match="invalid argument"):
        Encoder(44_100, 32_000, 5, 0)
