"""RTP and RTCP as bytes, against aiortc's parser and serialiser as the other side."""

from __future__ import annotations

import random

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpReceiveParameters
from aiortc.rtp import (
    HeaderExtensionsMap,
    RtcpByePacket,
    RtcpPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    RtpPacket,
)

from gateway.clients import packets, rtcp
from gateway.clients.internals import MID
from gateway.clients.packets import Packet
from gateway.clients.rtcp import Report, SenderInfo

pytestmark = pytest.mark.unit

EXTENSIONS = HeaderExtensionsMap()
EXTENSIONS.configure(
    RTCRtpReceiveParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(id=4, uri=MID)])
)
BLOCK = Report(
    ssrc=7, fraction_lost=12, lost=-3, highest=70_000, jitter=96, last_sr=0x12345678, delay=65536
)


def test_a_packet_of_ours_is_read_by_others() -> None:
    ours = Packet(111, True, 65535, 0xFFFFFFFF, 0xDEADBEEF, b"opus")
    theirs = RtpPacket.parse(packets.pack(ours, packets.extension({4: b"audio"})), EXTENSIONS)
    assert (theirs.payload_type, theirs.marker, theirs.sequence_number) == (111, 1, 65535)
    assert (theirs.timestamp, theirs.ssrc, theirs.payload) == (0xFFFFFFFF, 0xDEADBEEF, b"opus")
    assert theirs.extensions.mid == "audio"


def test_a_packet_of_others_is_read_by_us() -> None:
    theirs = RtpPacket(payload_type=96, marker=1, sequence_number=9, timestamp=960, ssrc=5)
    theirs.csrc, theirs.extensions.mid, theirs.padding_size, theirs.payload = [1, 2, 3], "0", 8, b"opus"
    assert packets.parse(theirs.serialize(EXTENSIONS)) == Packet(96, True, 9, 960, 5, b"opus")


def test_what_a_packet_says_of_its_length_is_not_believed() -> None:
    whole = packets.pack(Packet(96, False, 1, 2, 3, b"opus"))
    for bad in (
        whole[:11],
        b"\x40" + whole[1:],
        b"\x8f" + whole[1:],
        b"\x90" + whole[1:12],
        b"\x90" + whole[1:12] + b"\xbe\xde\xff\xff",
        b"\xa0" + whole[1:-1] + b"\x00",
        b"\xa0" + whole[1:-1] + b"\x05",
    ):
        with pytest.raises(ValueError, match=r"\w"):
            packets.parse(bad)
    assert packets.parse(b"\xa0" + whole[1:-1] + b"\x04").payload == b""


def test_nothing_else_is_raised_over_garbage() -> None:
    dice = random.Random(3)
    for _ in range(20_000):
        data = bytes((dice.randrange(128, 192),)) + dice.randbytes(dice.randrange(80))
        for parse in (packets.parse, rtcp.parse):
            try:
                parse(data)
            except ValueError:
                continue


def test_what_fits_no_extension_is_left_out() -> None:
    assert packets.extension({}) == packets.extension({4: b"x" * 17, 15: b"a", 3: b""}) == b""
    assert len(packets.extension({1: b"a", 2: b"bc"})) % 4 == 0


def test_reports_of_ours_are_read_by_others() -> None:
    info = SenderInfo(ntp=1 << 63, timestamp=(1 << 32) + 5, packets=10, octets=(1 << 32) + 800)
    data = rtcp.report(9, info, [BLOCK]) + rtcp.names(9, "parley") + rtcp.bye(9)
    sender, names, bye = RtcpPacket.parse(data)
    assert isinstance(sender, RtcpSrPacket)
    assert isinstance(names, RtcpSdesPacket)
    assert isinstance(bye, RtcpByePacket)
    assert sender.sender_info == RtcpSenderInfo(1 << 63, 5, 10, 800)
    (block,) = sender.reports
    assert block == RtcpReceiverInfo(
        ssrc=7,
        fraction_lost=12,
        packets_lost=-3,
        highest_sequence=70_000,
        jitter=96,
        lsr=0x12345678,
        dlsr=65536,
    )
    assert names.chunks == [RtcpSourceInfo(ssrc=9, items=[(1, b"parley")])]
    assert bye.sources == [9]
    (receiver,) = RtcpPacket.parse(rtcp.report(9, None, []))
    assert receiver == RtcpRrPacket(ssrc=9)


def test_reports_of_others_are_read_by_us() -> None:
    block = RtcpReceiverInfo(7, 12, -3, 70_000, 96, 0x12345678, 65536)
    data = b"".join(
        bytes(packet)
        for packet in (
            RtcpSrPacket(9, RtcpSenderInfo(1 << 63, 5, 10, 800), [block]),
            RtcpSdesPacket([RtcpSourceInfo(9, [(1, b"someone")])]),
            RtcpRtpfbPacket(fmt=1, ssrc=9, media_ssrc=7, lost=[3]),
            RtcpByePacket(sources=[9, 10]),
        )
    )
    found = rtcp.parse(data)
    assert (found.ssrc, found.sender) == (9, SenderInfo(1 << 63, 5, 10, 800))
    assert found.reports == [BLOCK]
    assert found.gone == [9, 10]
    with pytest.raises(ValueError, match="cut off"):
        rtcp.parse(b"\x82\xc9\x00\x07" + bytes(28))
