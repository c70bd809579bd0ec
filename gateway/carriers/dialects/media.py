"""Carriers that send audio as base64 within JSON text (Twilio and those like it): what their messages have in common.

Media comes fifty times a second and call, so the way of one frame is kept short: one JSON parse, one base64 decode, two
numbers. Whatever is not as documented is a StreamFault; numbers may come as numbers or as text, since no two carriers
agree on that, nor always with their own documents.
"""

from __future__ import annotations

import binascii
from array import array
from collections.abc import Mapping

import orjson

from gateway.carriers.dialects.reading import key_of, samples, unbase64
from gateway.wire import Codec, Digit, Encoding, Message, StreamFault

__all__ = [
    "LONGEST",
    "Outward",
    "Timeline",
    "digit_in",
    "opened",
    "part",
    "payload",
    "quoted",
    "same_stream",
    "whole",
]

LONGEST = 1 << 16
"""Characters of one message: twenty milliseconds have 1,300, a hundred of the widest audio 6,400."""
ID_LONGEST = 256

INBOUND = ("inbound", "inbound_track", None)
"""Tracks that are the caller; the others are what we play ourselves."""


def opened(message: Message) -> dict[str, object]:
    """The JSON object of a message. Raises StreamFault when it is none, is binary, or is longer than LONGEST."""
    if not isinstance(message, str):
        raise StreamFault("a binary message, where all is text")
    if len(message) > LONGEST:
        raise StreamFault("a message longer than any that is documented")
    try:
        fields = orjson.loads(message)
    except ValueError:
        raise StreamFault("a message that is no JSON") from None
    if not isinstance(fields, dict):
        raise StreamFault("a message that is no JSON object")
    return fields


def part(fields: Mapping[str, object], name: str) -> dict[str, object]:
    """The object called `name`. Raises StreamFault when there is none."""
    value = fields.get(name)
    if not isinstance(value, dict):
        raise StreamFault(f"a message without its {name}")
    return value


def whole(value: object, what: str) -> int | None:
    """A count or a time, as a number or as its digits; None when it is not told. Raises StreamFault."""
    if isinstance(value, str):
        if value.isdigit() and value.isascii() and len(value) <= 15:
            return int(value)
    elif value is None:
        return None
    elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15:
        return value
    raise StreamFault(f"a {what} that is no number")


def identity(value: object, what: str) -> str:
    """An id that the carrier gave. Raises StreamFault when it is none."""
    if isinstance(value, str) and 0 < len(value) <= ID_LONGEST:
        return value
    raise StreamFault(f"a start without {what}")


def same_stream(value: object, stream_id: str | None) -> None:
    """Raises StreamFault when a message names another stream than the one that was started."""
    if value is not None and value != stream_id:
        raise StreamFault(
            "a message of another stream" if stream_id is not None else "a message before start"
        )


def payload(media: Mapping[str, object], heard: Encoding) -> bytes:
    """The audio of a media message. Raises StreamFault for what is no base64, or half a sample."""
    data = unbase64(media.get("payload"))
    if heard.codec is Codec.L16:
        samples(data)
    return data


def swapped(pcm: bytes) -> bytes:
    """PCM16 in the other byte order."""
    values = array("H", pcm)
    values.byteswap()
    return values.tobytes()


def parameters_in(given: object) -> dict[str, str]:
    """What our document put into the stream: an object, or a list of names and values. What is no text is left out."""
    if isinstance(given, list):
        pairs = [(one.get("name"), one.get("value")) for one in given if isinstance(one, dict)]
    else:
        pairs = list(given.items()) if isinstance(given, dict) else []
    return {name: value for name, value in pairs if isinstance(name, str) and isinstance(value, str)}


def digit_in(value: object) -> list[Digit]:
    """The key that was pressed; nothing when it is none of a telephone's. Raises StreamFault for what is no text."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9:
        return [Digit(str(value))]
    if not isinstance(value, str):
        raise StreamFault("a key that is no text")
    key = key_of(value)
    return [Digit(key)] if key else []


def quoted(text: str) -> str:
    """`text` as JSON writes it."""
    return orjson.dumps(text).decode()


class Outward:
    """Audio on its way out: the message round it is written once and only filled."""

    __slots__ = ("_after", "_before")

    def __init__(self, before: str, after: str) -> None:
        self._before = before
        self._after = after

    def message(self, audio: bytes) -> str:
        return self._before + binascii.b2a_base64(audio, newline=False).decode("ascii") + self._after


class Timeline:
    """Which frames of the caller are new, and when they were spoken: never backwards.

    Frames are told apart by `chunk`, or by `timestamp` where a carrier counts none. `epoch`: timestamps are Unix
    milliseconds, and the first is the stream's beginning.
    """

    __slots__ = ("_at", "_chunk", "_since")

    STALE = -1
    """The frame was there before, or comes too late."""

    def __init__(self, *, epoch: bool = False) -> None:
        self._chunk = -1
        self._at = -1
        self._since = None if epoch else 0

    def place(self, media: Mapping[str, object]) -> int | None:
        """Milliseconds since the stream began, None when the carrier does not tell; STALE for a frame to drop."""
        return self.placed(whole(media.get("chunk"), "chunk"), whole(media.get("timestamp"), "timestamp"))

    def placed(self, chunk: int | None, at: int | None) -> int | None:
        """The same of the two numbers."""
        if at is not None:
            if self._since is None:
                self._since = at
            at -= self._since
        if chunk is not None:
            if chunk <= self._chunk:
                return self.STALE
            self._chunk = chunk
        elif at is not None and at <= self._at:
            return self.STALE
        if at is None:
            return None
        if at < self._at:
            return self._at
        self._at = at
        return at
