"""Asterisk chan_websocket: binary is media, text is control in words or in JSON.

Reference/telephony.md, section 10.3, and channels/chan_websocket.c of Asterisk. Control comes in the form that the dial
string asked for (`f(json)`), and is answered in the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from gateway.carriers.dialects.handshake import query_of
from gateway.carriers.dialects.proof import basic
from gateway.carriers.dialects.reading import (
    LONGEST_AUDIO,
    LONGEST_TEXT,
    key_of,
    message_object,
    object_in,
    text_in,
    texts_in,
)
from gateway.wire import (
    Audio,
    Codec,
    Complained,
    Digit,
    Encoding,
    Message,
    Pacing,
    Played,
    Started,
    StreamEvent,
    StreamFault,
)

__all__ = ["NAME", "Stream", "handshake", "stream_of", "verify_socket"]

NAME = "asterisk_websocket"

PROTOCOL = "media"
FORMATS = {
    "ulaw": Encoding(Codec.PCMU, 8000),
    "alaw": Encoding(Codec.PCMA, 8000),
    "slin": Encoding(Codec.L16, 8000),
    "slin12": Encoding(Codec.L16, 12000),
    "slin16": Encoding(Codec.L16, 16000),
    "slin24": Encoding(Codec.L16, 24000),
    "slin32": Encoding(Codec.L16, 32000),
    "slin48": Encoding(Codec.L16, 48000),
}
"""Asterisk's names. Others are passed through without framing, marks or flushing."""
SILENCE = {Codec.PCMU: b"\xff", Codec.PCMA: b"\xd5", Codec.L16: b"\0\0"}
MESSAGE_AT_MOST = 8000
"""Asterisk reads a message in ten short reads; a proxy may hand it on in pieces of some 4 kB."""
HELD_AT_MOST = 1000
"""Messages kept while Asterisk wants none: as much as its own queue, 20 s. Audio beyond that is dropped, as there;
marks find as much room again."""
MARK = re.compile(r"[!-~]{1,64}")
"""A command may have 128 bytes."""
NUMBER = re.compile(r"[0-9]{1,6}")


