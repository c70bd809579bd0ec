"""One call of a carrier on a real socket, in real time."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from tests.carrier_peers.carrier import Carrier
from tests.carrier_peers.faults import Broken, Fault, Frame
from tests.carrier_peers.heard import Heard
from tests.carrier_peers.log import Log
from tests.carrier_peers.manners import Mangler, Manners
from tests.carrier_peers.playback import Gap
from tests.carrier_peers.sockets import Gone, Socket
from tests.carrier_peers.voice import spoken

__all__ = ["Call", "CarrierT", "Ended", "Said"]

FAREWELL_S = 2.0
CONGESTED = 2**18
"""Bytes that wait for the application to read; beyond, the carrier throws sound away."""

CarrierT = TypeVar("CarrierT", bound=Carrier[Any])


@dataclass(frozen=True, slots=True)
class Said:
    """When something of the caller's left, in milliseconds since the start of the stream."""

    from_ms: float
    to_ms: float


@dataclass(frozen=True, slots=True)
class Ended:
    """How the socket ended."""

    by: Literal["carrier", "application"]
    code: int | None
    """The WebSocket's close code, when the application closed."""
    at_ms: float


class Call(Generic[CarrierT]):
    """What a test holds of it. All milliseconds count from the start of the stream."""

    def __init__(self, carrier: CarrierT, socket: Socket, manners: Manners) -> None:
        self.carrier = carrier
        self.sent = Log(carrier.kind)
        """From the carrier to the application."""
        self.received = Log(carrier.kind)
        """From the application to the carrier."""
        self.ended: Ended | None = None
        self._socket = socket
        self._manners = manners
        self._mangle = Mangler(manners)
        self._congested = False
        self._clock = asyncio.get_running_loop().time
        self._speech: deque[tuple[bytes, asyncio.Future[float] | None]] = deque()
        self._due_changed = asyncio.Event()
        self._started = asyncio.Event()
        self._over = asyncio.Event()

    # ── what the application did ──────────────────────────────────────────────────────────────────────────

    @property
    def faults(self) -> list[Fault]:
        return self.carrier.faults

    @property
    def heard(self) -> Heard:
        """What the caller heard until now."""
        now = self._clock()
        return Heard(self.carrier.playback.heard(now), self.carrier.hears, self._began, now)

    @property
    def lead_ms_max(self) -> float:
        """The most that was ever queued at the carrier ahead of real time."""
        return self.carrier.playback.lead_s_max * 1000

    @property
    def underruns(self) -> int:
        """Pauses of at most 250 ms in what the caller heard, that no `clear` explains."""
        return self.carrier.playback.underruns

    @property
    def gaps(self) -> list[Gap]:
        """All pauses that no `clear` explains, the long ones between two replies too."""
        return self.carrier.playback.gaps

    @property
    def now_ms(self) -> float:
        return self.ms(self._clock())

    def ms(self, at: float) -> float:
        """A time of the loop's clock, such as `Passed.at`, in milliseconds of the stream."""
        return (at - self._began) * 1000

    @property
    def _began(self) -> float:
        return self.carrier.opened if self.carrier.began is None else self.carrier.began

    # ── what the caller does ──────────────────────────────────────────────────────────────────────────────

    async def say(self, source: str | Path) -> Said:
        """Speak a recording (see `voice.spoken`), in real time. Returns when its last frame has left."""
        # Decoding takes longer than a frame: the stream must not wait for it.
        frames = await asyncio.to_thread(spoken, source, self.carrier.says, self.carrier.frame_ms)
        return await self.speak(*frames)

    async def speak(self, *frames: bytes) -> Said:
        """Speak frames of the wire. Returns when the last has left, or the socket has ended."""
        if self.ended is not None or not frames:
            return Said(self.now_ms, self.now_ms)
        first, last = self._future(), self._future()
        ends = {0: first, len(frames) - 1: last}
        if len(frames) == 1:
            first = last
        self._speech.extend((frame, ends.get(at)) for at, frame in enumerate(frames))
        return Said(self.ms(await first), self.ms(await last))

    async def press(self, digits: str) -> None:
        """Press keys, one after the other."""
        for digit in digits:
            await self.send(*self.carrier.digit(digit))

    async def hang_up(self) -> None:
        """The caller puts the phone down: the stream is stopped, the socket closed."""
        if self.ended is None:
            goodbye = self.carrier.finish()
            if self._manners.stops:
                await self.send(*goodbye)
                await self._farewell()
            self._end("carrier", None)
        await self._socket.close()

    async def _farewell(self) -> None:
        kind = self.carrier.farewell
        if kind is None or self.carrier.began is None or self.ended is not None:
            return
        try:
            await self.received.until(kind, within_s=FAREWELL_S)
        except TimeoutError as error:
            told = Broken("farewell", f"the end was not answered: {error}", "the carrier's protocol")
            self.carrier.blame(told, "", self._clock())

    def drop(self) -> None:
        """The network goes away: the connection is cut without a word."""
        self.carrier.over = True
        self._end("carrier", None)
        self._socket.abort()

    async def send(self, *frames: Frame) -> None:
        """Send messages exactly as they are, right or wrong; nothing happens when the socket has ended."""
        for frame in frames:
            self.sent.add(frame, self._clock())
            try:
                await self._socket.send(frame)
            except Gone:
                self._end("application", None)

    # ── waiting ───────────────────────────────────────────────────────────────────────────────────────────

    async def started(self, within_s: float = 20.0) -> None:
        """Until the stream has started. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            await self._started.wait()

    async def over(self, within_s: float = 20.0) -> Ended:
        """Until the socket has ended. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            await self._over.wait()
        assert self.ended is not None
        return self.ended

    async def played(self, ms: float, within_s: float = 30.0) -> None:
        """Until the caller has heard so much sound, all in all. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while (missing := ms - self.heard.played_ms) > 0:  # noqa: ASYNC110 - only the clock tells
                await asyncio.sleep(max(missing / 1000, 0.005))

    async def quiet(self, ms: float = 500, within_s: float = 30.0) -> None:
        """Until nothing has waited to be played for so long. Raises TimeoutError."""
        since = self._clock()
        async with asyncio.timeout(within_s):
            while (now := self._clock()) - since < ms / 1000:
                if pending := self.carrier.playback.pending_s(now):
                    since = now + pending
                await asyncio.sleep(0.01)

    # ── the course of the call ────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Everything at once, until the socket ends."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(part()) for part in (self._talk, self._play)]
                await self._listen()
                for task in tasks:
                    task.cancel()
        finally:
            for _, future in self._speech:
                if future is not None and not future.done():
                    future.set_result(self._clock())

    async def _talk(self) -> None:
        opening = self.carrier.open(self._clock())
        if self._manners.opens:
            await self.send(*opening)
        await asyncio.sleep(self._manners.start_after_s)
        start = self.carrier.begin(self._clock())
        if self._manners.starts:
            await self.send(*start)
        self._started.set()
        frame_s = self.carrier.frame_ms / 1000
        silence = self.carrier.says.silence * (
            self.carrier.says.frame_bytes(self.carrier.frame_ms) // len(self.carrier.says.silence)
        )
        due = self._clock() + frame_s
        while self.ended is None:
            await asyncio.sleep(due - self._clock())
            if self.carrier.over:
                return
            audio, future = self._speech.popleft() if self._speech else (silence, None)
            if self._manners.streams:
                await self._stream(self.carrier.media(audio, audio == silence))
            if future is not None:
                future.set_result(self._clock())
            due += frame_s

    async def _stream(self, frames: list[Frame]) -> None:
        waiting = self._socket.waiting
        if waiting > CONGESTED:
            if not self._congested:
                told = f"{waiting} bytes are not read: the caller's sound is thrown away"
                broken = Broken(self.carrier.congestion, told, "telephony 0 rule 5")
                self.carrier.blame(broken, "", self._clock())
            self._congested = True
            return
        self._congested = False
        await self.send(*(mangled for frame in frames for mangled in self._mangle(frame)))

    async def _listen(self) -> None:
        while (frame := await self._socket.receive()) is not None:
            now = self._clock()
            self.received.add(frame, now)
            answers = [*self.carrier.tick(now), *self.carrier.take(frame, now)]
            self._due_changed.set()
            await self.send(*answers)
            await self._obey_end()
        self._end("application", self._socket.close_code)

    async def _play(self) -> None:
        while self.ended is None:
            self._due_changed.clear()
            due = self.carrier.due
            try:
                async with asyncio.timeout_at(due):
                    await self._due_changed.wait()
            except TimeoutError:
                await self.send(*self.carrier.tick(self._clock()))
                await self._obey_end()

    async def _obey_end(self) -> None:
        if self.carrier.done:
            self._end("carrier", None)
            await self._socket.close()

    def _end(self, by: Literal["carrier", "application"], code: int | None) -> None:
        if self.ended is None:
            self.ended = Ended(by, code, self.now_ms)
            self._over.set()

    def _future(self) -> asyncio.Future[float]:
        return asyncio.get_running_loop().create_future()
