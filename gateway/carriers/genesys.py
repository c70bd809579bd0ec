"""Genesys Cloud Audio Connector: AudioHook protocol version 2, and the signature of its handshake.

Text is JSON, binary is G.711 µ-law (reference/telephony.md, section 7). Both sides count their text messages and
acknowledge the other's count; Genesys takes five binary messages a second, hence 200 ms in each.
"""

from __future__ import annotations

import binascii
from collections import deque
from collections.abc import Mapping
from enum import Enum, auto
from urllib.parse import urlsplit
from uuid import UUID

from gateway.carriers.dialects import http_signature
from gateway.carriers.dialects.audiohook import Ledger, milliseconds, number
from gateway.carriers.dialects.proof import header, require, same
from gateway.carriers.dialects.reading import key_of, message_object, object_in, text_in, texts_in
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
    Stopped,
    StreamEvent,
    StreamFault,
    Unverified,
)

__all__ = ["NAME", "Stream", "verify_socket"]

NAME = "genesys"

PCMU = Encoding(Codec.PCMU, 8000)
PACING = Pacing(frame_ms=200, lead_ms=400)
"""Two messages of lead: with one, each would arrive as the one before ends."""
BINARY_AT_MOST = 64_000
MARKS_AT_MOST = 1000
"""Marks that can wait for the end of a playback. The oldest is forgotten when there are more."""

COVERED = (
    "@request-target",
    "@authority",
    "audiohook-organization-id",
    "audiohook-session-id",
    "audiohook-correlation-id",
    "x-api-key",
)
AGE_S = 10
SKEW_S = 3


class State(Enum):
    NEW = auto()
    OPEN = auto()
    IDLE = auto()
    """A probe, or an offer that we declined: it remains to be closed."""
    CLOSED = auto()


