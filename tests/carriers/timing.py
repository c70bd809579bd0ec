"""What one message of audio costs, in and out, in microseconds of CPU: `python -m tests.carriers.timing`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

from gateway.wire import Started
from tests.carriers.wire import WIRES, Wire, said

BATCH = 4000
ROUNDS = 7


def best(batches: Iterable[list[str]] | None, act: Callable[[str], object]) -> float:
    """Microseconds for one, in the best of the batches."""
    least = float("inf")
    for batch in batches or [[""] * BATCH] * ROUNDS:
        began = time.thread_time()
        for one in batch:
            act(one)
        least = min(least, (time.thread_time() - began) / len(batch))
    return least * 1e6


def measured(wire: Wire) -> tuple[int, float, float]:
    """Milliseconds of audio in a message of ours, and what one costs in and out."""
    stream = wire.stream()
    (started,) = stream.receive(said(wire.start()))[0]
    assert isinstance(started, Started)
    audio = os.urandom(started.plays.bytes_per_ms * started.pacing.frame_ms)
    spoken = os.urandom(started.hears.bytes_per_ms * 20)
    batches = [
        [said(wire.media(n, n * 20, spoken)) for n in range(1 + turn * BATCH, 1 + (turn + 1) * BATCH)]
        for turn in range(ROUNDS)
    ]
    return started.pacing.frame_ms, best(batches, stream.receive), best(None, lambda _: stream.play(audio))


if __name__ == "__main__":
    print("carrier       in, 20 ms   out")  # noqa: T201  # a program of its own
    for name, wire in WIRES.items():
        frame_ms, inward, outward = measured(wire)
        print(f"{name:<12} {inward:7.2f} µs {outward:7.2f} µs ({frame_ms} ms)")  # noqa: T201  # as above
