"""Asterisk AudioSocket: a TCP connection of typed messages (reference/telephony.md, section 10.1).

Each message is a byte of type, two of length (big-endian) and the payload. The bytes of the connection come here in any
pieces. There is no clearing and no mark: what was sent is played, so the lead is short and the clock tells what was
heard. The UUID that comes first is the only proof of who calls, so the dialplan gets it from our webhook.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from gateway.carriers.dialects.proof import bearer
from gateway.carriers.dialects.reading import key_of
from gateway.wire import (
    Audio,
    Codec,
    Complained,
    Digit,
    Encoding,
    Message,
    Pacing,
    Started,
    Stopped,
    StreamEvent,
    StreamFault,
)

__all__ = ["NAME", "Stream", "verify_webhook"]

NAME = "asterisk_audiosocket"

HANG_UP, UUID_KIND, DTMF, ERROR = 0x00, 0x01, 0x03, 0xFF
AUDIO = {
    8000: 0x10,
    12000: 0x11,
    16000: 0x12,
    24000: 0x13,
    32000: 0x14,
    48000: 0x16,
    96000: 0x17,
    192000: 0x18,
}
"""PCM16 little-endian by rate. 44100 is left out: its frames are no whole milliseconds."""
ANY_AUDIO = range(0x10, 0x19)
FRAME_MS = 20
PACING = Pacing(FRAME_MS, lead_ms=40, silence=True)
"""The dialplan application gives up after two seconds without traffic, and plays what comes as it comes."""


class Stream:
    """`rate` is that of the channel: 8000 for the dialplan application, else what `c(…)` of the dial string says."""

    subprotocol: str | None = None

    def __init__(self, rate: int = 8000) -> None:
        if rate not in AUDIO:
            raise ValueError(
                f"AudioSocket carries {', '.join(map(str, AUDIO))} samples a second, not {rate}"
            )
        self._encoding = Encoding(Codec.L16, rate)
        self._kind = AUDIO[rate]
        self._longest = rate * 2
        self._frame = self._encoding.bytes_per_ms * FRAME_MS
        self._header = self._head(self._frame)
        self._rest = b""
        """A message that has not come whole: 65,537 bytes at most."""
        self._started = False
        self._stopped = False

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        """The next bytes of the connection, of any number. What came before a fault in the same piece is lost."""
        if isinstance(message, str):
            raise StreamFault("text, where all is bytes")
        data = self._rest + message if self._rest else message
        events: list[StreamEvent] = []
        at, end = 0, len(data)
        while end - at >= 3 and not self._stopped:
            kind, size = data[at], data[at + 1] << 8 | data[at + 2]
            self._check(kind, size)
            if end - at < 3 + size:
                break
            payload = data[at + 3 : at + 3 + size]
            at += 3 + size
            if kind == self._kind:
                if size:
                    events.append(Audio(payload))
            elif (event := self._other(kind, payload)) is not None:
                events.append(event)
        self._rest = b"" if self._stopped else data[at:]
        return events, []

    def _check(self, kind: int, size: int) -> None:
        """By the header alone, before more is waited for."""
        if kind == self._kind:
            if not self._started:
                raise StreamFault("audio before the UUID")
            if size > self._longest or size & 1:
                raise StreamFault("audio longer than a second, or ending within a sample")
        elif kind in ANY_AUDIO:
            raise StreamFault("audio of another rate than this stream was made for")
        elif (kind == UUID_KIND and size != 16) or (kind == DTMF and size != 1):
            raise StreamFault("a UUID or a key of the wrong length")

    def _other(self, kind: int, payload: bytes) -> StreamEvent | None:
        if kind == HANG_UP:
            self._stopped = True
            return Stopped("hung up")
        if kind == UUID_KIND:
            if self._started:
                raise StreamFault("the UUID came twice")
            self._started = True
            name = str(UUID(bytes=payload))
            encoding = self._encoding
            return Started(name, name, encoding, encoding, PACING, parameters={"token": name})
        if kind == DTMF:
            if not self._started:
                raise StreamFault("a key before the UUID")
            key = key_of(payload.decode("latin-1"))
            return Digit(key) if key else None
        if kind == ERROR:
            return Complained(f"error {payload[0]}" if payload else "error")
        return None

    def play(self, audio: bytes) -> list[Message]:
        """Header and payload in one piece: Asterisk waits 5 ms between them, and no longer."""
        if not self._started:
            raise RuntimeError("nothing can be played before the stream began")
        size = self._frame
        if len(audio) == size:
            return [self._header + audio]
        pieces = (audio[at : at + size] for at in range(0, len(audio), size))
        return [self._head(len(piece)) + piece for piece in pieces]

    def _head(self, size: int) -> bytes:
        return bytes((self._kind, size >> 8, size & 0xFF))

    def mark(self, name: str) -> list[Message]:
        return []

    def clear(self) -> list[Message]:
        return []

    def send_digits(self, digits: str) -> list[Message]:
        """Asterisk hangs up on keys from us."""
        return []

    def hang_up(self) -> list[Message]:
        return [bytes((HANG_UP, 0, 0))]


def verify_webhook(url: str, headers: Mapping[str, str], body: bytes = b"", *, secret: str) -> None:
    """Checks that a dialplan asks which has our `secret`. Raises Unverified."""
    bearer(headers, secret)
