from __future__ import annotations

import random

import pytest
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RtpPacket

from gateway.clients.source import Source

pytestmark = pytest.mark.unit


def test_losses_are_counted_over_the_wrap_of_the_numbers() -> None:
    source = Source(7, 48000)
    for n in range(65_500, 65_700):
        if n % 10:
            source.packet(n % 65536, n * 960 % (1 << 32), n * 0.02)
    # The first that is known of is 65501, so of 65500 nobody knows.
    assert (source.expected, source.lost) == (199, 19)
    report = source.report(5000.0)
    assert (report.lost, report.highest, report.fraction_lost) == (19, 65_699, 19 * 256 // 199)
    source.packet(65_700 % 65536, 65_700 * 960, 1314.0)
    assert source.report(5001.0).fraction_lost == 0


def test_what_comes_twice_or_out_of_order_is_no_loss() -> None:
    source = Source(7, 48000)
    for n in (1, 2, 4, 3, 5, 5):
        source.packet(n, n * 960, n * 0.02)
    assert (source.expected, source.lost) == (5, -1)


def test_one_stray_number_changes_nothing_and_a_new_beginning_is_followed() -> None:
    source = Source(7, 48000)
    for n in (100, 101, 40_000, 102):
        source.packet(n, n * 960, n * 0.02)
    assert (source.expected, source.lost) == (3, 0)
    for n in (9_000, 9_001, 9_002):
        source.packet(n, n * 960, n * 0.02)
    assert (source.expected, source.lost) == (5, 0)


def test_the_jitter_is_that_of_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    dice, ours, theirs = random.Random(1), Source(7, 48000), StreamStatistics(48000)
    at = 0.0
    for n in range(500):
        at = 100 + n * 0.02 + dice.random() * 0.01
        monkeypatch.setattr("time.time", lambda at=at: at)
        ours.packet(n, n * 960, at)
        theirs.add(RtpPacket(payload_type=96, sequence_number=n, timestamp=n * 960))
    assert ours.jitter_s * 48000 == pytest.approx(theirs.jitter, rel=0.05)
    assert 1.5 < ours.jitter_s * 1000 < 5


def test_silence_that_is_not_sent_is_no_jitter() -> None:
    source = Source(7, 48000)
    for n in range(200):
        silence = n // 20 * 400
        source.packet(n, (n * 20 + silence) * 48, (n * 20 + silence) / 1000)
    assert source.jitter_s < 1e-6


def test_a_report_says_when_the_other_s_was_heard() -> None:
    source = Source(7, 48000)
    source.packet(1, 960, 1.0)
    assert source.report(1.0).last_sr == 0
    source.sender_report(0x1122_3344_5566_7788, 2.0)
    report = source.report(2.5)
    assert (report.last_sr, report.delay) == (0x3344_5566, 32768)
