"""jambonz: the `listen` verb's socket, the application that opens it, and the signature of its webhooks.

The first text describes the call, after that binary is audio and text is JSON (reference/telephony.md, section 9).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.carriers.dialects.proof import basic, header, require, same
from gateway.carriers.dialects.reading import key_of, message_object, object_in, samples, text_in, texts_in
from gateway.wire import (
    Audio,
    Cleared,
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
    Unverified,
)

__all__ = ["NAME", "Stream", "answer", "proof", "verify_socket", "verify_webhook"]

NAME = "jambonz"

PROTOCOL = "audio.jambonz.org"
RATES = (8000, 16000, 24000, 32000, 48000)
FRAME_MS = 100
"""jambonz keeps back what it gets until it is 80 ms, so a shorter last message of a reply, and its mark, would wait for
the next reply (processIncomingBinary in mod_audio_fork, jambonz/freeswitch-modules)."""
SKEW_S = 300

HEADER = re.compile(r"t=(\d{1,12})((?:,[a-z0-9]+=[0-9A-Za-z]+)+)")
KILL = '{"type":"killAudio"}'
DISCONNECT = '{"type":"disconnect"}'


class Stream:
    """One `listen` with streamed bidirectional audio at the rate it listens at, as `answer` asks for it.

    A mark is told as reached or as cleared, each by its name. `killAudio` also clears the marks. Those that were under
    way then stay in jambonz' books, and afterwards each mark is told that many marks too late (dub_speech_frame in
    mod_audio_fork, jambonz/freeswitch-modules of October 2024; `clearMarks` has the same fault). So no mark is sent
    after that, unless `marks_after_clear` says that this jambonz can do better.
    """

    subprotocol: str | None = PROTOCOL

    def __init__(self, *, marks_after_clear: bool = False) -> None:
        self._frame = 0
        """Bytes of FRAME_MS; 0 before the call was described."""
        self._marks_after_clear = marks_after_clear
        self._marks = True
        self._marks_underway = 0
        self._clearing = False

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        if isinstance(message, bytes):
            if not self._frame:
                raise StreamFault("audio before the description of the call")
            return [Audio(samples(message))] if message else [], []
        fields = message_object(message)
        if not self._frame:
            return [self._start(fields)], []
        if fields.get("event") == "dtmf":
            key = key_of(fields.get("dtmf"))
            return ([Digit(key)] if key else []), []
        data = object_in(fields, "data")
        match fields.get("type"):
            case "mark":
                return self._marked(text_in(data, "name"), data.get("event")), []
            case "error":
                return [Complained("error")], []
            case _:
                return [], []

    def _start(self, fields: dict[str, object]) -> Started:
        rate = fields.get("sampleRate")
        if not isinstance(rate, int) or rate not in RATES:
            raise StreamFault("the first text names no sample rate that can be streamed")
        if fields.get("mixType") == "stereo":
            raise StreamFault("two channels, where the caller's alone is wanted")
        encoding = Encoding(Codec.L16, rate)
        self._frame = encoding.bytes_per_ms * FRAME_MS
        return Started(
            stream_id=text_in(fields, "callId"),
            call_id=text_in(fields, "callSid"),
            hears=encoding,
            plays=encoding,
            pacing=Pacing(FRAME_MS, exact=True),
            caller=text_in(fields, "from"),
            called=text_in(fields, "to"),
            parameters=texts_in(fields),
        )

    def _marked(self, name: str, event: object) -> list[StreamEvent]:
        if event == "playout" and name:
            self._marks_underway = max(0, self._marks_underway - 1)
            return [Played(name)]
        if event == "cleared" and self._clearing:
            # Every mark that was dropped is told; one such word is enough.
            self._clearing = False
            return [Cleared()]
        return []

    def play(self, audio: bytes) -> list[Message]:
        if not self._frame:
            raise RuntimeError("nothing can be played before the stream began")
        if not audio:
            return []
        return [audio.ljust(self._frame, b"\0")]

    def mark(self, name: str) -> list[Message]:
        if not self._frame or not self._marks:
            return []
        self._marks_underway += 1
        return [orjson.dumps({"type": "mark", "data": {"name": name}}).decode()]

    def clear(self) -> list[Message]:
        if not self._frame:
            return []
        self._clearing = True
        if self._marks_underway and not self._marks_after_clear:
            self._marks = False
        self._marks_underway = 0
        return [KILL]

    def send_digits(self, digits: str) -> list[Message]:
        return []

    def hang_up(self) -> list[Message]:
        """Ends the verb: jambonz goes on with the next one, and hangs up when there is none."""
        return [DISCONNECT] if self._frame else []


def answer(
    url: str,
    *,
    token: str,
    rate: int = 8000,
    parameters: Mapping[str, str] | None = None,
    credentials: str | None = None,
    action: str | None = None,
) -> list[dict[str, Any]]:
    """The application that answers a call and streams it to us; the token and `parameters` come back at the stream's
    start, `credentials` (user:password) in its handshake. Raises ValueError for a rate that cannot be streamed, or
    without a token."""
    if rate not in RATES:
        raise ValueError(
            f"jambonz calls are streamed at {', '.join(map(str, RATES))} samples a second, not {rate}"
        )
    if not token:
        raise ValueError("a stream without its one-time token")
    listen: dict[str, Any] = {
        "verb": "listen",
        "url": url,
        "sampleRate": rate,
        "mixType": "mono",
        "bidirectionalAudio": {"enabled": True, "streaming": True, "sampleRate": rate},
        "passDtmf": True,
        "metadata": {"token": token} | dict(parameters or {}),
    }
    if credentials:
        username, _, password = credentials.partition(":")
        listen["wsAuth"] = {"username": username, "password": password}
    if action:
        listen["actionHook"] = action
    return [{"verb": "answer"}, listen]


def verify_webhook(
    url: str, headers: Mapping[str, str], body: bytes = b"", *, secret: str, now: float
) -> None:
    """Checks `Jambonz-Signature` (`t=…,v1=…`): HMAC-SHA256 in hex of time, full stop and raw body, with the account's
    webhook secret; five minutes old at most (verifySignature in jambonz/node-sdk). `now` is a Unix time.
    Raises Unverified."""
    require(secret)
    found = _described(headers)
    if found is None:
        raise Unverified("no signature, or none that can be read")
    mac = hmac.new(secret.encode(), found[1].encode() + b"." + body, hashlib.sha256).hexdigest()
    given = [pair.removeprefix("v1=") for pair in found[2].split(",") if pair.startswith("v1=")]
    if not any(same(mac, one.lower()) for one in given):
        raise Unverified("signed with another secret, or something else was signed")
    if not abs(now - int(found[1])) <= SKEW_S:
        raise Unverified("signed too long ago, or in the future")


def proof(headers: Mapping[str, str], body: bytes) -> str:
    """What is signed of a webhook that was checked. Not the header: it may be written in many ways."""
    found = _described(headers)
    return "" if found is None else f"{found[1]}.{hashlib.sha256(body).hexdigest()}"


def _described(headers: Mapping[str, str]) -> re.Match[str] | None:
    return HEADER.fullmatch(header(headers, "Jambonz-Signature").replace(" ", ""))


def verify_socket(url: str, headers: Mapping[str, str], *, credentials: str) -> None:
    """Checks that a handshake carries the `credentials` of `answer`. Raises Unverified."""
    basic(headers, credentials)
