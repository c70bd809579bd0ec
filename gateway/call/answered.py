"""A call that we place, from the first "hello?" to the message on a machine: what follows from who answered. Pure.

`callee` tells what is heard apart, `machine` decides, `opening` has the first words; here the floor, the replies and
the playout are made to follow. On a call that came in nothing here ever happens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.call.callee import Callee
from gateway.call.effects import Disregard, Effect, Pause, Remark, Resume
from gateway.call.inputs import ItemProgress, MachineVerdict, ToneEnded, ToneStarted
from gateway.call.machine import Act
from gateway.call.opening import BEGINNING_MS, Opening
from gateway.call.parting import Parting
from gateway.call.playing import Playing
from gateway.call.reply import Replies
from gateway.call.sessions import CoreSettings
from gateway.call.speech import CallerSpeech
from gateway.call.turn import Floor
from gateway.errors import FAX, LEFT_MESSAGE, VOICEMAIL, Ending

__all__ = ["Answered", "Hands"]

MESSAGES = 6
"""How often the message is asked for at most: models fail, and greetings go on."""

Do = Callable[[float, list[Effect]], None]


@dataclass(frozen=True, slots=True)
class Hands:
    """What the core does for it."""

    floor: Callable[[], Floor]
    hush: Do
    """Give up what is said or to be said, whatever it is."""
    say: Callable[[str, float, list[Effect]], None]
    """Ask the model to say exactly this."""
    go_on: Do
    """What is held back is heard from now on."""
    reply: Do
    """Ask the model to answer."""
    end: Callable[[Ending, float, list[Effect]], None]


class Answered:
    def __init__(
        self,
        settings: CoreSettings,
        replies: Replies,
        playing: Playing,
        speech: CallerSpeech,
        parting: Parting,
        hands: Hands,
    ) -> None:
        persona = settings.persona
        self._outbound = settings.outbound
        self._wait_s = persona.outbound.wait_s
        self._first_words = " ".join(filter(None, (settings.announce, persona.first_words)))
        self._message = persona.voicemail_message
        self._replies = replies
        self._playing = playing
        self._speech = speech
        self._parting = parting
        self._hands = hands
        self._callee = Callee(outbound=settings.outbound, locale=persona.locale)
        self._opening = Opening()
        self._told: str | None = None
        """Who was told to have answered."""
        self._listens = settings.outbound
        """Beeps are listened for."""
        self._asked = 0
        """How often the message was asked for."""
        self._begun = False
        """Something of it was made."""

    # ── what holds ──

    @property
    def reserved(self) -> bool:
        """There is no conversation: a machine has the word, or is told the message."""
        return self._callee.busy and self._parting.ending is None

    @property
    def opening(self) -> bool:
        """The beginning of the first words is still to be heard: who speaks does not interrupt them."""
        return self._opening.on

    def holds(self, now: float) -> bool:
        """Whether what is to be said is not to be heard yet."""
        if self.reserved:
            return self._callee.waits
        return self._opening.holds(now, speaking=self._speech.speaking)

    @property
    def goes_on(self) -> bool:
        """Whether what is held back is heard as soon as nothing holds it."""
        return self.reserved or (self._opening.on and not self._speech.hinted)

    def settles(self, item_id: str) -> bool:
        """Whether the model is not to answer this turn: a machine's, or one that the first words answer."""
        return self.reserved or self._opening.answers(item_id)

    # ── what happens ──

    def connected(self, now: float) -> None:
        self._callee.connected(now)

    def greeted(self, now: float) -> None:
        """The first words were asked for."""
        if self._outbound:
            self._opening.asked(now + self._wait_s)

    def speech_started(self, now: float, ago_ms: int) -> None:
        self._callee.speech_started(now, ago_ms)
        self._opening.spoke(now)

    def speech_ended(self, now: float, ago_ms: int, out: list[Effect]) -> None:
        self._move(self._callee.speech_ended(now, ago_ms), now, out)
        self._opening.fell_silent(now, doubtful=self._callee.doubtful)

    def turn_began(self, item_id: str, now: float) -> None:
        """The model hears a turn of the callee's begin."""
        self._opening.turn_began(item_id)
        self._callee.turn_began(item_id, now)

    def words(self, item_id: str, text: str, now: float, out: list[Effect]) -> None:
        """What the callee said in a turn."""
        self._move(self._callee.words(item_id, text, now), now, out)

    def heard(self, event: MachineVerdict | ToneStarted | ToneEnded, now: float, out: list[Effect]) -> None:
        """A beep, a fax, a carrier's verdict."""
        match event:
            case MachineVerdict():
                self._move(self._callee.verdict(event, now), now, out)
            case ToneStarted():
                self._move(self._callee.tone_started(now), now, out)
            case ToneEnded():
                self._move(self._callee.tone_ended(now), now, out)

    def began(self) -> None:
        """The first audio of a reply is there."""
        self._begun = self.reserved

    def played(self, items: tuple[ItemProgress, ...]) -> None:
        self._callee.played(items)
        self._opening.played(items)

    def passed(self, now: float, out: list[Effect]) -> None:
        """Time passed."""
        self._move(self._callee.passed(now), now, out)

    def nothing_left(self, now: float, out: list[Effect]) -> None:
        """While the conversation is suspended nothing is left to be said: the message was heard, or came to nothing."""
        if self._callee.waits:
            return
        if self._begun and not self._replies.failures:
            self._move(self._callee.said(now), now, out)
        elif self._asked < MESSAGES:
            self._ask(now, out)
        else:
            self._hands.end(VOICEMAIL, now, out)

    # ── what follows ──

    def _move(self, acts: tuple[Act, ...], now: float, out: list[Effect]) -> None:
        # Before an end, which nothing follows.
        self._tell(out)
        for act in acts:
            match act:
                case Act.HUSH:
                    self._hush(now, out)
                case Act.PREPARE:
                    self._ask(now, out)
                case Act.LEAVE:
                    self._leave(now, out)
                case Act.AGAIN:
                    self._leave_again(now, out)
                case Act.CONVERSE:
                    self._converse(now, out)
                case Act.LEFT:
                    self._hands.end(LEFT_MESSAGE, now, out)
                case Act.GIVE_UP:
                    self._hands.end(VOICEMAIL, now, out)
                case Act.NO_FAX:
                    self._hands.end(FAX, now, out)

    def _hush(self, now: float, out: list[Effect]) -> None:
        self._opening.close()
        self._begun = False
        self._parting.revoke()
        self._hands.hush(now, out)

    def _ask(self, now: float, out: list[Effect]) -> None:
        if self._message is not None:
            self._asked += 1
            self._hands.say(self._message, now, out)

    def _leave(self, now: float, out: list[Effect]) -> None:
        """The message is said from now on; it may have been made already, or be on its way."""
        if self._message is None:
            self._hands.end(VOICEMAIL, now, out)
        elif self._hands.floor() is Floor.HELD:
            self._hands.go_on(now, out)
        elif not self._replies.alive and self._replies.wanted is None:
            self._ask(now, out)

    def _leave_again(self, now: float, out: list[Effect]) -> None:
        if self._playing.heard_ms() > BEGINNING_MS:
            self._hush(now, out)
            self._ask(now, out)
        elif self._hands.floor() is Floor.AGENT:
            out += [Pause(), Resume(BEGINNING_MS)]

    def _converse(self, now: float, out: list[Effect]) -> None:
        """It is a person after all: with the first words, if they were not heard."""
        if self._first_words and not self._opening.heard:
            self._opening.asked(now)
            self._hands.say(self._first_words, now, out)
        else:
            self._hands.reply(now, out)

    def _tell(self, out: list[Effect]) -> None:
        answered_by = self._callee.answered_by
        if answered_by is not None and answered_by != self._told:
            self._told = answered_by
            out.append(Remark({"type": "AnsweredBy", "answeredBy": answered_by}))
        if self._listens and not self._callee.curious:
            self._listens = False
            out.append(Disregard())
