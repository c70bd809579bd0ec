"""The ports of a call: the file to read first.

A call joins two peers. The **leg** is the caller's end (a browser over WebRTC, a carrier's media
stream); the **model** is a realtime speech model that speaks the OpenAI Realtime protocol (GA shape), by
itself or through its adapter. What the call remembers goes to the **store**
(`gateway/entries.py`).

All methods here that are not `async` return at once and never block: they are called from the event loop in
the middle of a 20 ms frame. Audio has one format at these ports for the whole of a call, both ways: the leg's
(`Leg.form`), PCM16 little-endian, mono, 24 kHz (`media.audio.PCM24`) or a telephone's G.711. Who speaks another one
converts at the wire (docs/adr/0014-audio-of-a-call.md).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from gateway.consultation import Consultation
from gateway.entries import (
    CallRecord,
    CallSummary,
    JournalEntry,
    ToolExecution,
    TranscriptEntry,
    TurnTiming,
    UsageEntry,
)
from gateway.errors import Ending
from media.audio import PCM24, AudioFormat
from media.record import Chunk
from personas.persona import Persona

__all__ = [
    "CallRecord",
    "CallSummary",
    "Ear",
    "Event",
    "Exchange",
    "JournalEntry",
    "Leg",
    "LegSink",
    "Model",
    "ModelSession",
    "ModelSpec",
    "Recordings",
    "Speaker",
    "Store",
    "Tape",
    "Telephone",
    "ToolExecution",
    "TranscriptEntry",
    "TurnTiming",
    "UsageEntry",
]

Event = dict[str, Any]
"""One event of the realtime protocol, as its JSON object (`gateway.realtime` has the types and the checks)."""


# ── the caller's end ──────────────────────────────────────────────────────────────────────────────────────


class LegSink(Protocol):
    """What a leg tells its call. Given to `Leg.open`; every method returns at once."""

    def on_connected(self) -> None:
        """Media flows both ways; called once."""

    def on_channel_open(self) -> None:
        """The event channel is ready: the call answers with `session.created`. May never happen."""

    def on_audio(self, audio: bytes) -> None:
        """Audio of the caller, in the leg's format. From a gateway-played leg 20 ms, every 20 ms of real time
        once connected, with silence or concealment where packets are missing, so that time never stands still
        for the VAD; over a stall of the network in mid-speech it waits up to 400 ms for the words, which then come at
        once. From a client-played leg whole samples of any length, as they come: faster than real time,
        in bursts, or not at all."""

    def on_event(self, message: str) -> None:
        """One message of the event channel, as it came: unparsed, already bounded in size by the leg."""

    def on_digit(self, digit: str) -> None:
        """The caller pressed a key of the telephone: one of 0-9, *, #, A-D."""

    def on_lost(self, ending: Ending) -> None:
        """The leg is over (hung up, broke, never connected). Called at most once; nothing follows it."""


class Speaker(Protocol):
    """Where a gateway-played leg gets the agent's voice: the playout clock of the call."""

    def pull(self, now: float) -> bytes | None:
        """The next 20 ms in the leg's format, or None when there is nothing to play now (send silence).
        `now` is the loop's clock in seconds, the moment the frame goes out."""


@runtime_checkable
class Ear(Protocol):
    """What a gateway-played leg has besides when its far end buffers what it is sent (a carrier): the leg pulls frames
    ahead of their time, tells how much was played, and can take back the rest. `downlink_ms` says nothing then.

    Played milliseconds count every frame that `Speaker.pull` gave, 20 each, from the first on; those that were taken
    back count no more."""

    def heard_ms(self, now: float) -> int:
        """How much of what was pulled was played by now."""

    def recall(self, now: float) -> int:
        """Have the far end drop what it has not played, at once; the same figure, which then stands. What cannot be
        taken back counts as played."""

    def wake(self) -> None:
        """There may be something to pull, after there was nothing. The leg pulls later, not within this."""


class Leg(Protocol):
    """The caller's end of one call."""

    kind: str
    """The wire: `webrtc`, `websocket`, or the name of a carrier."""

    @property
    def form(self) -> AudioFormat:
        """Of the audio at these ports, from the leg's first moment to its last. PCM24 on a client-played leg."""

    @property
    def plays(self) -> bool:
        """True: gateway-played, the call paces the agent's voice through `Speaker`. False: client-played, the
        voice goes out in events as it comes, and only the client knows what was heard of it."""

    downlink_ms: int
    """How long audio handed out by `Speaker.pull` takes until it is heard (network and jitter buffer); of no
    meaning on a client-played leg."""

    async def open(self, sink: LegSink, speaker: Speaker) -> None:
        """Begin: from now on the sink is told. Raises LegError."""

    def send(self, event: Event) -> None:
        """Send one server event on the event channel; silently nothing when the leg has no channel. Events
        before the channel is open are dropped: `session.created` is sent at `on_channel_open`. When too much
        waits unsent the peer is not reading: the leg reports `on_lost`.

        On a client-played leg the `delta` of a `response.output_audio.delta` is PCM **bytes** (24 kHz): the leg
        encodes them, in the output format that the session and response events it has sent told the client."""

    def stats(self) -> dict[str, float]:
        """Figures for the canonical log line and the session: jitter_ms, packet_loss (0–1), rtt_ms,
        concealed_ms (made up where packets were missing), dropped_ms (came too late), where known."""

    async def close(self, ending: Ending) -> None:
        """Release everything, within 5 s, whatever the state. Idempotent. Does not call the sink."""


