from __future__ import annotations

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG, SCTP_DATA_LAST_FRAG, DataChunk, InboundStream

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