class Stream:
    """`handshake` is what the dial string put into the URL (`v(…)`): it becomes `Started.parameters`.

    Flushing also drops the marks in the queue, and Asterisk tells neither.
    """

    subprotocol: str | None = PROTOCOL

    def __init__(self, handshake: Mapping[str, str] | None = None) -> None:
        self._handshake = dict(handshake or {})
        self._json = False
        self._frame = 0
        """`optimal_frame_size`; 0 before MEDIA_START."""
        self._silence = b""
        """One sample of it."""
        self._held: list[Message] | None = None
        """What waits for MEDIA_XON; None while Asterisk takes what comes."""

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        if isinstance(message, bytes):
            if not self._frame:
                raise StreamFault("media before MEDIA_START")
            if len(message) > LONGEST_AUDIO:
                raise StreamFault("a binary message longer than any that is documented")
            if len(message) % len(self._silence):
                raise StreamFault("media that ends within a sample")
            return [Audio(message)] if message else [], []
        kind, fields = self._control(message)
        match kind:
            case "MEDIA_START":
                return [self._start(fields)], []
            case "DTMF_END":
                key = key_of(fields.get("digit"))
                return ([Digit(key)] if key else []), []
            case "MEDIA_MARK_PROCESSED":
                mark = text_in(fields, "correlation_id")
                return ([Played(mark)] if mark else []), []
            case "MEDIA_XOFF":
                if self._held is None:
                    self._held = []
                return [], []
            case "MEDIA_XON":
                return [], self._go_on()
            case "ERROR":
                # Asterisk's sentence, letters only: it can name a command, but no number and no token.
                words = re.sub(r"[^A-Za-z_ ]+", "", text_in(fields, "error_text"))[:80]
                return [Complained(f"error: {words}" if words else "error")], []
            case _:
                return [], []

    def _control(self, text: str) -> tuple[str, dict[str, object]]:
        """The name of an event and its fields, in either form."""
        if not self._frame:
            self._json = text.startswith("{")
        if text.startswith("{"):
            fields = message_object(text)
            return text_in(fields, "event"), fields
        if len(text) > LONGEST_TEXT:
            raise StreamFault("a text message longer than any that is documented")
        kind, _, rest = text.strip().partition(" ")
        if not re.fullmatch(r"[A-Z][A-Z_]{2,40}", kind):
            raise StreamFault("a text message that is no event of chan_websocket")
        if kind in ("MEDIA_MARK_PROCESSED", "MEDIA_BUFFERING_COMPLETED"):
            return kind, {"correlation_id": rest}
        before, found, sentence = rest.partition("error_text:")
        given: dict[str, object] = {"error_text": sentence} if found else {}
        for pair in before.split():
            name, _, value = pair.partition(":")
            given[name] = int(value) if name == "optimal_frame_size" and NUMBER.fullmatch(value) else value
        return kind, given

    def _start(self, fields: dict[str, object]) -> Started:
        if self._frame:
            raise StreamFault("MEDIA_START came twice")
        encoding, frame = FORMATS.get(text_in(fields, "format")), fields.get("optimal_frame_size")
        if encoding is None:
            raise StreamFault("a format that is passed through only: ulaw, alaw and slin can be streamed")
        if not isinstance(frame, int) or not 0 < frame <= MESSAGE_AT_MOST or frame % encoding.bytes_per_ms:
            raise StreamFault("MEDIA_START without a frame size that fits its format")
        self._frame = frame
        self._silence = SILENCE[encoding.codec]
        parameters = {**texts_in(object_in(fields, "channel_variables")), **self._handshake}
        return Started(
            stream_id=text_in(fields, "connection_id"),
            call_id=text_in(fields, "channel_id"),
            hears=encoding,
            plays=encoding,
            pacing=Pacing(
                frame // encoding.bytes_per_ms, exact=True, frames=max(1, min(5, MESSAGE_AT_MOST // frame))
            ),
            caller=parameters.get("caller", ""),
            called=parameters.get("called", ""),
            parameters=parameters,
        )

    def play(self, audio: bytes) -> list[Message]:
        size = self._frame
        if not size:
            raise RuntimeError("nothing can be played before the stream began")
        if len(audio) == size and self._held is None:
            return [audio]
        if over := len(audio) % size:
            audio += self._silence * ((size - over) // len(self._silence))
        piece = MESSAGE_AT_MOST // size * size
        return self._send([audio[at : at + piece] for at in range(0, len(audio), piece)], HELD_AT_MOST)

    def _send(self, messages: list[Message], at_most: int) -> list[Message]:
        if self._held is None:
            return messages
        self._held += messages[: max(0, at_most - len(self._held))]
        return []

    def _go_on(self) -> list[Message]:
        held, self._held = self._held or [], None
        return held

    def mark(self, name: str) -> list[Message]:
        """Raises ValueError for a name that a command cannot carry: printable ASCII, at most 64."""
        if not self._frame:
            return []
        if not MARK.fullmatch(name):
            raise ValueError("a mark's name is printable ASCII without spaces, at most 64 of it")
        return self._send([self._command("MARK_MEDIA", name)], 2 * HELD_AT_MOST)

    def clear(self) -> list[Message]:
        self._held = None
        return [self._command("FLUSH_MEDIA")] if self._frame else []

    def send_digits(self, digits: str) -> list[Message]:
        """The channel takes none from us."""
        return []

    def hang_up(self) -> list[Message]:
        return [self._command("HANGUP")] if self._frame else []

    def _command(self, command: str, correlation_id: str = "") -> str:
        if self._json:
            given = {"correlation_id": correlation_id} if correlation_id else {}
            return orjson.dumps({"command": command, **given}).decode()
        return f"{command} {correlation_id}" if correlation_id else command


def handshake(url: str, headers: Mapping[str, str]) -> dict[str, str]:
    """What a handshake tells `Stream`: the `v(…)` of the dial string. Raises Unverified."""
    return query_of(url)


def stream_of(url: str, headers: Mapping[str, str]) -> Stream:
    """The stream of one socket. Raises Unverified."""
    return Stream(handshake(url, headers))


def verify_socket(url: str, headers: Mapping[str, str], *, credentials: str) -> None:
    """Checks that a handshake carries the `credentials` of websocket_client.conf, user:password. Raises Unverified."""
    basic(headers, credentials)
