"""A call on tape: what the leg and the playout do, told to the recording's timeline. Pure; the tape never blocks."""

from __future__ import annotations

from gateway.ports import Leg, Recordings, Tape
from media.audio import AudioFormat
from media.record import TwoChannels
from personas.persona import Persona

__all__ = ["CallRecorder"]


class CallRecorder:
    """One call's. On a leg with an `Ear` the agent's voice is `sent`, and recorded as it is `heard`; on another one it
    is `spoken`, and heard `downlink_ms` later."""

    def __init__(self, tape: Tape, form: AudioFormat, began: float) -> None:
        self._tape = tape
        self._call = TwoChannels(form, began)

    @classmethod
    def of(
        cls, persona: Persona, call_id: str, leg: Leg, recordings: Recordings | None, began: float
    ) -> CallRecorder | None:
        """None where the call is not recorded. What a client plays itself never is: nobody knows when it was heard."""
        if recordings is None or not leg.plays or not recordings.wanted(persona):
            return None
        return cls(recordings.tape(call_id, leg.form), leg.form, began)

    @property
    def paused(self) -> bool:
        return self._call.paused

    def pause(self, paused: bool) -> None:
        """While it is paused the recording is silent, and as long as the call."""
        self._call.paused = paused

    def hear(self, frame: bytes, now: float) -> None:
        self._call.hear(frame, now)

    def spoken(self, frame: bytes, downlink_ms: int, now: float) -> None:
        self._call.speak(frame, now + downlink_ms / 1000)

    def sent(self, frame: bytes) -> None:
        self._call.send(frame)

    def heard(self, ms: int, now: float) -> None:
        self._call.heard(ms, now)

    def recalled(self, ms: int, now: float) -> None:
        self._call.recall(ms, now)

    def passed(self, now: float) -> None:
        """Time went by: hand over what is settled. After `heard`."""
        chunk = self._call.take(now)
        if chunk is not None:
            self._tape.write(chunk)

    async def close(self, now: float) -> None:
        chunk = self._call.take(now, last=True)
        if chunk is not None:
            self._tape.write(chunk)
        await self._tape.close()
