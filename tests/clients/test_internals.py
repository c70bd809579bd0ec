from __future__ import annotations

import random
from collections.abc import AsyncIterator

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG, SCTP_DATA_LAST_FRAG, DataChunk, InboundStream
from aiortc.rtp import RtpPacket

from gateway.clients import bounds, internals
from gateway.clients.bounds import MAX_MESSAGE, Fault

pytestmark = pytest.mark.unit


def test_the_libraries_are_those_that_were_read() -> None:
    internals.check()


@pytest.mark.parametrize(
    ("owner", "name"),
    [(InboundStream, "pop_messages"), (aioice.ice.Connection, "get_component_candidates")],
)
def test_a_change_of_the_libraries_is_loud(
    owner: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(owner, name)
    with pytest.raises(RuntimeError, match=name):
        internals.check()


def test_another_version_is_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiortc.__version__", "1.17.0")
    with pytest.raises(RuntimeError, match=r"1\.17\.0"):
        internals.check()


class Wire:
    """Packets through the buffer that replaces aiortc's; what comes out, in order, by number."""

    def __init__(self, receiver: RTCRtpReceiver) -> None:
        internals.lower_latency(receiver)
        self.receiver = receiver
        self.buffer = getattr(receiver, internals.JITTER_BUFFER)
        codec = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48000, channels=2, payloadType=96)
        internals._private(receiver, "codecs")[96] = codec
        self.out: list[int] = []

    def send(self, *numbers: int) -> list[int]:
        """The numbers that come out while these go in."""
        before = len(self.out)
        queue = internals._private(self.receiver, "decoder_queue")
        for number in numbers:
            packet = RtpPacket(
                payload_type=96, sequence_number=number % 65536, timestamp=number * 960 % (1 << 32)
            )
            packet._data = str(number).encode()  # type: ignore[attr-defined]  # as aiortc does
            _, last = self.buffer.add(packet)
            while not queue.empty():
                self.out.append(int(queue.get()[1].data))
            if last is not None:
                self.out.append(int(last.data))
        return self.out[before:]


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    yield Wire(pc.addTransceiver("audio").receiver)
    await pc.close()


async def test_packets_in_order_pass_at_once(wire: Wire) -> None:
    for number in range(65000, 66000):
        assert wire.send(number) == [number]


async def test_packets_out_of_order_are_put_in_order(wire: Wire) -> None:
    assert wire.send(1, 3, 2, 4) == [1, 2, 3, 4]
    assert wire.send(6, 5, 5, 6, 4) == [5, 6]


async def test_a_lost_packet_is_waited_for_until_two_later_ones_came(wire: Wire) -> None:
    assert wire.send(1, 3) == [1]
    assert wire.send(4) == [3, 4]
    assert wire.send(2, 5) == [5]
    assert wire.send(9, 7) == [7, 9]
    assert wire.send(10) == [10]


async def test_a_sender_that_begins_anew_is_followed(wire: Wire) -> None:
    assert wire.send(30000, 30001) == [30000, 30001]
    assert wire.send(500, 501) == [500, 501]


async def test_whatever_the_order_nothing_comes_twice_or_backwards(wire: Wire) -> None:
    shuffle = random.Random(7)
    numbers = [number for number in range(2000) if shuffle.random() > 0.05]
    numbers.sort(key=lambda number: number + shuffle.random() * 4)
    wire.send(*numbers)
    assert wire.out == sorted(set(wire.out))
    assert len(wire.out) > 0.8 * len(numbers)


def test_a_receiver_without_the_jitter_buffer_is_loud() -> None:
    with pytest.raises(AttributeError, match="jitter_buffer"):
        internals.lower_latency(object.__new__(RTCRtpReceiver))


async def gathered(addresses: list[str]) -> tuple[set[str], dict[str, str]]:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.addTransceiver("audio")
    offer = await pc.createOffer()
    published = internals.offer_addresses(pc, addresses)
    await pc.setLocalDescription(offer)
    (transport,) = internals.transports(pc)
    found = {candidate.ip for candidate in transport.transport.iceGatherer.getLocalCandidates()}
    await pc.close()
    return found, published


async def test_only_the_chosen_addresses_are_offered() -> None:
    assert await gathered(["127.0.0.1"]) == ({"127.0.0.1"}, {})


async def test_the_choice_of_one_connection_is_not_that_of_another() -> None:
    everywhere = set(aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True))
    found, _ = await gathered([])
    assert "127.0.0.1" not in found
    assert found <= everywhere


async def test_an_address_that_is_not_ours_is_published_for_ours() -> None:
    ours = set(aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False))
    found, published = await gathered(["203.0.113.9"])
    assert published == dict.fromkeys(ours, "203.0.113.9")
    assert found <= ours


def chunk(tsn: int, data: bytes, flags: int = 0, order: int = 0) -> DataChunk:
    made = DataChunk(flags=flags)
    made.tsn, made.user_data, made.stream_seq = tsn, data, order
    return made


def test_an_endless_message_is_not_kept() -> None:
    faults: list[Fault] = []
    stream = bounds._BoundedStream(faults.append)
    for tsn in range(bounds.MAX_FRAGMENTS):
        stream.add_chunk(chunk(tsn, bytes(1100), 0 if tsn else SCTP_DATA_FIRST_FRAG))
        assert list(stream.pop_messages()) == []
    assert sum(len(c.user_data) for c in stream.reassembly) <= MAX_MESSAGE + 1100
    with pytest.raises(ConnectionError):
        stream.add_chunk(chunk(bounds.MAX_FRAGMENTS, bytes(1100)))
    assert faults == [Fault.FLOOD]


def test_messages_come_out_whole_and_a_large_one_cut() -> None:
    whole = SCTP_DATA_FIRST_FRAG | SCTP_DATA_LAST_FRAG
    stream = bounds._BoundedStream(lambda fault: None)
    stream.add_chunk(chunk(1, b"one", whole))
    assert [message[2] for message in stream.pop_messages()] == [b"one"]
    for tsn in range(2, 1002):
        stream.add_chunk(chunk(tsn, bytes(1100), SCTP_DATA_FIRST_FRAG if tsn == 2 else 0, order=1))
    stream.add_chunk(chunk(1003, b"two", whole, order=2))
    assert list(stream.pop_messages()) == []
    stream.add_chunk(chunk(1002, b"end", SCTP_DATA_LAST_FRAG, order=1))
    large, small = (message[2] for message in stream.pop_messages())
    assert MAX_MESSAGE < len(large) <= MAX_MESSAGE + 1100
    assert small == b"two"
    assert stream.reassembly == []