class Stream:
    """One session. `outputs` go back to the flow as its output variables when the session ends.

    Genesys knows no marks, but tells when it has played all it had: that answers a mark with nothing sent after it, and
    no other. Audio on its way at that moment makes its mark early by as much as the network takes.
    """

    subprotocol: str | None = None

    def __init__(self) -> None:
        self.outputs: dict[str, str] = {}
        self._state = State.NEW
        self._ledger = Ledger()
        self._samples = 0
        """The caller's, those among them that Genesys discarded."""
        self._marks: deque[str] = deque(maxlen=MARKS_AT_MOST)
        """Since the last audio."""
        self._reached: list[StreamEvent] = []
        """Marks with nothing before them to wait for: told with the next message, no more than MARKS_AT_MOST."""
        self._unplayed = False
        self._playing = False
        self._barged_in = 0
        """Our message that stopped a playback whose end is still to be told; 0 when there is none."""

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        events, self._reached = self._reached, []
        if isinstance(message, bytes):
            if self._state is not State.OPEN:
                if self._state is State.NEW:
                    raise StreamFault("audio before open")
                return events, []
            if len(message) > BINARY_AT_MOST:
                raise StreamFault("more audio in a message than Genesys sends")
            if message:
                events.append(Audio(message, self._samples // 8))
                self._samples += len(message)
            return events, []
        if self._state is State.CLOSED:
            return events, []
        fields = message_object(message)
        kind = self._ledger.accept(fields)
        if (self._state is State.NEW) is not (kind == "open"):
            raise StreamFault("a message before open" if self._state is State.NEW else "open came twice")
        more, answers = self._heard(kind, object_in(fields, "parameters"), fields)
        return events + more, answers

    def _heard(
        self, kind: str, parameters: dict[str, object], fields: dict[str, object]
    ) -> tuple[list[StreamEvent], list[Message]]:
        match kind:
            case "open":
                return self._open(parameters)
            case "ping":
                return [], [self._ledger.say("pong", {})]
            case "dtmf":
                key = key_of(parameters.get("digit"))
                return ([Digit(key)] if key else []), []
            case "playback_started":
                self._playing = True
            case "playback_completed":
                return self._completed(number(fields.get("serverseq")) or 0), []
            case "discarded" | "resumed":
                until = milliseconds(parameters.get("start")) + milliseconds(parameters.get("discarded"))
                self._samples = max(self._samples, until * 8)
            case "update":
                return [], [self._ledger.say("updated", {})]
            case "error":
                code = number(parameters.get("code"))
                return [Complained(f"error {code}", milliseconds(parameters.get("retryAfter")))], []
            case "close":
                self._state = State.CLOSED
                closed: dict[str, object] = {"outputVariables": self.outputs} if self.outputs else {}
                return [Stopped(text_in(parameters, "reason"))], [self._ledger.say("closed", closed)]
            case _:
                pass
        return [], []

    def _open(self, parameters: dict[str, object]) -> tuple[list[StreamEvent], list[Message]]:
        conversation = text_in(parameters, "conversationId")
        if _is_nil(conversation):
            # A probe of the configured connection: nothing will be heard (unverified; section 7).
            self._state = State.IDLE
            return [], [self._ledger.say("opened", {"media": []})]
        offered = parameters.get("media")
        chosen = next(filter(_is_caller, offered if isinstance(offered, list) else []), None)
        if chosen is None:
            self._state = State.IDLE
            declined = {
                "reason": "error",
                "info": "PCMU at 8000 Hz of the external channel alone is needed",
            }
            return [Complained("offered no audio that we take")], [self._ledger.say("disconnect", declined)]
        self._state = State.OPEN
        participant = object_in(parameters, "participant")
        given = {**object_in(parameters, "customConfig"), **object_in(parameters, "inputVariables")}
        started = Started(
            stream_id=self._ledger.session,
            call_id=conversation,
            hears=PCMU,
            plays=PCMU,
            pacing=PACING,
            caller=text_in(participant, "ani"),
            called=text_in(participant, "dnis"),
            parameters=texts_in(given),
        )
        return [started], [self._ledger.say("opened", {"startPaused": False, "media": [chosen]})]

    def _completed(self, acknowledged: int) -> list[StreamEvent]:
        barged_in, self._barged_in = self._barged_in, 0
        self._playing = False
        if barged_in and acknowledged >= barged_in:
            return [Cleared()]
        if barged_in:
            # It ended by itself as we stopped it; what was sent since is still to come.
            return []
        self._unplayed = False
        reached: list[StreamEvent] = [Played(mark) for mark in self._marks]
        self._marks.clear()
        return reached

    def play(self, audio: bytes) -> list[Message]:
        if self._state is State.NEW:
            raise RuntimeError("nothing can be played before the stream began")
        if not audio or self._state is not State.OPEN:
            return []
        self._unplayed = True
        if self._marks:
            self._marks.clear()
        if len(audio) <= BINARY_AT_MOST:
            return [audio]
        return [audio[at : at + BINARY_AT_MOST] for at in range(0, len(audio), BINARY_AT_MOST)]

    def mark(self, name: str) -> list[Message]:
        if self._state is not State.OPEN:
            return []
        if self._unplayed:
            self._marks.append(name)
        elif len(self._reached) < MARKS_AT_MOST:
            self._reached.append(Played(name))
        return []

    def clear(self) -> list[Message]:
        """Genesys stops playing at a `barge_in` event."""
        if self._state is not State.OPEN:
            return []
        self._marks.clear()
        self._unplayed = False
        said = self._ledger.say("event", {"entities": [{"type": "barge_in", "data": {}}]})
        if self._playing:
            self._barged_in = self._ledger.seq
        return [said]

    def send_digits(self, digits: str) -> list[Message]:
        return []

    def hang_up(self) -> list[Message]:
        """Gives the call back to the flow; Genesys then closes, and has to be answered."""
        if self._state is not State.OPEN:
            return []
        self._state = State.IDLE
        outputs: dict[str, object] = {"outputVariables": self.outputs} if self.outputs else {}
        return [self._ledger.say("disconnect", {"reason": "completed", **outputs})]


def _is_nil(uuid: str) -> bool:
    try:
        return UUID(uuid).int == 0
    except ValueError:
        return False


def _is_caller(media: object) -> bool:
    return isinstance(media, dict) and (
        media.get("type") == "audio"
        and media.get("format") == "PCMU"
        and media.get("rate") == PCMU.rate
        and media.get("channels") == ["external"]
    )


def verify_socket(
    url: str, headers: Mapping[str, str], *, api_key: str, secret: str | None, now: float
) -> http_signature.Signed | None:
    """Checks a handshake against the API key and client secret of the integration (section 7).

    `url` is the public one, as it was entered at Genesys; `secret` the base64 text that was entered there, or None when
    none was: then Genesys signs nothing, and there is nothing to return. `now` is a Unix time. Raises Unverified.
    """
    require(api_key)
    if not same(header(headers, "X-API-KEY"), api_key):
        raise Unverified("another API key")
    if secret is None:
        return None
    try:
        key = binascii.a2b_base64(secret, strict_mode=True)
    except ValueError:
        raise Unverified("our client secret is no base64") from None
    if not key:
        raise Unverified("our client secret is empty")
    parts = urlsplit(url)
    signed = http_signature.verify(
        {name.lower(): value for name, value in headers.items()},
        target=parts.path + (f"?{parts.query}" if parts.query else ""),
        authority=parts.netloc,
        cover=COVERED,
        key=key,
        now=now,
        age_s=AGE_S,
        skew_s=SKEW_S,
    )
    if signed.key_id != api_key:
        raise Unverified("signed with the key of another integration")
    return signed
