"""A network between an Opus sender and `AudioReceiver`: what is said here goes through the real codec, and what is
heard there is measured in audio time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random

import numpy as np
import numpy.typing as npt

from media.libopus import Encoder
from media.receiving import AudioReceiver
from media.resample import Resampler
from tests.caller_audio import pcm, recordings

__all__ = ["Heard", "Packet", "hear", "network", "speech", "stream"]

RATE = 24_000
TRANSIT_S = 0.03
Samples = npt.NDArray[np.int16]


@dataclass(slots=True)
class Packet:
    """One RTP packet; `sent_s` is when its last sample was spoken, by the receiver's clock."""

    sequence: int
    timestamp: int
    payload: bytes
    sent_s: float
    arrives_s: float = 0.0
    ssrc: int = 1


@cache
def speech(seconds: float = 20.0) -> bytes:
    """Several callers after each other, as recorded, at 24 kHz."""
    names = [r.name for r in recordings() if r.kind == "turn" and r.expect == "ok"]
    whole = b"".join(Resampler(16_000, RATE).process(pcm(name)) for name in names)
    size = int(seconds * RATE) * 2
    return (whole * (size // len(whole) + 1))[:size]


@cache
def stream(
    said: bytes,
    ms: float = 20,
    *,
    fec: int = 10,
    first: int = 100,
    timestamp: int = 5000,
    bit_rate: int = 32_000,
) -> tuple[Packet, ...]:
    """What a sender makes of it. `fec`: the loss in percent that it is prepared for."""
    encoder = Encoder(RATE, bit_rate, 5, fec)
    size = int(ms * RATE / 1000) * 2
    return tuple(
        Packet(
            first + n & 0xFFFF,
            timestamp + n * int(48 * ms) & 0xFFFFFFFF,
            encoder.encode(said[n * size : (n + 1) * size]),
            (n + 1) * ms / 1000,
        )
        for n in range(len(said) // size)
    )


def network(
    packets: Iterable[Packet],
    *,
    lost: Callable[[int], bool] = lambda n: False,
    jitter_s: float = 0.0,
    reordered: float = 0.0,
    twice: float = 0.0,
    ppm: float = 0.0,
    stalls: tuple[tuple[float, float], ...] = (),
    seed: int = 1,
) -> list[Packet]:
    """As they arrive, in that order. `jitter_s`: most of a delay that never reorders; `reordered`: the share that comes
    after the next one; `twice`: the share that comes again; `ppm`: how fast the sender's clock is against ours;
    `stalls`: from when to when nothing arrives, all of it then."""
    dice = Random(seed)
    out: list[Packet] = []
    last = 0.0
    for n, packet in enumerate(packets):
        if lost(n):
            continue
        sent = packet.sent_s * (1 - ppm / 1e6)
        at = max(last, sent + TRANSIT_S + dice.random() * jitter_s)
        for begins, ends in stalls:
            if begins <= at < ends:
                at = ends
        last = at
        if dice.random() < reordered:
            at += 0.025
        again = (0.0, 0.05) if dice.random() < twice else (0.0,)
        out.extend(replace(packet, sent_s=sent, arrives_s=at + more) for more in again)
    return sorted(out, key=lambda packet: packet.arrives_s)


@dataclass
class Heard:
    """What came out, and when."""

    receiver: AudioReceiver
    frames: list[tuple[float, bytes]] = field(default_factory=list)
    ahead: float = 0.0
    """Most that what was given exceeded the time that had passed, in seconds."""
    behind: float = 0.0
    """Most that it lagged."""

    @property
    def pcm(self) -> Samples:
        return np.frombuffer(b"".join(frame for _, frame in self.frames), "<i2")

    def delays(
        self, said: bytes, *, ppm: float = 0, every_s: float = 0.1, window_s: float = 0.3
    ) -> list[tuple[float, float]]:
        """(When it was given, seconds it took from the mouth) of every piece of speech that can be recognised in what
        came out. The network's 30 ms and the codec's own 6.5 ms are in it."""
        reference = np.frombuffer(said, "<i2").astype(np.float64)
        out = self.pcm.astype(np.float64)
        window, most = int(window_s * RATE), int(1.2 * RATE)
        found = []
        for at in range(0, len(out) - window, int(every_s * RATE)):
            piece = out[at : at + window]
            if np.sqrt(np.mean(piece**2)) < 800:
                continue
            start = max(0, at - most)
            part = reference[start : at + window + int(0.2 * RATE)]
            size = 1 << (len(part) + window).bit_length()
            product = np.fft.irfft(np.fft.rfft(part, size) * np.conj(np.fft.rfft(piece, size)), size)
            scores = product[: len(part) - window + 1]
            sums = np.concatenate(([0.0], np.cumsum(part**2)))
            norms = np.sqrt((sums[window:] - sums[:-window]) * np.sum(piece**2)) + 1
            likeness = scores / norms
            best = int(np.argmax(likeness))
            if likeness[best] < 0.75:
                continue
            end = at + window
            given_at = self.frames[(end - 1) // 480][0]
            found.append((given_at, given_at - (start + best + window) / RATE * (1 - ppm / 1e6)))
        return found


def hear(
    packets: list[Packet], seconds: float, *, phase_s: float = 0.013, receiver: AudioReceiver | None = None
) -> Heard:
    """Let them arrive at a receiver that is ticked every 20 ms, `phase_s` off the sender's frames."""
    heard = Heard(receiver or AudioReceiver())
    heard.receiver.begin(0.0)
    ticks: list[tuple[float, Packet | None]] = [
        (0.02 * n + phase_s, None) for n in range(int(seconds * 50))
    ]
    arrivals: list[tuple[float, Packet | None]] = [
        (p.arrives_s, p) for p in packets if p.arrives_s < seconds
    ]
    for now, packet in sorted([*ticks, *arrivals], key=lambda event: event[0]):
        if packet is None:
            frames = heard.receiver.tick(now)
        else:
            frames = heard.receiver.packet(
                packet.sequence, packet.timestamp, packet.payload, now, packet.ssrc
            )
        assert all(len(frame) == 960 for frame in frames)
        heard.frames += [(now, frame) for frame in frames]
        lag = now - 0.02 * len(heard.frames)
        heard.ahead, heard.behind = max(heard.ahead, -lag), max(heard.behind, lag)
    return heard
