"""The way from the agent to the listener: real speech through the real codec, and what one who knows RTP hears."""

from __future__ import annotations

import numpy as np
import pytest

from media.libopus import Decoder
from media.opus_packet import DTX, duration
from media.receiving import AudioReceiver
from media.sending import EFFORTS, REFRESH, SETTLED, AudioSender, Effort, Outgoing, encode
from tests.media.network import speech

pytestmark = pytest.mark.unit

SAID = speech(6.0)
FRAMES = [SAID[at : at + 960] for at in range(0, len(SAID) - 959, 960)]


def sent(sender: AudioSender, frames: list[bytes | None]) -> list[Outgoing | None]:
    out = []
    for pcm in frames:
        packet = sender.frame(pcm)
        if packet is not None:
            encode(packet)
            assert packet.failed is None
        out.append(packet)
    return out


def bits(packets: list[Outgoing | None]) -> float:
    return sum(8 * len(packet.payload) for packet in packets if packet) / (0.02 * len(packets))


def test_speech_is_a_packet_every_20_ms_and_sounds_like_itself() -> None:
    packets = sent(AudioSender(), [*FRAMES])
    assert all(duration(packet.payload) == 960 for packet in packets if packet)
    assert None not in packets
    assert 15_000 < bits(packets) < 26_000
    decoder = Decoder(24_000)
    heard = np.frombuffer(b"".join(decoder.decode(packet.payload) for packet in packets if packet), "<i2")
    said = np.frombuffer(SAID, "<i2").astype(float)
    count = 100_000
    assert (
        max(float(np.corrcoef(heard[lag : lag + count], said[:count])[0, 1]) for lag in range(100, 300))
        > 0.8
    )


