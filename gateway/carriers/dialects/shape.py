"""The text round a carrier's audio, learned of a message that was read as JSON: of the next ones the values are taken.

A carrier writes every media message of a stream in the same way; what changes are its numbers and the audio. A message
is of the known shape when all else in it is, letter for letter, what was read and found right before; any other one is
for the whole reader, and so is one whose audio has an escape in it. Pure.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Mapping

from gateway.carriers.dialects.media import LONGEST
from gateway.wire import Codec, Encoding

__all__ = ["Shape"]

LESSONS = 4
"""Shapes that are learned in one stream; whoever writes in more of them is read as JSON."""
LONGEST_ROUND = 1024
"""Characters round the values of a shape that is worth learning."""

VALUE = r'"{}"[ ]?:[ ]?(?:"([^"]*)"|(0|[1-9][0-9]{{0,14}})(?=[,}} ]))'
COUNTS = frozenset({"chunk", "timestamp"})


class Shape:
    """One stream's."""

    __slots__ = ("_known", "_lessons", "_sample", "_values")

    def __init__(self, *counted: str) -> None:
        """`counted`: names of further numbers that change and say nothing."""
        self._values = ("chunk", "timestamp", "payload", *counted)
        self._known: re.Pattern[str] | None = None
        self._lessons = 0
        self._sample = 1

    def read(self, message: object) -> tuple[int, int, bytes] | None:
        """Chunk, timestamp and audio of a message of the known shape; None for any other, and for a fault."""
        if self._known is None or not isinstance(message, str) or len(message) > LONGEST:
            return None
        found = self._known.fullmatch(message)
        if found is None:
            return None
        chunk, timestamp, coded = found.group("chunk", "timestamp", "payload")
        try:
            audio = a2b_base64(coded, strict_mode=True)
        except ValueError:
            return None
        return None if len(audio) % self._sample else (int(chunk), int(timestamp), audio)

    def learn(self, message: object, media: Mapping[str, object], heard: Encoding) -> None:
        """This one was read, and found to be the caller's audio, `media`. Its names stand in it once each, or it is no
        lesson: then they are those of `media`."""
        if self._lessons >= LESSONS or not isinstance(message, str) or "\\" in message:
            return
        if not {"chunk", "timestamp", "payload"} <= media.keys():
            return
        self._lessons += 1
        places: list[tuple[int, int, str]] = []
        for name in self._values:
            if message.count(f'"{name}"') != 1:
                return
            found = re.search(VALUE.format(name), message)
            if found is None:
                return
            group = 1 if found.group(1) is not None else 2
            if name == "payload" and group == 2:
                return
            places.append((*found.span(group), _pattern(name, quoted=group == 1)))
        places.sort()
        text, at = "", 0
        for start, end, pattern in places:
            text += re.escape(message[at:start]) + pattern
            at = end
        if len(text) <= LONGEST_ROUND:
            self._sample = 2 if heard.codec is Codec.L16 else 1
            self._known = re.compile(text + re.escape(message[at:]))


def _pattern(name: str, *, quoted: bool) -> str:
    if name == "payload":
        return '(?P<payload>[^"]*)'
    digits = "[0-9]{1,15}" if quoted else "(?:0|[1-9][0-9]{0,14})"
    return f"(?P<{name}>{digits})" if name in COUNTS else digits
