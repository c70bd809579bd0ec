"""The codec against another wrapper of the same library."""

from __future__ import annotations

import threading

import av
import numpy as np
import pytest

from media.libopus import Decoder, Encoder, OpusError
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


def speech_24k() -> bytes:
    return Resampler(16_000, 24_000).process(pcm("dental_01_book"))


def test_the_decoder_hears_what_another_hears() -> None:
    """Ours at 24 kHz mono against PyAV's at 48 kHz stereo, of the same packets."""
    encoder, decoder = Encoder(24_000, 32_000, 5, 0), Decoder(24_000)
    speech = speech_24k()
    packets = [encoder.encode(speech[i : i + 960]) for i in range(0, len(speech) - 959, 960)]
    ours = np.frombuffer(b"".join(decoder.decode(packet) for packet in packets), "<i2").astype(float)
    other = decode(packets).astype(float)
    assert len(ours) == 480 * len(packets)
    count = len(ours) - 2000
    assert (
        max(float(np.corrcoef(ours[lag : lag + count], other[:count])[0, 1]) for lag in range(40)) > 0.995
    )


def test_the_decoder_makes_up_what_is_missing_and_refuses_what_is_no_packet() -> None:
    encoder, decoder = Encoder(24_000, 32_000, 5, 20), Decoder(24_000)
    speech = speech_24k()
    packets = [encoder.encode(speech[i : i + 960]) for i in range(0, len(speech) - 959, 960)]
    for packet in packets[:40]:
        decoder.decode(packet)
    assert len(decoder.recover(packets[41], 480)) == 960
    assert len(decoder.decode(packets[41])) == 960
    loudest = [int(np.abs(np.frombuffer(decoder.conceal(480), "<i2").astype(int)).max()) for _ in range(10)]
    assert loudest[0] > 10 * max(1, loudest[-1]), "it dies away"
    with pytest.raises(OpusError, match="corrupted"):
        decoder.decode(bytes([0x7B, 0xFF, 1]))
    decoder.reset()
    assert not any(decoder.conceal(480)), "nothing was heard"
    decoder.close()
    decoder.close()
    with pytest.raises(OpusError, match="closed"):
        decoder.decode(packets[0])
