from __future__ import annotations

import pytest

from media.libopus import Encoder
from media.opus_packet import duration

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("ms", [2.5, 5, 10, 20, 40, 60])
def test_what_libopus_makes_lasts_as_long_as_it_was_asked(ms: float) -> None:
    for rate, bit_rate in ((8_000, 8_000), (16_000, 16_000), (24_000, 32_000), (48_000, 64_000)):
        packet = Encoder(rate, bit_rate, 5, 0).encode(bytes(int(rate * ms / 1000) * 2))
        assert duration(packet) == 48 * ms


def test_packets_of_several_frames() -> None:
    assert duration(bytes([0x79, 0, 0])) == 2 * 960  # hybrid 20 ms, two equal frames
    assert duration(bytes([0x7A, 1, 0, 0])) == 2 * 960  # two frames of different length
    assert duration(bytes([0x7B, 0x06])) == 6 * 960  # six: 120 ms, the longest
    assert duration(bytes([0xE3, 0x30])) == 48 * 120  # 48 of 2.5 ms


@pytest.mark.parametrize(
    "broken",
    [b"", bytes([0x7B]), bytes([0x7B, 0x40]), bytes([0x7B, 0x07]), bytes([0x1B, 0x03])],
    ids=["nothing", "no count", "no frame", "140 ms", "180 ms"],
)
def test_what_is_no_packet(broken: bytes) -> None:
    with pytest.raises(ValueError, match="Opus packet"):
        duration(broken)