@runtime_checkable
class Telephone(Protocol):
    """What a leg has besides when its far end is a telephone."""

    def send_digits(self, digits: str) -> bool:
        """Press 0-9, *, #, A-D for the other side; False where the carrier's stream cannot."""

    def let_go(self) -> None:
        """The carrier has connected the caller to somebody else: closing the leg must not hang up."""


class Exchange(Protocol):
    """What the carrier of one call can be asked beside its media stream. Its commands take a few seconds at most (a
    transfer as long as the other person lets it ring, with carriers that wait for that), and raise ExchangeRefused with
    a sentence for the model when the carrier cannot or will not."""

    async def transfer(self, to: str) -> None:
        """Connect the caller to `to` (E.164 or a SIP URI), and us no longer: returns when the carrier has agreed. The
        call's stream ends then, or before."""

    async def consult(self, to: str, consultation: Consultation) -> None:
        """Call `to` over the same carrier for this consultation: returns when the carrier has agreed to. The call that
        comes of it begins the consultation (`begun`); what becomes of it otherwise is told by `failed`."""

    async def recall(self, consultation: Consultation) -> None:
        """The person is to be called no longer: it has rung long enough. Never raises."""

    async def press(self, digits: str) -> bool:
        """Press keys for the other side; False where the carrier has no such command."""


# ── the model's end ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a model session is opened with."""

    call_id: str
    persona: Persona
    session: dict[str, Any]
    """The GA session object that the call wants in force (no `id`, `object`, `expires_at`)."""
    realtime: bool = True
    """The caller's audio comes as it is spoken, and answers nothing when it is late. False: it comes at any pace, and
    all of it counts."""
    form: AudioFormat = PCM24
    """Of the audio, both ways, as `session` says too."""


class ModelSession(Protocol):
    """One session of a realtime model: the protocol itself, GA shape, both ways.

    Two differences from the wire, so that no frame is encoded for nothing: audio goes up through `audio`
    instead of `input_audio_buffer.append`, and the `delta` of a `response.output_audio.delta` event holds
    **bytes**, never base64: both in the format of `ModelSpec.form`.
    """

    @property
    def provider(self) -> str:
        """Name of the provider that answers now, as in `Model.name`."""

    @property
    def model(self) -> str:
        """Name of the model that answers now, as its provider calls it."""

    def send(self, event: Event) -> None:
        """Send one client event. Control is never dropped; 16 MiB unsent mean that the model is lost."""

    def audio(self, audio: bytes) -> None:
        """Append caller audio. When the peer does not take it, the oldest audio beyond 5 s is dropped, or beyond
        60 s where `ModelSpec.realtime` is False."""

    def __aiter__(self) -> AsyncIterator[Event]:
        """Server events until the session is over. Raises ModelLost when it breaks."""


@runtime_checkable
class Succeeds(Protocol):
    """A model session in which another agent can take over."""

    def succeed(self, persona: Persona, session: dict[str, Any]) -> None:
        """From now on this persona speaks, with this session (`ModelSpec.session`). It is told nothing of what was said
        before, but of the caller's last words when nobody has answered them. What is sent after it goes to it."""


class Model(Protocol):
    """A provider of model sessions: `gateway/providers/<name>.py` (or a package of that name)."""

    name: str

    forms: frozenset[AudioFormat]
    """What `ModelSpec.form` may be, PCM24 among them; `gateway.transcoding.open_model` converts for the rest."""

    def open(self, spec: ModelSpec) -> AbstractAsyncContextManager[ModelSession]:
        """Connect, apply `spec.session`, and yield the session once `session.updated` confirmed it. The events
        up to there are consumed. Raises ModelUnavailable or ModelRefused. Leaving closes it within 5 s."""


# ── what is remembered ────────────────────────────────────────────────────────────────────────────────────


class Store(Protocol):
    """The journal of calls. The recording methods buffer (≤ 100 rows, ≤ 250 ms); nothing acknowledged by
    `begin_call`, `end_call` or `flush` is ever lost, and `kill -9` loses at most what was still buffered."""

    async def begin_call(self, call: CallRecord) -> None:
        """Write the call down as live. Raises SessionBusy when its session has a live call, StoreError."""

    def record(self, entry: JournalEntry) -> None:
        """Buffer one journal entry. Beyond 10 000 unwritten rows or 16 MiB of text the journal is degraded: the
        entry is counted and dropped, the call goes on. An event above 16 KiB is packed, or kept as its type and
        size."""

    def transcript(self, entry: TranscriptEntry) -> None:
        """Buffer one transcript entry; of two with the same item the higher revision stays."""

    def tool_execution(self, execution: ToolExecution) -> None:
        """Buffer one finished tool run."""

    def usage(self, entry: UsageEntry) -> None:
        """Buffer what the call has used of a model; of two of the same model the higher revision stays."""

    async def end_call(self, call_id: str, ending: Ending, summary: CallSummary) -> None:
        """Flush what the call has buffered, then write its ending. Once per call; a second one is ignored."""

    async def flush(self) -> None:
        """Write everything buffered so far. Raises StoreError."""


# ── what is recorded ──────────────────────────────────────────────────────────────────────────────────────


class Tape(Protocol):
    """Takes the recording of one call."""

    def write(self, chunk: Chunk) -> None:
        """The next piece of the timeline. When too much waits for the disk it is dropped, which makes the recording
        incomplete; the call goes on."""

    async def close(self) -> None:
        """No more comes. Once per tape."""


class Recordings(Protocol):
    """What records calls."""

    def wanted(self, persona: Persona) -> bool:
        """Whether a call of this persona is recorded."""

    def tape(self, call_id: str, form: AudioFormat) -> Tape:
        """For a call that begins. Opens nothing yet."""
