"""Genesys Cloud's Audio Connector: the AudioHook protocol, version 2 (reference 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.codecs import MULAW
from tests.carrier_peers.faults import Broken, Frame
from tests.carrier_peers.genesys_messages import (
    PARAMETERS,
    RULE,
    SAID,
    VERSION,
    Bucket,
    Event,
    Opened,
    Parameters,
)
from tests.carrier_peers.genesys_signing import Hook
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.strict import dumped, judged, loaded

__all__ = ["MEDIA", "PING_S", "PROBE", "GenesysStream"]

LARGEST = 64_000
"""Bytes of a binary message."""
PING_S = 5.0
PROBE = "00000000-0000-0000-0000-000000000000"
"""The conversation of a connection that only tries the server."""
MEDIA = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}


class GenesysStream(Carrier[str]):
    """One session."""

    congestion = "408"
    farewell = "closed"

    def __init__(
        self,
        hook: Hook | None = None,
        conversation: str | None = None,
        participant: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        limit: Bucket | None = None,
    ) -> None:
        super().__init__(MULAW)
        self.hook = hook or Hook()
        self.conversation = conversation or new_uuid()
        self.participant = dict(
            participant or {"ani": "+15550100001", "aniName": "", "dnis": "+15550100002"}
        )
        self.participant.setdefault("id", new_uuid())
        self.variables = dict(variables or {})
        self.stage: Literal["no", "silent", "yes"] = "no"
        self.paused = False
        self.events: list[Parameters] = []
        """What the application told: entities of its `event` messages."""
        self.output: Parameters = {}
        """The variables that it gave back."""
        self._limit = limit or Bucket()
        self.client_seq = 0
        """The last number of its own."""
        self.server_seq = 0
        """The last number of the application's."""
        self._sent_ms = 0
        self._ping: float | None = None
        self._pinged: float | None = None
        self._playing = False

    # ── from Genesys ──────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> list[Frame]:
        self._ping = (self.began or 0.0) + PING_S
        return self._say(
            "open",
            {
                "organizationId": self.hook.organization,
                "conversationId": self.conversation,
                "participant": self.participant,
                "media": [MEDIA],
                "language": "en-US",
                "inputVariables": self.variables,
            },
        )

    def media(self, audio: bytes, silent: bool) -> list[Frame]:
        if self.stage != "yes" or self.paused:
            return []
        self._sent_ms += self.frame_ms
        return [audio]

    def digit(self, digit: str) -> list[Frame]:
        return self._say("dtmf", {"digit": digit})

    def stop(self) -> list[Frame]:
        return self._say("close", {"reason": "end"})

    def marked(self, mark: str) -> list[Frame]:
        self._playing = False
        return self._say("playback_completed", {})

    def _say(self, kind: str, parameters: Parameters) -> list[Frame]:
        self.client_seq += 1
        message = {
            "version": VERSION,
            "id": self.hook.session,
            "type": kind,
            "seq": self.client_seq,
            "serverseq": self.server_seq,
            "position": f"PT{self._sent_ms / 1000:g}S",
            "parameters": parameters,
        }
        return [dumped(message)]

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def due(self) -> float | None:
        times = [at for at in (super().due, None if self.over else self._ping) if at is not None]
        return min(times, default=None)

    def tick(self, now: float) -> list[Frame]:
        told = super().tick(now)
        if self._ping is not None and now >= self._ping and not self.over:
            if self._pinged is not None:
                self.blame(Broken("408", "a ping was not answered with pong", RULE), "", now)
            self._ping, self._pinged = now + PING_S, now
            told += self._say("ping", {"rtt": "PT0.02S"})
        return told

    # ── to Genesys ────────────────────────────────────────────────────────────────────────────────────────

    def named(self, value: dict[str, object]) -> str:
        return str(value.get("type", "garbage"))

    def take(self, frame: Frame, now: float) -> list[Frame]:
        """As any carrier; Genesys also says on the socket what was wrong."""
        before = len(self.faults)
        answers = super().take(frame, now)
        for fault in self.faults[before:]:
            parameters: Parameters = {"code": int(fault.code), "message": fault.message}
            if fault.code == "429":
                parameters["retryAfter"] = "PT1S"
            answers += self._say("error", parameters)
        return answers

    def obey(self, frame: Frame, now: float) -> list[Frame]:
        if isinstance(frame, bytes):
            return self._play(frame, now)
        message = judged(SAID, loaded(frame, "400", RULE), "400", RULE)
        if message.id != self.hook.session:
            raise Broken("400", f"another session: {message.id!r}", RULE)
        if message.seq != self.server_seq + 1:
            raise Broken("409", f"seq {message.seq} after {self.server_seq}", RULE)
        self.server_seq = message.seq
        if message.clientseq > self.client_seq:
            raise Broken("409", f"clientseq {message.clientseq}; {self.client_seq} were sent", RULE)
        kind = PARAMETERS.get(message.type)
        if kind is None:
            raise Broken("405", f"no message of a server: {message.type!r}", RULE)
        value = judged(kind, message.parameters, "400", f"{RULE} ({message.type})")
        if self.stage == "no" and message.type not in ("opened", "disconnect", "pong"):
            raise Broken("409", f"{message.type} before opened", RULE)
        return self._do(message.type, value, now)

    def _do(self, kind: str, value: Any, now: float) -> list[Frame]:
        match kind:
            case "opened":
                return self._open(value)
            case "pong":
                if self._pinged is None:
                    raise Broken("400", "a pong without a ping", RULE)
                self._pinged = None
            case "event":
                return self._told(value, now)
            case "pause":
                self.paused = True
                return self._say("paused", {})
            case "resume":
                self.paused = False
                position = f"PT{self._sent_ms / 1000:g}S"
                return self._say("resumed", {"start": position, "discarded": "PT0S"})
            case "disconnect":
                self.output = value.outputVariables or {}
                return self._say("close", {"reason": "disconnect"})
            case "closed":
                self.output = value.outputVariables or self.output
                self.done = True
            case _:
                pass
        return []

    def _open(self, value: Opened) -> list[Frame]:
        if self.stage != "no":
            raise Broken("409", "opened twice", RULE)
        probe = self.conversation == PROBE
        if probe and value.media:
            raise Broken("400", "a probe is answered with no media", RULE)
        if value.media and value.media[0].channels != ["external"]:
            raise Broken("415", "media that was not offered", RULE)
        self.stage, self.paused = "yes" if value.media else "silent", value.startPaused
        return self._say("close", {"reason": "end"}) if probe else []

    def _told(self, value: Event, now: float) -> list[Frame]:
        told: list[Frame] = []
        for entity in value.entities:
            self.events.append({"type": entity.type, "data": entity.data})
            if entity.type == "barge_in":
                told += [one for mark in self.playback.clear(now) for one in self.marked(mark)]
            if entity.type == "bot_turn_response" and entity.data.get("disposition") not in (
                "no_input",
                "no_match",
                "match",
            ):
                raise Broken("400", "bot_turn_response without a disposition", RULE)
        return told

    def _play(self, audio: bytes, now: float) -> list[Frame]:
        if self.stage != "yes":
            raise Broken("409", "sound before opened", RULE)
        if len(audio) > LARGEST:
            raise Broken("413", f"{len(audio)} bytes; {LARGEST} are allowed", RULE)
        if not self._limit.take(now):
            raise Broken("429", "too many binary messages: send about 200 ms in each", RULE)
        self.playback.play(audio, now)
        # One mark, always behind the last sound: there the caller has heard all.
        self.playback.unmark()
        self.playback.mark("end", now)
        if self._playing:
            return []
        self._playing = True
        return self._say("playback_started", {})
