"""Every noise that begins suddenly, and every caller, before every detector: the figures by which detectors compare.

`python -m tests.media.sweep [noise|callers|echo|stalls|cpu ...]`; minutes of one core. Deterministic but for `cpu`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from statistics import median
from time import process_time

import numpy as np
from numpy.typing import NDArray

from media.level import dbfs
from media.vad import SpeechStarted, SpeechStopped, VoiceDetector
from tests.caller_audio import recording
from tests.media.hearing import (
    BEDS,
    KINDS,
    TURNS,
    Heard,
    at_level,
    by_telephone,
    carried,
    frames,
    listen,
    room,
    sound,
    starts,
    stops,
)

HEARERS = {**KINDS, "engine by phone": KINDS["engine"]}
LEVELS = (-45, -32, -26, -20)
CROWD_EVERY_MS, EVERY_MS = 60, 240
"""How often in a recording a noise begins; a crowd is never the same."""
LENGTH_MS, LEAD_MS = 2500, 1500
INTERRUPTS_MS = 700
"""So much speech over a reply ends it (gateway.call.speech)."""
GAINS = (1.0, 0.3, 0.1)
STALLS_MS = (20, 40, 60, 80, 120, 200)


def sudden(bed: str, level: float, offset_ms: int, length_ms: int = LENGTH_MS) -> list[bytes]:
    """A quiet room, in which a noise begins."""
    noise = at_level(bed, level)[offset_ms * 24 : (offset_ms + length_ms) * 24]
    return frames(room(LEAD_MS), noise, room(500))


def heard_by(kind: str, line: list[bytes]) -> list[bytes]:
    return by_telephone(line) if kind == "engine by phone" else line


def offsets(bed: str) -> range:
    return range(0, len(sound(bed)) // 24 - 500, CROWD_EVERY_MS if bed == "noise_babble" else EVERY_MS)


def believed_ms(heard: Heard, on_trial: bool) -> int | None:
    """How much speech was believed at most, retracted trials being none; None: no start at all. Of a detector without
    trials every start counts."""
    begun, over = starts(heard), stops(heard)
    if not begun:
        return None
    spoken = [stop.end_ms - start.at_ms for start, stop in zip(begun, over, strict=False)]
    if len(over) < len(begun):
        spoken.append(10_000)
    return max(spoken) if on_trial else max(20, *spoken)


def noise() -> Iterator[str]:
    yield "sudden noises             tried  started  believed  >=700 ms  longest ms"
    for kind, make in HEARERS.items():
        on_trial = "engine" not in kind
        for bed in BEDS:
            for level in LEVELS:
                said = [
                    believed_ms(listen(make(), heard_by(kind, sudden(bed, level, at))), on_trial)
                    for at in offsets(bed)
                ]
                some = [ms for ms in said if ms is not None]
                believed = [ms for ms in some if ms > 0]
                long = sum(ms >= INTERRUPTS_MS for ms in believed)
                yield (
                    f"{kind:16} {bed[6:]:8} {level:4} {len(said):4} {len(some):6} {len(believed):8} {long:8}"
                    f" {max(believed, default=0):8}"
                )


def turns(kind: str, make: Callable[[], VoiceDetector], line: Callable[[str], NDArray[np.float32]]) -> str:
    late, early, ends, lost, parts = list[int](), list[int](), list[int](), list[str](), list[str]()
    for name in TURNS:
        told = recording(name)
        heard = listen(make(), heard_by(kind, frames(line(name))))
        begin, end = LEAD_MS + told.speech_start_s * 1000 + 30, LEAD_MS + told.speech_end_s * 1000 - 30
        begun, over = starts(heard), stops(heard)
        if not begun or not over or all(s.end_ms <= b.at_ms for b, s in zip(begun, over, strict=False)):
            lost.append(name)
            continue
        if len(begun) > 1:
            parts.append(name)
        first = next((verdict, fed) for verdict, fed in heard if isinstance(verdict, SpeechStarted))
        late.append(first[1] - round(begin))
        early.append(first[0].at_ms - round(begin))
        last = [(v, fed) for v, fed in heard if isinstance(v, SpeechStopped)][-1]
        ends.append(last[0].end_ms - round(end))
    p90 = sorted(late)[round(0.9 * (len(late) - 1))]
    return (
        f"onset {median(early):5.0f} {min(early):5}..{max(early):4}  latency {median(late):4.0f} p90 {p90:4} max"
        f" {max(late):4}  end {median(ends):5.0f} {min(ends):5}..{max(ends):4}  lost {lost or 0} in parts {parts or 0}"
    )


def callers() -> Iterator[str]:
    for kind, make in HEARERS.items():
        for gain in GAINS:

            def quietly(name: str, gain: float = gain) -> NDArray[np.float32]:
                return np.concatenate([room(LEAD_MS), sound(name) * np.float32(gain), room(900)])

            yield f"{kind:16} gain {gain:3}          {turns(kind, make, quietly)}"
        for bed in BEDS:
            for below in (10, 15):
                level = np.tile(sound(bed) * np.float32(2600 / 800 / 10 ** (below / 20)), 2)

                def within(name: str, level: NDArray[np.float32] = level) -> NDArray[np.float32]:
                    line = np.concatenate([room(LEAD_MS), sound(name), room(900)])
                    return np.asarray(line + level[: line.size], np.float32)

                yield f"{kind:16} {bed[6:]:6} {below} dB below {turns(kind, make, within)}"


def echo() -> Iterator[str]:
    """What we play comes back 20 dB below, 120 ms late."""
    for kind, make in HEARERS.items():
        if "engine" in kind:
            continue
        started, believed = 0, 0
        for name in TURNS:
            agent = sound(name) * np.float32(0.9)
            back = np.concatenate([np.zeros(24 * 120, np.float32), agent * np.float32(0.1), room(900)])
            played = frames(np.concatenate([agent, np.zeros(back.size - agent.size, np.float32)]))
            detector = make()
            said: Heard = []
            heard = carried(frames(np.concatenate([room(LEAD_MS), back])), detector.form)
            lead = LEAD_MS // 20
            for frame in heard[:lead]:
                detector.feed(frame)
            for ours, theirs in zip(played, heard[lead:], strict=False):
                detector.far_level(dbfs(ours))
                said += [(verdict, detector.fed_ms) for verdict in detector.feed(theirs)]
            ms = believed_ms(said, on_trial=True)
            started += ms is not None
            believed += bool(ms)
        yield f"{kind:16} echo of {len(TURNS)}: started {started}, believed {believed}"


def stalls() -> Iterator[str]:
    """A babble in which packets are late: silence instead, as a timeline conceals it, and the sound goes on after."""
    for kind, make in HEARERS.items():
        on_trial = "engine" not in kind
        for stall_ms in STALLS_MS:
            said = list[int | None]()
            for at in range(0, 8000, 480):
                whole = frames(at_level("noise_babble", -32)[at * 24 : (at + LENGTH_MS) * 24])
                for after in (6, 11, 17, 25):
                    hole = [bytes(len(whole[0]))] * (stall_ms // 20)
                    line = [
                        *frames(room(LEAD_MS)),
                        *whole[:after],
                        *hole,
                        *whole[after:],
                        *frames(room(500)),
                    ]
                    said.append(believed_ms(listen(make(), heard_by(kind, line)), on_trial))
            some = [ms for ms in said if ms is not None]
            yield (
                f"{kind:16} stalls {stall_ms:3} ms {len(said)} tried, {len(some)} started,"
                f" {sum(ms > 0 for ms in some)} believed"
            )


def cpu() -> Iterator[str]:
    kinds = {
        "quiet": frames(room(8000)),
        "speech": frames(*(sound(name) for name in TURNS)),
        "babble": frames(room(LEAD_MS), at_level("noise_babble", -32)),
    }
    for kind, make in HEARERS.items():
        for what, line in kinds.items():
            heard = carried(heard_by(kind, line), make().form)
            best = 1e9
            for _ in range(5):
                detector = make()
                begun = process_time()
                for frame in heard:
                    detector.feed(frame)
                best = min(best, (process_time() - begun) / len(heard))
                detector.close()
            yield f"{kind:16} {what:8} {best * 1e6:6.1f} us a frame"


if __name__ == "__main__":
    parts = {"noise": noise, "callers": callers, "echo": echo, "stalls": stalls, "cpu": cpu}
    for part in sys.argv[1:] or parts:
        for row in parts[part]():
            print(row, flush=True)  # noqa: T201 - what it is for
