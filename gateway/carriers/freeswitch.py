"""FreeSWITCH with mod_audio_stream: PCM16 over a WebSocket, in the variants that are about, and the dialplan for it.

The module sends the metadata it was given as the first text, when it was given any, then binary audio
(reference/telephony.md, section 11). What it plays depends on the build: raw binary messages from release 1.0.3, JSON
with base64 in that and in patched builds; the community's build only writes files.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

import orjson

from gateway.carriers.dialects.handshake import query_of
from gateway.carriers.dialects.proof import bearer, header
from gateway.carriers.dialects.reading import LONGEST_TEXT, samples
from gateway.wire import (
    Audio,
    Codec,
    Encoding,
    Message,
    Pacing,
    Started,
    StreamEvent,
    StreamFault,
)

__all__ = ["NAME", "Stream", "handshake", "stream_of", "stream_url", "verify_socket"]

NAME = "freeswitch"

RATES = (8000, 16000)
MESSAGE_AT_MOST = 4800
"""Bytes of audio in one message: a frame above some 8 kB, base64 and all, has been seen to break the connection."""
KILL = '{"type":"killAudio"}'


class Stream:
    """`rate` is what the module was started with, `plays` how the build wants audio, `clears` whether it knows
    `killAudio`, `handshake` what the request that opened the socket told. There are no marks and no keys."""

    subprotocol: str | None = None

    def __init__(
        self,
        rate: int = 8000,
        plays: Literal["binary", "json"] = "binary",
        clears: bool = False,
        handshake: Mapping[str, str] | None = None,
    ) -> None:
        if rate not in RATES:
            raise ValueError(
                f"mod_audio_stream has {' and '.join(map(str, RATES))} samples a second, not {rate}"
            )
        self._encoding = Encoding(Codec.L16, rate)
        self._json = plays == "json"
        self._clears = clears
        self._handshake = dict(handshake or {})
        self._started = False
        head = f'{{"type":"streamAudio","data":{{"audioDataType":"raw","sampleRate":{rate},"audioData":"'
        self._around = head, '"}}'

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        if isinstance(message, bytes):
            heard: list[StreamEvent] = [Audio(samples(message))] if message else []
            # Without metadata the audio is the first thing that comes.
            return heard if self._started else [self._start(""), *heard], []
        if len(message) > LONGEST_TEXT:
            raise StreamFault("a text message longer than any that is documented")
        # Later texts are what an operator sends (`send_text`, `stop`): nothing to us.
        return ([] if self._started else [self._start(message)]), []

    def _start(self, metadata: str) -> Started:
        """Metadata is any text: an object gives its texts as parameters, anything else is the call's name."""
        self._started = True
        try:
            read = orjson.loads(metadata)
        except ValueError:
            read = None
        given = (
            {name: value for name, value in read.items() if isinstance(value, str)}
            if isinstance(read, dict)
            else {}
        )
        parameters = {**given, **self._handshake}
        call_id = (
            parameters.get("call") or parameters.get("uuid") or ("" if given else metadata.strip()[:64])
        )
        return Started(
            stream_id="",
            call_id=call_id,
            hears=self._encoding,
            plays=self._encoding,
            pacing=self._pacing(),
            caller=parameters.get("caller", ""),
            called=parameters.get("called", ""),
            parameters=parameters,
        )

    def _pacing(self) -> Pacing:
        """A JSON message is a clip to the module, so it had better not be a small one. What cannot be taken back is
        sent no further ahead than it has to be."""
        if self._json:
            return Pacing(100)
        return Pacing(20, frames=5) if self._clears else Pacing(20, lead_ms=80)

    def play(self, audio: bytes) -> list[Message]:
        if not self._started:
            raise RuntimeError("nothing can be played before the stream began")
        if not audio:
            return []
        if len(audio) > MESSAGE_AT_MOST:
            pieces = [audio[at : at + MESSAGE_AT_MOST] for at in range(0, len(audio), MESSAGE_AT_MOST)]
            return [message for piece in pieces for message in self.play(piece)]
        if not self._json:
            return [audio]
        before, after = self._around
        return [before + binascii.b2a_base64(audio, newline=False).decode("ascii") + after]

    def mark(self, name: str) -> list[Message]:
        return []

    def clear(self) -> list[Message]:
        return [KILL] if self._clears and self._started else []

    def send_digits(self, digits: str) -> list[Message]:
        return []

    def hang_up(self) -> list[Message]:
        """The event socket (`uuid_kill`); the end of this socket leaves the call up."""
        return []


def stream_of(url: str, headers: Mapping[str, str]) -> Stream:
    """The stream of one socket. Its URL says what the module was started with and what the build can do: `rate`,
    `plays`, `clears`, as `Stream` has them. Raises Unverified, and ValueError for what the module has not."""
    told = handshake(url, headers)
    plays: Literal["binary", "json"]
    match told.pop("plays", "binary"):
        case "binary":
            plays = "binary"
        case "json":
            plays = "json"
        case _:
            raise ValueError("plays is binary or json")
    rate = told.pop("rate", "8000")
    clears = told.pop("clears", "0") in ("1", "true", "yes")
    return Stream(int(rate) if rate.isascii() and rate.isdigit() else 0, plays, clears, told)


def stream_url(url: str, *, token: str, caller: str = "", called: str = "") -> str:
    """The address of our socket for one call, with what its stream cannot tell. Raises ValueError without a token."""
    if not token:
        raise ValueError("a stream without its one-time token")
    given = {"token": token, "caller": caller, "called": called}
    return f"{url}?{urlencode({name: value for name, value in given.items() if value})}"


def handshake(url: str, headers: Mapping[str, str]) -> dict[str, str]:
    """What a handshake tells `Stream`: the query, and the headers that `dialplan` sends. Raises Unverified."""
    sent = {name: header(headers, f"X-{name}") for name in ("call", "caller", "called")}
    return query_of(url) | {name: value for name, value in sent.items() if value}


def verify_socket(url: str, headers: Mapping[str, str], *, secret: str) -> None:
    """Checks that a handshake carries the `secret` of `dialplan`. Raises Unverified."""
    bearer(headers, secret)
