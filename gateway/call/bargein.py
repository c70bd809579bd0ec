"""Who has the floor of a gateway-played call, and what comes of speaking over a reply: barge-in. Pure.

The table is in `turn`, the evidence in `speech`; here a pause becomes an interruption or the reply goes on, and the
model learns what was heard.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.call.answered import Answered
from gateway.call.effects import Clear, CloseGate, Effect, Note, Pause, Resume, ToModel
from gateway.call.leaving import Leaving
from gateway.call.opening import BEGINNING_MS
from gateway.call.owed import RESUMED_S, Owed
from gateway.call.parting import is_goodbye
from gateway.call.parts import Parts
from gateway.call.turn import Act, Cue, Floor, is_backchannel, step

__all__ = ["BargeIn"]

RESUME_BACK_MS = 200
"""A resumed reply repeats this much, so that no syllable is lost at the cut."""

ANSWER_MS = 1000
"""A backchannel with less than this of the reply left is taken as an answer to it."""

INSIST = 2
"""After so many replies given up unheard the next one is said whatever the local VAD hears: it hears noise."""

UNANSWERED_S = 2.0
"""How long the model has to take the turn of a caller who spoke before the reply was heard."""


class BargeIn:
    def __init__(self, parts: Parts, answered: Answered, owed: Owed, leaving: Leaving) -> None:
        self._parts = parts
        self._answered = answered
        self._owed = owed
        self._leaving = leaving
        self._settings = parts.settings
        self._scribe = parts.scribe
        self._desk = parts.desk
        self._clock = parts.clock
        self._replies = parts.replies
        self._playing = parts.playing
        self._speech = parts.speech
        self._times = parts.times
        self.floor = Floor.QUIET
        self.undecided: dict[str, int] = {}
        """User items committed over a reply whose words are not known yet: item → its milliseconds of speech."""
        self.kept_words = False
        """Words were kept as a backchannel at the very end of a reply: they may have been an answer."""
        self._unheard = 0
        """Replies given up before anything of them was heard, since the model last took a turn."""

    @property
    def interrupts(self) -> bool:
        """Whether the caller's speech may end a reply."""
        return self._desk.interrupts and not self._answered.reserved

    # ── the floor ──

    def cue(self, cue: Cue, now: float, out: list[Effect]) -> None:
        before = self.floor
        self.floor, acts = step(before, cue)
        for act in acts:
            if act is Act.PAUSE:
                out.append(Pause())
            elif act is Act.RESUME:
                out.append(Resume(BEGINNING_MS if self._answered.opening else RESUME_BACK_MS))
            else:
                self._interrupt(now, out)
        if self.floor is Floor.CALLER and not self._speech.speaking:
            self.floor = Floor.QUIET

    def speech_started(self, now: float, ago_ms: int, out: list[Effect]) -> None:
        hinted = self.floor is Floor.HELD and self._speech.hinted
        self._speech.started(held=self.floor is Floor.HELD)
        self._times.onset()
        self._clock.active(now)
        self._answered.speech_started(now, ago_ms)
        if self._parts.persona.turns == "provider" or not self.interrupts:
            return
        before = self.floor
        self.cue(Cue.ONSET, now, out)
        if hinted or (before is Floor.AGENT and self.floor is Floor.HELD):
            out.append(Note("bargein_ms", ago_ms))

    def hinted(self, now: float, out: list[Effect]) -> None:
        """The model hears the caller before the local VAD does. Where the far end buffers, each frame that it is sent
        until then is one to take back; if the local VAD does not hear the caller soon, the reply goes on."""
        if self._settings.recalls and self.interrupts and self.floor is Floor.AGENT:
            self._speech.hint(now)
            self.cue(Cue.ONSET, now, out)

    def speech_ended(self, now: float, ago_ms: int, out: list[Effect]) -> None:
        self._speech.ended(now, ago_ms)
        self._clock.active(now)
        self._owed.spoke(now)
        self.cue(Cue.OFFSET, now, out)
        self._answered.speech_ended(now, ago_ms, out)
        if self.floor is Floor.HELD and self._answered.opening:
            self.decide(now, out)

    def decide(self, now: float, out: list[Effect]) -> None:
        """A held reply: is there evidence enough?"""
        if self._answered.holds(now):
            return
        if self._answered.goes_on:
            self.cue(Cue.KEEP, now, out)
        elif self._speech.insists:
            self.cue(Cue.YIELD, now, out)
        elif self._speech.given_up(now, words_expected=bool(self.undecided)):
            self.cue(Cue.KEEP, now, out)

    def pressed(self, now: float, out: list[Effect]) -> None:
        """A key takes the floor like speech, and there is no doubt about it."""
        if self.interrupts and self.floor in (Floor.AGENT, Floor.HELD, Floor.WAITING):
            self._interrupt(now, out, cancel=True)

    def entered(self, now: float, out: list[Effect]) -> None:
        """Keys made a turn of the caller's."""
        self._unheard = 0
        if self.floor is Floor.WAITING:
            # The reply on its way does not know of it.
            self.give_up(now, out, cancel=True)

    def audio_began(self, now: float, out: list[Effect]) -> None:
        """The first audio of a reply is there."""
        if self.floor is Floor.WAITING and (
            self._answered.holds(now)
            or (self._speech.speaking and self.interrupts and self._unheard < INSIST)
        ):
            # Audio that begins while the caller speaks is held from its first frame.
            self.floor = Floor.CALLER
        self.cue(Cue.AUDIO, now, out)

    # ── the caller's turns ──

    def committed(self, item_id: str, now: float, out: list[Effect]) -> bool:
        """The model took the caller's turn. Whether a reply is owed now."""
        self._scribe.user_began(item_id, self._parts.ms(now))
        out.append(Note("turns"))
        self._times.committed(now)
        self._unheard = 0
        if not self._desk.creates or self._parts.persona.turns == "provider":
            return False
        if self._answered.settles(item_id):
            return False
        if self._playing.audible() or self._leaving.leaving:
            self.undecided[item_id] = self._speech.heard_ms
            return False
        if self.floor in (Floor.WAITING, Floor.HELD):
            # Nothing of the reply was heard: the caller was not done, and the reply is made anew.
            self.give_up(now, out)
        # Who speaks on already gets one answer to it all; in lasting noise it is not waited for long.
        self._owed.owe(now, after_s=RESUMED_S if self._speech.speaking else 0.0)
        return True

    def words(self, item_id: str, text: str, now: float, out: list[Effect]) -> bool:
        """What the caller said is known: over a reply it tells an interruption from a backchannel. Whether a reply is
        owed now."""
        if item_id not in self.undecided:
            return False
        speech_ms = self.undecided.pop(item_id)
        parting = self._leaving.leaving
        if is_backchannel(text, speech_ms) or (parting and is_goodbye(text)):
            self.kept_words = bool(text.strip()) and self._nearly_done() and not parting
            if not self.kept_words and self._playing.audible():
                # It was no turn, and a model that finds it among the turns may answer it later.
                event_id = f"event_parley_delete_{item_id}"[:512]
                out.append(
                    ToModel({"type": "conversation.item.delete", "item_id": item_id, "event_id": event_id})
                )
            if self.floor is Floor.HELD and not self._speech.speaking and not self.undecided:
                self.cue(Cue.KEEP, now, out)
            return False
        self._leaving.objects(now, out)
        if self.floor in (Floor.AGENT, Floor.HELD, Floor.WAITING):
            self.cue(Cue.YIELD, now, out)
        self._owed.owe(now)
        return True

    def _nearly_done(self) -> bool:
        """Whether so little of the reply is left that a short word now is rather an answer to it."""
        return not self._replies.alive and self._playing.left_ms() <= ANSWER_MS

    # ── interruptions ──

    def _interrupt(self, now: float, out: list[Effect], *, cancel: bool = False) -> None:
        """The caller has the floor: stop, and tell the model what was heard."""
        out.append(Note("interruptions"))
        # "Wait, one more thing" over the farewell: the call goes on.
        self._leaving.objects(now, out)
        # A reply of which nothing was heard is still owed, should the model take no turn from this speech.
        unheard = not self._playing.audible()
        self.give_up(now, out, cancel=cancel)
        if unheard:
            self._unheard += 1
            self._owed.owe(now, after_s=UNANSWERED_S)
        if self.undecided:
            self._owed.owe(now)
        self.undecided.clear()

    def give_up(self, now: float, out: list[Effect], *, cancel: bool = False) -> None:
        """Drop the running reply: nothing of it is played any more, and the model learns what was heard. `cancel`: a
        model that takes the turns has not noticed either."""
        out.append(Clear())
        out += self._replies.kill(cancel=cancel or self._parts.persona.turns != "provider")
        for item_id in self._scribe.open_items():
            progress = self._playing.of(item_id)
            heard_ms = self._parts.heard_ms(progress)
            line = self._scribe.agent[item_id]
            out.append(CloseGate(line.response_id))
            if heard_ms >= progress.queued_ms > 0 and line.response_id not in self._replies.killed:
                # All of it was sent: only its last moment is still on the way.
                out += self._scribe.played(
                    replace(progress, heard_ms=heard_ms, drained=True), self._parts.ms(now)
                )
                continue
            out.append(
                ToModel(
                    {
                        "type": "conversation.item.truncate", "item_id": item_id, "content_index": 0,
                        "audio_end_ms": heard_ms, "event_id": f"event_parley_truncate_{item_id}"[:512],
                    }
                )
            )  # fmt: skip
            out += self._scribe.interrupted(item_id, heard_ms, self._parts.ms(now))
        out += self._playing.cleared()
        self.kept_words = False
        self.floor = Floor.CALLER if self._speech.speaking else Floor.QUIET
