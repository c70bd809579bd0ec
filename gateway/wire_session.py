"""A session with a realtime server on one socket: what waits to be sent, and what is read.

A raw socket rather than a vendor's client: caller audio is encoded once, nothing is validated twice, and nothing is
queued without a bound (what is unread waits in the network).
"""

from __future__ import annotations

import asyncio
import binascii
from collections import deque
from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from typing import Any, Protocol

import orjson
from websockets.exceptions import ConnectionClosed
from websockets.protocol import OPEN

from gateway.errors import ModelLost
from gateway.frames import from_client
from gateway.model_socket import ModelSocket
from gateway.outbox import AUDIO_MS, BURST_MS, Audio, Outbox, OutboxFull
from gateway.ports import Event
from gateway.realtime import server_events as say
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.server_shapes import check_server_event
from gateway.realtime.session import has_format
from gateway.realtime.weight import too_many_values
from media.audio import PCM24, AudioFormat

__all__ = ["Dialect", "WireSession", "dispensable"]

AUDIO_DELTAS = frozenset({"response.output_audio.delta", "response.audio.delta"})
"""Today's name and the old one. Decoded here, so that no dialect touches audio."""

TAKEN = 64 * 1024
"""Bytes that may wait in the transport while messages are written to it at once; beyond, they wait their turn."""

MAX_READY = 1000
"""Faults of our own that may stand to be given out. Whoever asks for more without reading is told of no more."""

EXPIRED = "session_expired"
"""The code of the `error` that a server sends before it closes at its longest duration."""


ESSENTIAL = frozenset(
    {
        "type", "instructions", "tools", "modalities", "output_modalities", "audio", "input", "output", "format",
        "input_audio_format", "output_audio_format", "turn_detection", "create_response", "interrupt_response",
        "transcription", "input_audio_transcription",
    }
)  # fmt: skip
"""Fields of a session that a call cannot do without, wherever they stand."""


class Dialect(Protocol):
    """How one server's words differ from the GA protocol. One object per session; sans-IO.

    May change the events that it is given. Audio passes neither way through it but as the bytes of a delta.
    """

    def up(self, event: Event) -> list[Event]:
        """What the server is sent for one client event; may be nothing. Raises ProtocolFault when the server has no
        word for it: whoever sent it is told by an `error`, as if the server had refused it."""

    def down(self, event: Event) -> list[Event]:
        """The GA server events that one event of the server stands for; may be none. Raises LookupError, TypeError,
        ValueError or AttributeError when it is no event of that server's."""


