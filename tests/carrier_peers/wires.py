"""Writes the carriers' wire files anew: `python -m tests.carrier_peers.wires` (see tests/wires/carriers.md)."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.faults import Frame
from tests.carrier_peers.plugins import named, names

__all__ = ["FOLDER", "SITUATIONS", "Bad", "Line", "Words", "lines", "main", "script"]

FOLDER = Path(__file__).parents[1] / "wires"
NOON = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
FRAME_S = 0.02

Line = dict[str, str]


@dataclass(frozen=True, slots=True)
class Bad:
    """A message that breaks a rule, and the code it is blamed with."""

    frame: Frame
    fault: str
    source: str


@dataclass(frozen=True, slots=True)
class Words:
    """How a good application speaks with one carrier, and where each message's shape stands."""

    make: Callable[[], Carrier[Any]]
    """A stream with plain ids."""
    play: Callable[[bytes], Frame]
    """One frame of sound."""
    mark: Callable[[str], Frame] | None
    clear: Callable[[Any], Frame] | None
    """Given the carrier, whose last number it may have to confirm."""
    sources: dict[str, str]
    """By direction and type: `in start`, `out media`; `in` and `out` stand for the rest."""
    bad: Sequence[Bad]
    hostile: Sequence[Frame]
    """What no carrier would send, with the carrier's ids in it where it has any."""
    digits: str = "5*#"
    """Keys that its callers press; empty where it cannot tell."""
    chunk_ms: int = 20
    """How much sound one message has."""
    after: Sequence[Callable[[Any], Frame]] = field(default=())
    """What the application answers to the start before it may speak."""
    goodbye: Callable[[Any], Frame] | None = None
    """What it answers to the end."""


class _Tape:
    """Plays a situation, and keeps what goes either way."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.carrier = words.make()
        self.carrier.wall = lambda: NOON
        self.lines: list[Line] = []
        self.now = 0.0

    def came(self, frames: Sequence[Frame], source: str = "") -> None:
        """The carrier sent that."""
        self.lines += [self._line("in", frame, source) for frame in frames]

    def went(self, frame: Frame, source: str = "", fault: str = "") -> None:
        """The application sent that."""
        line = self._line("out", frame, source)
        self.lines.append({**line, "fault": fault} if fault else line)
        before = len(self.carrier.faults)
        answers = self.carrier.take(frame, self.now)
        codes = [one.code for one in self.carrier.faults[before:]]
        if codes != ([fault] if fault else []):
            raise AssertionError(f"{line} is blamed with {codes}")
        self.came(answers)

    def pass_(self, seconds: float) -> None:
        """Time passes."""
        until = self.now + seconds
        while (due := self.carrier.due) is not None and due <= until:
            self.now = due
            self.came(self.carrier.tick(due))
        self.now = until

    def start(self) -> None:
        self.came(self.carrier.open(self.now))
        self.came(self.carrier.begin(self.now))
        for frame in self.words.after:
            self.went(frame(self.carrier))

    def hear(self, frames: int, speech: bool = True) -> None:
        """The caller speaks, or is silent."""
        codec, ms = self.carrier.says, self.carrier.frame_ms
        silence = codec.silence * (codec.frame_bytes(ms) // len(codec.silence))
        sound = codec.tone(frames * ms)
        size = len(silence)
        for at in range(frames):
            audio = sound[at * size : (at + 1) * size] if speech else silence
            self.came(self.carrier.media(audio, not speech))
            self.pass_(ms / 1000)

    def play(self, frames: int = 1) -> None:
        for _ in range(frames):
            self.went(self.words.play(self.carrier.hears.tone(self.words.chunk_ms)))

    def _line(self, way: str, frame: Frame, source: str) -> Line:
        known = self.words.sources
        kind = f"{way} {self.carrier.kind(frame)}"
        line = {"dir": way, "source": source or known.get(kind) or known[way]}
        if isinstance(frame, str):
            return {**line, "text": frame}
        return {**line, "binary": b64encode(frame).decode()}


def _start(tape: _Tape) -> None:
    tape.start()


def _media(tape: _Tape) -> None:
    tape.start()
    tape.hear(3)
    tape.hear(2, speech=False)


def _dtmf(tape: _Tape) -> None:
    tape.start()
    for digit in tape.words.digits:
        tape.hear(1, speech=False)
        tape.came(tape.carrier.digit(digit))


def _marks(tape: _Tape) -> None:
    tape.start()
    tape.play(3)
    if tape.words.mark is not None:
        tape.went(tape.words.mark("m1"))
        tape.play(2)
        tape.went(tape.words.mark("m2"))
    tape.pass_(2.5)


def _clear(tape: _Tape) -> None:
    tape.start()
    tape.play(5)
    if tape.words.mark is not None:
        tape.went(tape.words.mark("m1"))
        tape.play(5)
        tape.went(tape.words.mark("m2"))
    tape.pass_(0.04)
    if tape.words.clear is not None:
        tape.went(tape.words.clear(tape.carrier))
        tape.went(tape.words.clear(tape.carrier))
    tape.pass_(1.0)


def _stop(tape: _Tape) -> None:
    tape.start()
    tape.hear(1)
    tape.came(tape.carrier.finish())
    if tape.words.goodbye is not None:
        tape.went(tape.words.goodbye(tape.carrier))


def _errors(tape: _Tape) -> None:
    tape.start()
    for bad in tape.words.bad:
        tape.went(bad.frame, bad.source, bad.fault)


def _hostile(tape: _Tape) -> None:
    early = tape.carrier.media(tape.carrier.says.tone(tape.carrier.frame_ms), False)
    tape.came(early, "hostile: media before the start")
    tape.start()
    for frame in tape.words.hostile:
        tape.came([frame], "hostile: no carrier sends that")
    media = tape.carrier.media(tape.carrier.says.tone(tape.carrier.frame_ms), False)
    tape.came([*media, *media], "hostile: the same media twice")
    tape.came(tape.carrier.start(), "hostile: a second start")
    tape.came([*tape.carrier.stop(), *tape.carrier.stop(), *media], "hostile: after the stop")


SITUATIONS: dict[str, Callable[[_Tape], None]] = {
    "start": _start,
    "media": _media,
    "dtmf": _dtmf,
    "marks": _marks,
    "clear": _clear,
    "stop": _stop,
    "errors": _errors,
    "hostile": _hostile,
}


def script(words: Words) -> Iterator[str]:
    """The situations that there are with a carrier."""
    for name in SITUATIONS:
        if name != "dtmf" or words.digits:
            yield name


def lines(words: Words, situation: str) -> list[Line]:
    """What goes over the wire in a situation."""
    tape = _Tape(words)
    SITUATIONS[situation](tape)
    return tape.lines


def main() -> None:
    for carrier in names():
        words: Words = named(carrier).WORDS
        folder = FOLDER / carrier
        folder.mkdir(exist_ok=True)
        for situation in script(words):
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines(words, situation))
            (folder / f"{situation}.jsonl").write_text(text)


if __name__ == "__main__":
    main()
