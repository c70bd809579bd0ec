"""The audio of a gateway-played leg: the playout clock, and the local voice detector. Pure."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from gateway.call.audio import AudioEffect
from gateway.call.effects import Clear, CloseGate, Disregard, OpenGate, Pause, Resume
from gateway.call.inputs import (
    AudioBegan,
    ItemProgress,
    LegInput,
    MachineVerdict,
    Played,
    SpeechEnded,
    SpeechStarted,
    ToneEnded,
    ToneStarted,
)
from gateway.call.interlude import Interlude
from gateway.call.recording import CallRecorder
from gateway.ports import Ear, Event
from media import beep
from media.audio import FRAME_MS, PCM24, AudioFormat
from media.beep import Beeps
from media.playout import ItemTotals, Playout, PlayoutFull
from media.vad import SpeechStarted as VadStarted
from media.vad import SpeechStopped as VadStopped
from media.vad import Verdict, local_detector

__all__ = ["PlayedAudio"]

logger = logging.getLogger(__name__)

HANGOVER_MS = 300
"""Silence after which the local VAD calls the caller's speech over."""

BACK_MS = 200
"""After an interlude the agent repeats this much of what it was saying."""


class PlayedAudio:
    """One call's (`audio.CallAudio`)."""

    def __init__(
        self,
        downlink_ms: int,
        ear: Ear | None = None,
        form: AudioFormat = PCM24,
        recorder: CallRecorder | None = None,
        *,
        beeps: bool = False,
    ) -> None:
        """`ear`: what is pulled waits at the leg's far end, and can be taken back. `form`: the leg's. `beeps`: the
        core is told of the beeps of an answering machine, until it disregards them."""
        self.form = form
        self._recorder = recorder
        self.dropped_ms = 0
        self._ear = ear
        self._playout = Playout(downlink_ms, form, acknowledged=ear is not None)
        self._detector = local_detector(form, silence_ms=HANGOVER_MS)
        self._beeps = Beeps(form) if beeps else None
        self._onset_ms = 0
        self._gates: dict[str, set[str]] = {}
        """Open gates: response → its items that have audio."""
        self._fresh = False
        """An item began whose first frame was not pulled yet."""
        self._interlude: Interlude | None = None
        self._before_ms = 0
        """What the ear had heard as the interlude began."""
        self._given_ms = 0
        """Pulled of the interlude."""
        self._foreign_ms = 0
        """Of what the ear has heard, that which was none of the playout's."""
        self._paused = False
        """As the core wants it."""
        self._totals: tuple[ItemTotals, ...] = ()
        self._progress: Played | None = None
        """As it was told last, and what it was made of."""
        self._heard_ms = -1
        """By the ear, as `_totals` were asked last."""
        self._told_at = 0.0
        self._silent = True
        """Nothing that was told is still to be heard."""

    @property
    def speech(self) -> bool | None:
        detector = self._detector
        if not detector.voiced:
            return False
        return True if detector.speaking and detector.last_speech_ms == detector.fed_ms else None

    def hear(self, audio: bytes, now: float) -> Iterable[LegInput]:
        if self._recorder is not None:
            self._recorder.hear(audio, now)
        verdicts = self._detector.feed(audio)
        return self._news(verdicts, audio) if verdicts or self._beeps is not None else ()

    def _news(self, verdicts: Sequence[Verdict], audio: bytes) -> Iterator[LegInput]:
        for verdict in verdicts:
            match verdict:
                case VadStarted(at_ms):
                    yield SpeechStarted(self._detector.fed_ms - at_ms)
                    # Only now: until this was told, the speech that counts is the one before.
                    self._onset_ms = at_ms
                case VadStopped(end_ms=end_ms):
                    yield SpeechEnded(self._detector.fed_ms - end_ms)
                case _:
                    pass
        if self._beeps is not None:
            yield from map(_told, self._beeps.feed(audio))

    def overhear(self, audio: bytes, now: float) -> None:
        if self._recorder is not None:
            self._recorder.hear(audio, now)

    def take(self, event: Event) -> AudioBegan | None:
        response_id, item_id, audio = event["response_id"], event["item_id"], event["delta"]
        items = self._gates.get(response_id)
        if items is None:
            self.dropped_ms += self.form.to_ms(len(audio))
            return None
        try:
            self._playout.queue(item_id, audio)
        except PlayoutFull as full:
            logger.warning("%s; the rest of the reply is dropped", full)
            self._close_gate(response_id)
            return None
        if self._ear is not None:
            self._ear.wake()
        if item_id in items:
            return None
        items.add(item_id)
        self._fresh = True
        return AudioBegan(response_id, item_id)

    def follow(self, event: Event) -> None:
        match event["type"]:
            case "response.output_audio.done":
                if event["item_id"] in self._gates.get(event["response_id"], ()):
                    self._playout.finish(event["item_id"])
                    self.wake()
            case "response.done":
                self._close_gate(event["response"]["id"])
            case _:
                pass

    def obey(self, effect: AudioEffect, now: float) -> None:
        match effect:
            case OpenGate(response_id):
                self._gates[response_id] = set()
            case CloseGate(response_id):
                self._close_gate(response_id)
            case Pause():
                self._paused = True
                self._playout.pause(now)
                self._take_back(now)
            case Resume(back_ms):
                self._paused = False
                if self._interlude is None:
                    self._playout.resume(now, back_ms)
                    self.wake()
            case Clear():
                self._paused = False
                self._take_back(now)
                self._playout.clear(now)
                if self._interlude is not None:
                    self._playout.pause(now)
            case Disregard():
                self._beeps = None

    def progress(self, now: float, *, again_s: float = 0.0) -> Played | None:
        if (
            again_s
            and self._silent
            and not (
                # Held back for the caller's speech: how long that is decides.
                self._paused or self._playout.stirred or self._recorder is not None
            )
        ):
            return None
        speech_ms = max(0, (self._detector.last_speech_ms or 0) - self._onset_ms)
        before = self._progress
        steady = before is not None and speech_ms == before.speech_ms
        if steady and now - self._told_at < again_s and self._playout.waits and self._recorder is None:
            return None
        if self._ear is not None:
            heard_ms = self._ear.heard_ms(now)
            if self._recorder is not None:
                self._recorder.heard(heard_ms, now)
            if steady and heard_ms == self._heard_ms and not self._playout.stirred:
                return None
            self._heard_ms = heard_ms
            if self._interlude is None:
                self._playout.acknowledge(heard_ms - self._foreign_ms)
        totals = self._playout.totals(now)
        self._silent = all(item.drained for item in totals)
        if not (totals or self._paused):
            return None
        if totals == self._totals and self._progress is not None and speech_ms == self._progress.speech_ms:
            return None
        self._totals = totals
        items = tuple(
            ItemProgress(t.item_id, t.queued_ms, t.sent_ms, t.heard_ms, t.drained) for t in totals
        )
        played = Played(items, speech_ms)
        if played == self._progress:
            return None
        self._progress, self._told_at = played, now
        return played

    def interpose(self, interlude: Interlude | None, now: float) -> None:
        if self._interlude is None:
            if interlude is None:
                return
            self._playout.pause(now)
            self._take_back(now)
            self._before_ms = 0 if self._ear is None else self._ear.heard_ms(now)
        else:
            # What waits of it at the far end is of no use to anybody.
            heard_ms = self._recalled(now)
            self._leave(0 if heard_ms is None else heard_ms - self._before_ms - self._given_ms)
        self._interlude = interlude
        if interlude is None and not self._paused:
            self._playout.resume(now, BACK_MS)
        self.wake()

    def _leave(self, taken_back_ms: int) -> None:
        """The interlude is over; of what was pulled of it so much (negative) was not heard."""
        self._heard_ms = -1
        self._foreign_ms += self._given_ms + taken_back_ms
        self._before_ms += self._given_ms + taken_back_ms
        self._given_ms = 0

    def wake(self) -> None:
        if self._ear is not None:
            self._ear.wake()

    def pull(self, now: float) -> tuple[bytes | None, bool]:
        if self._interlude is not None:
            frame = self._interlude.pull()
            if frame is not None:
                self._given_ms += FRAME_MS
                self._record(frame, now)
            if self._interlude.over:
                self._leave(0)
                self._interlude = None
                if not self._paused:
                    self._playout.resume(now, BACK_MS)
            return frame, False
        frame = self._playout.pull(now)
        if frame is None:
            return None, False
        self._record(frame, now)
        self._detector.played(frame)
        fresh, self._fresh = self._fresh, False
        return frame, fresh

    def delay(self, downlink_ms: int) -> None:
        self._playout.downlink_ms = downlink_ms

    def close(self) -> None:
        self._detector.close()

    def _take_back(self, now: float) -> None:
        if self._interlude is None:
            heard_ms = self._recalled(now)
            if heard_ms is not None:
                self._playout.recall(heard_ms - self._foreign_ms)

    def _recalled(self, now: float) -> int | None:
        """Take back what the far end has not played: what the ear has heard then; None where there is no such ear."""
        if self._ear is None:
            return None
        heard_ms = self._ear.recall(now)
        if self._recorder is not None:
            self._recorder.recalled(heard_ms, now)
        return heard_ms

    def _record(self, frame: bytes, now: float) -> None:
        """A frame goes out to the caller."""
        if self._recorder is not None and self._ear is not None:
            self._recorder.sent(frame)
        elif self._recorder is not None:
            self._recorder.spoken(frame, self._playout.downlink_ms, now)

    def _close_gate(self, response_id: str) -> None:
        """No more audio of this response is taken; what was queued plays to its end, unless it is cleared."""
        for item_id in self._gates.pop(response_id, ()):
            self._playout.finish(item_id)
        self.wake()


def _told(heard: beep.Heard) -> LegInput:
    match heard:
        case beep.ToneStarted():
            return ToneStarted()
        case beep.ToneEnded():
            return ToneEnded()
        case beep.BeepEnded():
            return MachineVerdict("beep", "local")
        case beep.FaxHeard():
            return MachineVerdict("fax", "local")
