"""The leg of a phone call: the caller's end at a carrier.

The socket is read by its route (`Line.serve`), the carrier's words mean what its `Stream` says, `Hearing` and `Pacer`
know about time; here they meet. A beat of 20 ms keeps both going when the carrier says nothing. Frames go from socket
to call and back in callbacks, without a queue between.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import ParamSpec

from gateway.carriage.codec import call_format
from gateway.carriage.hearing import Hearing
from gateway.carriage.line import Line
from gateway.carriage.pacer import Pacer
from gateway.errors import HUNG_UP, INTERNAL_ERROR, LEFT, Ending, LegError, LegLost, LegProtocolError
from gateway.log import where
from gateway.ports import Event, LegSink, Speaker
from gateway.pulse import Pulse
from gateway.wire import (
    Audio,
    Cleared,
    Complained,
    Digit,
    Message,
    Played,
    Started,
    Stopped,
    StreamEvent,
    StreamFault,
)
from media.audio import AudioFormat

__all__ = ["REATTACH_S", "CarrierLeg"]

logger = logging.getLogger(__name__)
Told = ParamSpec("Told")

BEAT_MS = 20
RESTED_S = 0.015
"""Time passes with the caller's audio, which comes every 20 ms; not twice in less than this."""
MISSED_S = 0.035
"""When it has not passed for so long the beats have it pass instead, until audio does so again."""
REATTACH_S = 30.0
"""How long a call whose socket was lost waits for the carrier to open another."""
LONGEST_WAIT_S = 5.0
"""How long a carrier may ask to be sent nothing."""
COMPLAINTS = 5
"""Complaints of a carrier that are logged per call."""


