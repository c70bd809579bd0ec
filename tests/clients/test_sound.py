from __future__ import annotations

import itertools

import numpy as np
import pytest

from gateway.clients.packets import Packet
from gateway.clients.sound import Hearing, Voice
from media.libopus import Decoder, Encoder
from media.resample import Resampler
from media.sending import Outgoing, encode
from tests.caller_audio import pcm

pytestmark = pytest.mark.unit


class Speech:
    """Says these frames, one each 20 ms, then nothing."""

    def __init__(self, frames: list[bytes]) -> None:
        self.frames = frames

    def pull(self, now: float) -> bytes | None:
        return self.frames.pop(0) if self.frames else None


def frames() -> list[bytes]:
    speech = Resampler(16000, 24000).process(pcm("dental_01_book"))
    return [speech[n : n + 960] for n in range(0, len(speech) - 960, 960)]


def test_what_the_speaker_says_is_heard_at_the_other_end() -> None:
    voice, said = Voice(), frames()
    voice.speaker = Speech(list(said))
    packets = [voice.frame(n * 0.02, n * 0.02) for n in range(len(said) + 100)]
    sent: list[Outgoing] = []
    for packet in packets:
        if packet is not None:
            encode(packet)
            sent.append(packet)
    steps = {(b.timestamp - a.timestamp) % (1 << 32) for a, b in itertools.pairwise(sent[: len(said)])}
    assert steps == {960}
    assert len(said) <= len(sent) < len(said) + 15  # then next to nothing
    decoder = Decoder(24000)
    heard = np.frombuffer(b"".join(decoder.decode(packet.payload) for packet in sent[: len(said)]), "<i2")
    want = np.frombuffer(b"".join(said), "<i2").astype(float)
    count = len(want) - 1000
    best = max(np.corrcoef(heard[lag : lag + count], want[:count])[0, 1] for lag in range(0, 600, 4))
    assert best > 0.9
    voice.close()


def test_time_that_was_skipped_is_skipped_in_the_stream() -> None:
    voice = Voice()
    voice.speaker = Speech(frames())
    sent = [voice.frame(due, due + 0.003) for due in (5.0, 5.02, 6.0, 6.02)]
    times = [packet.timestamp for packet in sent if packet is not None]
    assert [(time - times[0]) % (1 << 32) for time in times] == [0, 960, 48000, 48960]
    assert voice.late_ms == pytest.approx(3)
    voice.close()


def test_what_the_caller_says_comes_as_frames_of_our_time() -> None:
    given: list[bytes] = []
    hearing, encoder, said = Hearing(given.append), Encoder(24000, 24000, 5, 0), frames()
    hearing.begin(0.0)
    assert hearing.heard_at is None
    for n, frame in enumerate(said):
        now = (n + 1) * 0.02
        if n != 20:
            hearing.packet(Packet(111, False, n, n * 960, 7, encoder.encode(frame)), now)
        hearing.tick(now)
        assert hearing.heard_at == (now if n != 20 else n * 0.02)
        assert abs(len(given) - n) <= 4
    assert {len(frame) for frame in given} == {960}
    assert 0 <= hearing.lost["concealed_ms"] <= 60
    assert hearing.lost["dropped_ms"] == 0
    hearing.close()
