"""Where a call's audio goes, in milliseconds for the core: played by us, or relayed to a client that plays it.

Audio never passes through the core. It opens a gate per response; audio of a response whose gate is not open was given
up, and is dropped here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from gateway.call.effects import Clear, CloseGate, Disregard, OpenGate, Pause, Resume
from gateway.call.inputs import (
    AudioBegan,
    AudioCame,
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

__all__ = ["AudioEffect", "CallAudio", "PlayedAudio", "RelayedAudio"]

logger = logging.getLogger(__name__)

HANGOVER_MS = 300
"""Silence after which the local VAD calls the caller's speech over."""

BACK_MS = 200
"""After an interlude the agent repeats this much of what it was saying."""

SIGN_S = 30.0
"""How often the core is told that a client still sends audio."""

AudioEffect = OpenGate | CloseGate | Pause | Resume | Clear | Disregard


class CallAudio(Protocol):
    """One call's audio, both ways. `now` is the loop's clock."""

    dropped_ms: int
    """Audio of given-up replies that was not played."""

    @property
    def speech(self) -> bool | None:
        """Whether what was heard last is speech; None where that is not sure."""

    def hear(self, audio: bytes, now: float) -> Iterable[LegInput]:
        """The caller's audio: what the core is to be told of it, each at once and after a `progress`."""

    def overhear(self, audio: bytes, now: float) -> None:
        """The caller's audio, when it is for somebody else than the agent."""

    def take(self, event: Event) -> AudioBegan | None:
        """A `response.output_audio.delta`: the news, when it is the first of its item."""

    def follow(self, event: Event) -> None:
        """Any other event of the model, before the core is told of it: it may end an item or a response."""

    def obey(self, effect: AudioEffect, now: float) -> None: ...

    def progress(self, now: float, *, again_s: float = 0.0) -> Played | None:
        """How far the items are; None when there is nothing new to tell. `again_s`: that an item goes on being played
        is not worth telling before so long has passed since it was told last."""

    def pull(self, now: float) -> tuple[bytes | None, bool]:
        """The next frame to play, and whether an item begins with it (`gateway.ports.Speaker`)."""

    def interpose(self, interlude: Interlude | None, now: float) -> None:
        """From now on this is played and nothing cuts it; what the agent had to say waits. None: the agent goes on."""

    def wake(self) -> None:
        """There may be something to play, after there was nothing."""

    def delay(self, downlink_ms: int) -> None:
        """How long what is pulled takes until it is heard."""

    def close(self) -> None: ...


class PlayedAudio:
    """Of a gateway-played leg: the playout clock, and the local voice detector."""

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
        speech_ms = max(0, (self._detector.last_speech_ms or 0) - self._onset_ms)
        if self._ear is not None:
            before = self._progress
            steady = before is not None and speech_ms == before.speech_ms
            if steady and now - self._told_at < again_s and self._playout.waits and self._recorder is None:
                return None
            heard_ms = self._ear.heard_ms(now)
            if self._recorder is not None:
                self._recorder.heard(heard_ms, now)
            if steady and heard_ms == self._heard_ms and not self._playout.stirred:
                return None
            self._heard_ms = heard_ms
            if self._interlude is None:
                self._playout.acknowledge(heard_ms - self._foreign_ms)
        totals = self._playout.totals(now)
        if not totals:
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


class RelayedAudio:
    """Of a client-played leg: the deltas go out as they come, and are counted."""

    def __init__(self, send: Callable[[Event], None]) -> None:
        self.dropped_ms = 0
        self._send = send
        self._gates: dict[str, dict[str, int]] = {}
        """Open gates: response → its items that have audio → bytes that were sent."""
        self._news: dict[str, int] = {}
        """Bytes that were sent of the items whose figure the core does not know yet."""
        self._sign_at: float | None = None

    speech = None

    def hear(self, audio: bytes, now: float) -> Iterator[LegInput]:
        if self._sign_at is None or now - self._sign_at >= SIGN_S:
            self._sign_at = now
            yield AudioCame()

    def overhear(self, audio: bytes, now: float) -> None:
        """Of no meaning here."""

    def take(self, event: Event) -> AudioBegan | None:
        response_id, item_id, pcm = event["response_id"], event["item_id"], event["delta"]
        items = self._gates.get(response_id)
        if items is None:
            self.dropped_ms += PCM24.to_ms(len(pcm))
            return None
        self._send(event)
        before = items.get(item_id)
        self._news[item_id] = items[item_id] = (before or 0) + len(pcm)
        return AudioBegan(response_id, item_id) if before is None else None

    def follow(self, event: Event) -> None:
        if event["type"] == "response.done":
            self._gates.pop(event["response"]["id"], None)

    def obey(self, effect: AudioEffect, now: float) -> None:
        match effect:
            case OpenGate(response_id):
                self._gates.setdefault(response_id, {})
            case CloseGate(response_id):
                self._gates.pop(response_id, None)
            case _:
                # What was sent is with the client: only it can pause or clear.
                pass

    def progress(self, now: float, *, again_s: float = 0.0) -> Played | None:
        if not self._news:
            return None
        sent = {item_id: PCM24.to_ms(count) for item_id, count in self._news.items()}
        self._news.clear()
        return Played(tuple(ItemProgress(i, ms, ms, 0, drained=False) for i, ms in sent.items()))

    def pull(self, now: float) -> tuple[bytes | None, bool]:
        return None, False

    def interpose(self, interlude: Interlude | None, now: float) -> None:
        """Of no meaning here: the client plays what it wants."""

    def wake(self) -> None:
        """Of no meaning here."""

    def delay(self, downlink_ms: int) -> None:
        """Of no meaning here."""

    def close(self) -> None:
        """Nothing is held."""
