"""The RTP session over a wire without a network."""

from __future__ import annotations

import pytest

from gateway.clients import packets, rtcp
from gateway.clients.packets import Packet
from gateway.clients.rtp import BURST, MAX_SOURCES, NTP_EPOCH, Outgoing, RtpSession

pytestmark = pytest.mark.unit

OPUS = 111
OURS = Outgoing(ssrc=0xA0A0A0A0, cname="parley", payload_type=OPUS, mid="0", mid_extension=4)
NOON = 1_800_000_000.0


class Far:
    """The other side, and the wire: genuine packets begin with their bytes, forged ones end in `forged`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.heard: list[Packet] = []
        self.opened = 0
        self.rtp: list[Packet] = []
        self.raw: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.losses: list[float] = []
        self.session = RtpSession(
            self,
            OPUS,
            self.heard.append,
            self.losses.append,
            clock=lambda: self.now,
            wall=lambda: NOON + self.now,
        )

    def open_rtp(self, data: bytes) -> bytes | None:
        self.opened += 1
        return None if data.endswith(b"forged") else data

    open_rtcp = open_rtp

    def send_rtp(self, packet: bytes) -> None:
        self.raw.append(packet)
        self.rtp.append(packets.parse(packet))

    def send_rtcp(self, packet: bytes) -> None:
        self.rtcp.append(packet)

    def say(self, ssrc: int, sequence: int, payload: bytes = b"opus", kind: int = OPUS) -> None:
        packet = Packet(kind, False, sequence % 65536, sequence * 960 % (1 << 32), ssrc, payload)
        self.session.datagram(packets.pack(packet))

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.now += 0.02
            self.session.tick()


@pytest.fixture
def far() -> Far:
    return Far()


def test_garbage_is_passed_over(far: Far) -> None:
    for data in (b"", b"\x80", b"\x80" * 11, b"\xbf" * 40, b"\x80\xc8" + bytes(40), b"\x80\x6f" * 8):
        far.session.datagram(data)
    assert not [packet for packet in far.heard if packet.payload == b"opus"]
    far.heard.clear()
    far.say(1, 1, kind=96)
    far.say(1, 1, b"")
    assert not far.heard


def test_what_is_not_agreed_on_is_not_even_decrypted(far: Far) -> None:
    far.say(1, 1)
    before = far.opened
    far.say(1, 2, kind=96)
    far.say(2, 2)
    assert far.opened == before


def test_the_one_who_is_heard_stays_until_silent_or_gone(far: Far) -> None:
    far.say(1, 1)
    far.say(2, 1)
    assert {packet.ssrc for packet in far.heard} == {1}
    far.now += 0.6
    far.say(3, 1, b"forged")
    far.say(1, 2)
    far.now += 0.6
    far.say(2, 2)
    far.say(1, 3)
    assert [packet.ssrc for packet in far.heard] == [1, 1, 2]
    far.session.datagram(rtcp.report(2, None, []) + rtcp.bye(2))
    far.say(1, 4)
    assert far.heard[-1].ssrc == 1


def test_a_peer_cannot_make_srtp_keep_ever_more_sources(far: Far) -> None:
    for ssrc in range(1, 3 * MAX_SOURCES):
        far.now += 1
        far.say(ssrc, 1)
        far.session.datagram(rtcp.report(ssrc, None, []) + rtcp.names(ssrc, "them"))
    assert len({packet.ssrc for packet in far.heard}) == MAX_SOURCES
    assert far.opened == 2 * MAX_SOURCES
    far.say(1, 2)
    assert far.heard[-1].ssrc == 1


def test_a_flood_is_cut_to_more_than_anyone_needs(far: Far) -> None:
    for n in range(5 * int(BURST)):
        far.say(1, n)
    assert len(far.heard) == BURST
    far.now += 1
    far.say(1, n)
    assert len(far.heard) == BURST + 1


def test_forged_packets_take_nothing_from_the_genuine(far: Far) -> None:
    far.say(1, 0)
    for n in range(3 * int(BURST)):
        far.say(1, n, b"forged")
        if n % 100 == 0:
            far.say(1, 1 + n // 100)
    assert len(far.heard) == 1 + 3 * BURST // 100


def test_our_stream_is_numbered_and_timed(far: Far) -> None:
    far.session.send(b"early", 0, marker=False)
    assert not far.rtp
    assert not far.session.started
    far.session.start(OURS)
    assert far.session.started
    for position in (0, 960, 1920, 48000):
        far.session.send(b"opus", position, marker=position == 48000)
    first = far.rtp[0]
    assert [(p.sequence - first.sequence) % 65536 for p in far.rtp] == [0, 1, 2, 3]
    assert [p.timestamp for p in far.rtp] == [0, 960, 1920, 48000]
    assert [p.marker for p in far.rtp] == [False, False, False, True]
    assert {(p.payload_type, p.ssrc, p.payload) for p in far.rtp} == {(OPUS, OURS.ssrc, b"opus")}


def test_the_section_is_named_until_they_know_the_stream(far: Far) -> None:
    far.session.start(OURS)
    far.session.send(b"opus", 0, marker=False)
    far.session.datagram(rtcp.report(1, None, [rtcp.Report(OURS.ssrc, 0, 0, 0, 0, 0, 0)]))
    far.session.send(b"opus", 960, marker=False)
    assert [len(raw) for raw in far.raw] == [12 + 8 + 4, 12 + 4]


def test_a_sender_report_ties_the_stream_to_the_time_of_day(far: Far) -> None:
    far.session.start(OURS)
    far.session.tick()
    far.session.send(b"opus", 48000, marker=False)
    far.wait(2)
    told = rtcp.parse(far.rtcp[0]).sender
    assert told is not None
    assert (told.packets, told.octets) == (1, 4)
    of_day = told.ntp / (1 << 32) - NTP_EPOCH - NOON
    moved = (told.timestamp - far.rtp[0].timestamp) % (1 << 32)
    assert moved == pytest.approx((of_day - 100.0) * 48000, abs=48)
    assert far.rtcp[0].endswith(rtcp.names(OURS.ssrc, "parley"))


def test_who_says_nothing_reports_as_a_receiver(far: Far) -> None:
    far.session.start(OURS)
    far.say(1, 1)
    far.say(1, 3)
    far.wait(10)
    assert 7 <= len(far.rtcp) <= 20
    first = rtcp.parse(far.rtcp[0])
    assert first.sender is None
    assert [(block.ssrc, block.lost, block.fraction_lost) for block in first.reports] == [(1, 1, 85)]
    far.session.send(b"opus", 0, marker=False)
    far.rtcp.clear()
    far.wait(10)
    assert [rtcp.parse(data).sender is not None for data in far.rtcp[:4]] == [True, True, False, False]


def test_the_round_trip_comes_from_their_reports(far: Far) -> None:
    far.session.start(OURS)
    far.session.send(b"opus", 0, marker=False)
    far.wait(2)
    told = rtcp.parse(far.rtcp[0]).sender
    assert told is not None
    sent, at = (
        told.ntp >> 16 & 0xFFFFFFFF,
        (told.ntp >> 32) - NTP_EPOCH - NOON + (told.ntp & 0xFFFFFFFF) / (1 << 32),
    )
    far.session.datagram(rtcp.report(1, None, [rtcp.Report(OURS.ssrc, 0, 0, 0, 0, sent ^ 1, 0)]))
    assert "rtt_ms" not in far.session.figures()
    far.now = at + 0.35
    far.session.datagram(rtcp.report(1, None, [rtcp.Report(OURS.ssrc, 64, 0, 0, 0, sent, 65536 // 4)]))
    assert far.losses == [0, 0.25]
    assert far.session.figures()["rtt_ms"] == pytest.approx(100, abs=1)
    far.say(1, 1)
    assert far.session.figures().keys() == {"jitter_ms", "packet_loss", "rtt_ms"}


def test_a_goodbye_is_said_once_and_is_the_last(far: Far) -> None:
    far.session.start(OURS)
    far.session.send(b"opus", 0, marker=False)
    far.session.goodbye()
    far.session.goodbye()
    assert [rtcp.parse(data).gone for data in far.rtcp] == [[OURS.ssrc]]
    far.session.send(b"opus", 960, marker=False)
    far.wait(5)
    assert (len(far.rtp), len(far.rtcp)) == (1, 1)