def test_silence_is_not_encoded_and_hardly_sent() -> None:
    packets = sent(AudioSender(), [*FRAMES[:50], *[None] * 500])
    silence = packets[50:]
    assert [packet is not None for packet in silence[: SETTLED + 2]] == [True] * (SETTLED + 1) + [False]
    comfort = [packet for packet in silence[SETTLED:] if packet]
    assert {len(packet.payload) for packet in comfort} == {1}
    assert len(comfort) == -(-(500 - SETTLED) // REFRESH)
    assert all(duration(packet.payload) == 960 and len(packet.payload) <= DTX for packet in comfort)
    assert bits(silence[SETTLED:]) < 50


def test_frames_of_zeros_are_silence_too() -> None:
    none = sent(AudioSender(), [*FRAMES[:20], *[None] * 60])
    zeros = sent(AudioSender(), [*FRAMES[:20], *[bytes(960)] * 60])
    assert [p and (p.timestamp, p.payload) for p in zeros] == [p and (p.timestamp, p.payload) for p in none]


def test_time_goes_on_and_the_first_packet_of_sound_is_marked() -> None:
    frames: list[bytes | None] = [
        *[None] * 30,
        *FRAMES[40:60],
        *[None] * 3,
        *FRAMES[60:80],
        *[None] * 50,
        *FRAMES[80:90],
    ]
    packets = sent(AudioSender(0xFFFFFFFF - 960 * 20), frames)
    for n, packet in enumerate(packets):
        assert packet is None or packet.timestamp == (0xFFFFFFFF - 960 * 20 + 960 * n) & 0xFFFFFFFF
    marked = [n for n, packet in enumerate(packets) if packet and packet.marker]
    assert marked == [30, 123], "not after the pause of 60 ms, through which sound went on"


def test_time_that_was_skipped_counts() -> None:
    sender = AudioSender(7)
    before = sender.frame(FRAMES[0])
    sender.skip(10)
    after = sender.frame(FRAMES[1])
    assert before is not None
    assert after is not None
    assert after.timestamp - before.timestamp == 11 * 960


def test_a_listener_hears_every_syllable_in_its_time_and_silence_between() -> None:
    """Replies with pauses of 60 ms to 3 s between them, through our own receiver, which conceals what does not come."""
    frames: list[bytes | None] = []
    speaking = []
    for pause, begin in ((40, 15), (150, 15), (3, 60), (25, 100), (11, 15)):
        frames += [None] * pause
        speaking.append((len(frames), begin))
        frames += FRAMES[begin : begin + 60]
    frames += [None] * 50
    receiver, heard, sequence = AudioReceiver(), [], 65_530
    receiver.begin(0.0)
    for n, packet in enumerate(sent(AudioSender(), frames)):
        now = 0.02 * (n + 1)
        if packet is not None:
            heard += receiver.packet(sequence & 0xFFFF, packet.timestamp, packet.payload, now)
            sequence += 1
        heard += receiver.tick(now + 0.01)
    pcm = np.frombuffer(b"".join(heard), "<i2").astype(float)
    assert len(frames) - 5 <= len(heard) <= len(frames)
    said = np.frombuffer(SAID, "<i2").astype(float)
    for at, begin in speaking:
        first = said[begin * 480 : begin * 480 + 4800]
        around = pcm[max(0, at * 480 - 3000) : at * 480 + 8400]
        likeness = np.correlate(around, first, "valid") / (
            np.linalg.norm(first) * np.sqrt(np.convolve(around**2, np.ones(len(first)), "valid")) + 1
        )
        assert likeness.max() > 0.75, "its first 200 ms are there"
        assert abs(int(likeness.argmax()) - min(3000, at * 480) - 156) < 3 * 480, "and in their time"
    assert np.abs(pcm[60 * 480 + 60 * 480 : 60 * 480 + 150 * 480]).max() < 60, "silence is silent"


def test_reported_losses_bring_copies_and_go_when_they_go() -> None:
    sender = AudioSender()
    clear = bits(sent(sender, [*FRAMES[:150]]))
    sender.reported(0.1)
    lossy = sent(sender, [*FRAMES[:150]])
    assert bits(lossy) > 1.15 * clear
    decoder, mended, made_up = Decoder(24_000), 0.0, 0.0
    said = [np.frombuffer(frame, "<i2").astype(float) for frame in FRAMES]
    for n, packet in enumerate(lossy[:149]):
        following = lossy[n + 1]
        assert packet is not None
        assert following is not None
        if n % 10 == 5:
            mended += level(decoder.recover(following.payload, 480))
            made_up += float(np.abs(said[n]).mean())
        else:
            decoder.decode(packet.payload)
    assert mended > 0.4 * made_up
    for _ in range(40):
        sender.reported(0.0)
    assert bits(sent(sender, [*FRAMES[:150]])) == pytest.approx(clear, rel=0.1)


def level(pcm: bytes) -> float:
    return float(np.abs(np.frombuffer(pcm, "<i2").astype(float)).mean())


def test_one_that_fails_harms_no_other() -> None:
    good, bad = AudioSender(), AudioSender()
    one, other = good.frame(FRAMES[50]), bad.frame(FRAMES[50][:-2])
    assert one is not None
    assert other is not None
    encode(other)
    encode(one)
    assert duration(one.payload) == 960
    assert other.payload == b""
    assert "invalid argument" in str(other.failed)
    bad.close()
    closed = bad.frame(FRAMES[51])
    assert closed is not None
    encode(closed)
    assert "closed" in str(closed.failed)


def test_the_more_speak_the_less_each_encoder_tries() -> None:
    effort = Effort()
    crowd = [AudioSender(effort=effort) for _ in range(30)]
    packets = [sent(sender, [*FRAMES[15:45]]) for sender in crowd]
    made = [tuple(packet.payload for packet in each if packet) for each in packets]
    assert effort.speaking == 30
    assert [len(set(made[at:to])) for at, to in ((0, 8), (8, 20), (20, 30))] == [1, 1, 1]
    assert len(set(made)) == 3
    for sender in crowd[:25]:
        sent(sender, [None] * (SETTLED + 1))
    crowd[26].close()
    crowd[26].reported(0.3)
    assert effort.speaking == 4
    assert effort.complexity == max(complexity for _, complexity in EFFORTS)