class CarrierLeg:
    """One caller at a carrier; implements `gateway.ports.Leg`, `Ear` and `Telephone`."""

    plays = True
    downlink_ms = 0

    def __init__(
        self, call_id: str, line: Line, *, reattach_s: float = REATTACH_S, form: AudioFormat | None = None
    ) -> None:
        """`line` has answered. `reattach_s`: 0 where the carrier opens no second socket for a call; its loss is the
        end then. `form`: of the call that it joins; by default the one that goes with the carrier. Raises
        LegProtocolError for audio that no telephone has."""
        started = _started(line)
        self.call_id = call_id
        self.kind = line.carrier
        self.form = form or call_format(started.hears, started.plays)
        self._reattach_s = reattach_s
        try:
            self._hearing = Hearing(started.hears, self.form)
            self._pacer = Pacer(started.plays, started.pacing, self.form)
        except ValueError as error:
            raise LegProtocolError(str(error)) from None
        self._line: Line | None = line
        """None while the call waits for another."""
        self._lost_at = 0.0
        self._clock = asyncio.get_running_loop().time
        self._sink: LegSink | None = None
        self._speaker: Speaker | None = None
        self._pulse: Pulse | None = None
        """Once it is open."""
        self._passed = 0.0
        """When time passed last."""
        self._beats = False
        """Time passed last by a beat."""
        self._woken = False
        self._ending: Ending | None = None
        self._over = False
        self._let_go = False
        self._complaints = 0
        self.opened: Callable[[], None] | None = None
        """Told once that the call has begun."""
        self.closed: Callable[[Ending, bool], None] | None = None
        """Told once that the call is over, how, and whether the carrier said so."""
        self.parted: Callable[[], None] | None = None
        """Told once that the carrier's stream is over, before the call knows."""

    # ── the port ──────────────────────────────────────────────────────────────────────────────────────────

    async def open(self, sink: LegSink, speaker: Speaker) -> None:
        """Raises LegLost when the carrier has left already, LegError when it is opened twice."""
        if self._sink is not None:
            raise LegError("a leg is opened once")
        line = self._line
        if self.over or line is None or line.over:
            lost = LegLost("the caller was gone before the call began")
            lost.ending = HUNG_UP
            raise lost
        self._sink, self._speaker = sink, speaker
        now = self._clock()
        self._hearing.begin(now)
        # A carrier has no event channel: nothing is to be waited for before the greeting.
        self._tell(sink.on_channel_open)
        self._tell(sink.on_connected)
        if self.opened is not None:
            self._tell(self.opened)
            self.opened = None
        self._passed = now
        self._pulse = Pulse.of_loop()
        self._pulse.join(BEAT_MS, self._beat)
        self._guarded(line.take, self)

    def send(self, event: Event) -> None:
        """Nothing: there is no event channel."""

    def stats(self) -> dict[str, float]:
        """As `gateway.ports.Leg` says; `messages_out` counts those of audio."""
        rtt_ms = self._pacer.rtt_ms
        known = {} if rtt_ms is None else {"rtt_ms": round(rtt_ms, 1)}
        return {**known, **self._hearing.lost, "messages_out": float(self._pacer.pieces)}

    async def close(self, ending: Ending) -> None:
        """Hang up as far as the stream can, and close the socket. Idempotent."""
        closed, self.closed, self._over = self.closed, None, True
        if closed is not None:
            closed(ending, self._ending is not None)
        if self._pulse is not None:
            self._pulse.leave(self._beat)
        line, self._line = self._line, None
        if line is not None:
            if not self._let_go:
                line.send(line.stream.hang_up())
            await line.close()

    # ── the ear ───────────────────────────────────────────────────────────────────────────────────────────

    def heard_ms(self, now: float) -> int:
        return self._pacer.heard_ms(now)

    def recall(self, now: float) -> int:
        if self._line is None:
            return self._pacer.recall(now, cleared=True)
        cleared = True
        if self._pacer.holds(now):
            messages = self._line.stream.clear()
            self._line.send(messages)
            cleared = bool(messages)
        return self._pacer.recall(now, cleared=cleared)

    def wake(self) -> None:
        if not self._woken and not self._over:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._awake)

    def _awake(self) -> None:
        self._woken = False
        self._pacer.wake()
        self._guarded(self._pump, self._clock())

    # ── the phone ─────────────────────────────────────────────────────────────────────────────────────────

    def send_digits(self, digits: str) -> bool:
        """Press keys for the other side; False where the carrier's stream cannot."""
        if self._line is None or self._over:
            return False
        messages = self._line.stream.send_digits(digits)
        self._line.send(messages)
        return bool(messages)

    def let_go(self) -> None:
        """The carrier has connected the caller to somebody else: the socket is closed in the end, and no more."""
        self._let_go = True

    def lose(self) -> None:
        """The carrier has told elsewhere that its stream is over."""
        self._lose(HUNG_UP)

    @property
    def live(self) -> bool:
        """Whether the call has begun, and has not ended."""
        return self._sink is not None and not self.over

    @property
    def over(self) -> bool:
        """Whether the call has ended, or is about to."""
        return self._over or self._ending is not None

    @property
    def waiting(self) -> bool:
        """Whether the line was lost and another may take its place."""
        return self._line is None and not self.over

    async def reattach(self, line: Line) -> None:
        """The carrier opened another socket for the same call, and `line` has answered; it replaces the one there is,
        should that not be lost yet. Raises LegLost when the call is over, LegProtocolError as the constructor does."""
        started = _started(line)
        if self.over or self._sink is None:
            raise LegLost("the call is over")
        old, now = self._line, self._clock()
        if old is not None:
            self._pacer.lost(now)
        try:
            self._hearing.attached(started.hears)
            self._pacer.attached(started.plays, started.pacing)
        except ValueError as error:
            raise LegProtocolError(str(error)) from None
        self._line = line
        logger.info("call %s: another line took the place of the lost one", self.call_id)
        self._guarded(line.take, self)
        self._guarded(self._pump, now)
        if old is not None:
            await old.close()

    # ── what the carrier says (line.Taker) ────────────────────────────────────────────────────────────────

    def on_wire(self, event: StreamEvent) -> None:
        sink = self._sink
        if sink is None or self.over:
            return
        if isinstance(event, Audio):
            now = self._clock()
            frames = self._hearing.arrive(event, now)
            try:
                for frame in frames:
                    sink.on_audio(frame)
                if now - self._passed >= RESTED_S and not self._over and self._ending is None:
                    self._passed, self._beats = now, False
                    # Nothing is owed to whom something was given just now.
                    if self._hearing.waits or not frames:
                        self._pass_time(now)
                    elif self._line is not None:
                        self._pump(now)
            except Exception as error:  # noqa: BLE001 - see `_guarded`
                self._broke(error)
            return
        match event:
            case Played(mark):
                self._pacer.played(mark, self._clock())
            case Digit(digit):
                self._tell(sink.on_digit, digit)
            case Stopped():
                self._lose(HUNG_UP)
            case Complained(reason, wait_ms):
                self._complained(reason, wait_ms)
            case Cleared():
                pass
            case Started():
                raise StreamFault("a stream that starts twice")

    def on_line_over(self, line: Line, ending: Ending | None) -> None:
        if line is not self._line or self._over:
            return
        if ending is not None or not self._reattach_s:
            self._lose(ending or HUNG_UP)
            return
        if self._ending is None:
            self._lost_at = self._clock()
            self._pacer.lost(self._lost_at)
            self._line = None
            logger.warning("call %s: the carrier's socket was lost; another may come", self.call_id)

    def _complained(self, reason: str, wait_ms: int) -> None:
        self._complaints += 1
        if self._complaints <= COMPLAINTS:
            logger.warning("call %s: %s complains: %s", self.call_id, self.kind, reason)
        if wait_ms > 0:
            wait_s = min(wait_ms / 1000, LONGEST_WAIT_S)
            self._pacer.hold(self._clock() + wait_s)

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────

    def _beat(self) -> None:
        now = self._clock()
        # Where audio has time pass, a beat between would only come before what is on its way.
        if now - self._passed >= (RESTED_S if self._beats else MISSED_S) and not self.over:
            self._beats = True
            self._guarded(self._pass_time, now)

    def _pass_time(self, now: float) -> None:
        self._passed = now
        if self._sink is not None:
            for frame in self._hearing.tick(now):
                self._tell(self._sink.on_audio, frame)
        if self._line is not None:
            self._pump(now)
        elif now - self._lost_at > self._reattach_s:
            self._lose(LEFT)

    def _pump(self, now: float) -> None:
        line, speaker = self._line, self._speaker
        if speaker is None or line is None or self.over or self._pacer.rests(now):
            return
        messages: list[Message] = []
        for out in self._pacer.pump(lambda: speaker.pull(now), now):
            if isinstance(out, bytes):
                messages += line.stream.play(out)
            else:
                marks = line.stream.mark(out)
                messages += marks
                if not marks:
                    self._pacer.marks = False
        line.send(messages)

    # ── what the call is told ─────────────────────────────────────────────────────────────────────────────

    def _guarded(self, work: Callable[Told, None], *told: Told.args, **also: Told.kwargs) -> None:
        """A fault here must end this call, and nothing else."""
        try:
            work(*told, **also)
        except Exception as error:  # noqa: BLE001 - see above
            self._broke(error)

    def _broke(self, error: Exception) -> None:
        """Say where, not what: its text may quote what was said."""
        logger.error("call %s: the leg broke: %s", self.call_id, where(error))
        self._lose(INTERNAL_ERROR)

    def _tell(self, what: Callable[Told, None], *told: Told.args, **also: Told.kwargs) -> None:
        if not self.over:
            self._guarded(what, *told, **also)

    def _lose(self, ending: Ending) -> None:
        if self.over:
            return
        self._ending = ending
        if self.parted is not None:
            self.parted()
        if self._sink is not None:
            try:
                self._sink.on_lost(ending)
            except Exception as error:  # noqa: BLE001 - as above; nobody is left to be told
                logger.error("the call failed in on_lost: %s", where(error))


def _started(line: Line) -> Started:
    if line.started is None:
        raise LegError("the line has not answered yet")
    return line.started