class WireSession:
    """`gateway.ports.ModelSession` over one socket. `gateway.connector.open_session` makes it and runs `write`."""

    def __init__(
        self,
        provider: str,
        model: str,
        socket: ModelSocket,
        dialect: Dialect,
        *,
        realtime: bool = True,
        form: AudioFormat = PCM24,
    ) -> None:
        """`realtime`, `form`: see `ModelSpec`."""
        self.provider = provider
        self.model = model
        """The model that is asked for, until the server's session tells which one answers."""
        self.expires_at: int | None = None
        """When the server will end the session, in Unix seconds; None when it does not tell."""
        self._socket = socket
        self._dialect = dialect
        self.form = form
        """Of the audio, both ways: the one asked for, or PCM24 where the server does not take that."""
        self.agreed = False
        """The server's copy of the session says that its audio is in this format."""
        self._audio_ms = AUDIO_MS if realtime else BURST_MS
        self._outbox = Outbox(audio_ms=self._audio_ms, form=form)
        self._wake = asyncio.Event()
        self._full = False
        self._unknown: list[list[str]] = []
        # What stands to be given out: the events of one message, and faults of what was sent meanwhile.
        self._ready: deque[Event] = deque()
        self._reading: asyncio.Timeout | None = None
        self._take: Callable[[Event], None] | None = None
        self._fault: Exception | None = None
        """What came of handing an event on."""

    @property
    def dropped_ms(self) -> int:
        """Caller audio that the peer did not take in time."""
        return self._outbox.dropped_ms

    def send(self, event: Event) -> None:
        try:
            for told in self._dialect.up(event):
                if self._unknown and told["type"] == "session.update":
                    told = {**told, "session": self._pruned(told["session"])}
                message = orjson.dumps(told)
                if self._free:
                    self._socket.transport.write(from_client(message))
                else:
                    self._outbox.control(message.decode())
                    self._wake.set()
        except ProtocolFault as fault:
            self._tell(say.fault(fault.of(event.get("event_id"))))
        except OutboxFull:
            # The reader notices the closed socket and tells the call, in its own time and only once.
            self._full = True
            self._socket.transport.abort()

    def audio(self, audio: bytes) -> None:
        if self._free:
            self._socket.transport.write(from_client(_append(audio)))
        else:
            self._outbox.audio(audio)
            self._wake.set()

    @property
    def _free(self) -> bool:
        """Whether the peer takes what it is sent, so that a message need not wait for the writer."""
        socket = self._socket
        return (
            not self._outbox
            and socket.protocol.state is OPEN
            and socket.transport.get_write_buffer_size() < TAKEN
        )

    def speak_pcm(self) -> None:
        """Go back to PCM24, before any audio was sent."""
        self.form = PCM24
        self._outbox = Outbox(audio_ms=self._audio_ms)

    def leave_out(self, param: str) -> None:
        """Never again send this field of the session: `session.audio.input.noise_reduction`, as the server names it."""
        self._unknown.append(param.split(".")[1:])

    def note(self, event: Event) -> None:
        """Learn from the server's copy of the session who answers, and for how long."""
        session = event.get("session")
        if isinstance(session, dict):
            self.model = session.get("model") or self.model
            self.expires_at = session.get("expires_at") or self.expires_at
            self.agreed = has_format(session, self.form)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self.receive()

    async def receive(self) -> Event:
        """The next server event. Raises ModelLost when the socket is closed or speaks something else."""
        while not self._ready:
            message = await self._read()
            if message is not None:
                self._ready.extend(self._events(message))
        return self._judged(self._ready.popleft())

    async def carry(self, take: Callable[[Event], None]) -> None:
        """As `gateway.carrying.Carries`. Messages that are no plain text come through here, and so does the end."""
        self._take = take
        try:
            while True:
                self._hand_on()
                if self._fault is not None:
                    raise self._fault
                self._socket.listen(self._receive)
                message = await self._read()
                if message is not None:
                    self._receive(message)
        finally:
            self._take = None
            self._socket.listen(None)

    async def write(self) -> None:
        """Send what waits, for ever. Ends quietly when the socket closes: the reader tells."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (waiting := self._outbox.take()) is not None:
                try:
                    await self._socket.send(
                        _append(waiting.data).decode() if isinstance(waiting, Audio) else waiting.message
                    )
                except ConnectionClosed:
                    return

    async def _read(self) -> str | bytes | None:
        """The next message; None when there is something to give out before it comes."""
        try:
            async with asyncio.timeout(None) as self._reading:
                return await self._socket.recv()
        except TimeoutError:
            return None
        except ConnectionClosed as closed:
            why = "it does not read" if self._full else f"closed with code {_close_code(closed)}"
            raise ModelLost(f"{self.provider}: {why}") from None
        finally:
            self._reading = None

    def _receive(self, message: str | bytes) -> None:
        try:
            self._ready.extend(self._events(message))
        except ModelLost as lost:
            self._break(lost)
        else:
            self._hand_on()

    def _hand_on(self) -> None:
        """Give out what stands to be given out, to who is carried to."""
        ready = self._ready
        try:
            while ready and self._take is not None:
                self._take(self._judged(ready.popleft()))
        except Exception as fault:  # noqa: BLE001 - raised again by `carry`, to who asked for it
            self._break(fault)

    def _break(self, fault: Exception) -> None:
        self._take, self._fault = None, fault
        self._socket.listen(None)
        self._wake_reader()

    def _judged(self, event: Event) -> Event:
        if event["type"] == "error" and _code(event) == EXPIRED:
            raise ModelLost(f"{self.provider}: its session reached the longest duration")
        return event

    def _events(self, message: str | bytes) -> list[Event]:
        try:
            events = self._dialect.down(_decode(message))
            for event in events:
                check_server_event(event)
        except (LookupError, TypeError, ValueError, AttributeError):
            # The message may quote what was said, so it is not told.
            raise ModelLost(f"{self.provider}: it sent something that is no event") from None
        return events

    def _pruned(self, session: dict[str, Any]) -> dict[str, Any]:
        session = deepcopy(session)
        for *above, last in self._unknown:
            here: Any = session
            for key in above:
                here = here.get(key) if isinstance(here, dict) else None
            if isinstance(here, dict):
                here.pop(last, None)
        return session

    def _tell(self, event: Event) -> None:
        """Give out an event of our own, now: who waits for the socket is woken (a cancelled `recv` loses nothing)."""
        if len(self._ready) >= MAX_READY:
            return
        self._ready.append(event)
        self._wake_reader()

    def _wake_reader(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.reschedule(0)


def dispensable(param: str) -> bool:
    """Whether a call can do without this field of `session.update`, as an error names it."""
    root, _, path = param.partition(".")
    return root == "session" and bool(path) and "[" not in path and path.rpartition(".")[2] not in ESSENTIAL


def _append(audio: bytes) -> bytes:
    return b'{"type":"input_audio_buffer.append","audio":"%b"}' % binascii.b2a_base64(audio, newline=False)


def _decode(message: str | bytes) -> Event:
    """The event in a message, its audio as bytes. Raises LookupError, TypeError or ValueError."""
    if too_many_values(message if isinstance(message, str) else message.decode("latin-1")):
        raise ValueError("too much for an event")
    event = orjson.loads(message)
    if not isinstance(event, dict) or not isinstance(event["type"], str):
        raise TypeError("not an event")
    if event["type"] in AUDIO_DELTAS:
        event["delta"] = binascii.a2b_base64(event["delta"])
    return event


def _code(event: Event) -> str | None:
    error = event.get("error")
    return error.get("code") if isinstance(error, dict) else None


def _close_code(closed: ConnectionClosed) -> int:
    return closed.rcvd.code if closed.rcvd is not None else 1006
