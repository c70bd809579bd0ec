"""What the core of a gateway-played call is made of. Pure.

One object for each thing, made once for a call; `leaving`, `bargein` and `replying` have the rules that take several
of them, and `core` composes those.
"""

from __future__ import annotations

from gateway.call.clock import Clock
from gateway.call.desk import Desk
from gateway.call.effects import Effect, Succeed
from gateway.call.filler import Filler
from gateway.call.front import Front
from gateway.call.inputs import ItemProgress, SuccessorAsked
from gateway.call.keys import Keys
from gateway.call.parting import Parting
from gateway.call.playing import Playing
from gateway.call.reply import Replies
from gateway.call.scribe import Scribe
from gateway.call.sessions import CoreSettings
from gateway.call.speech import CallerSpeech
from gateway.call.spending import Spending
from gateway.call.succession import Succession
from gateway.call.timing import Stopwatch
from gateway.call.toolwork import ToolWork
from gateway.call.transfer import Transfer

__all__ = ["Parts"]


class Parts:
    def __init__(self, settings: CoreSettings, now: float) -> None:
        """The call begins `now`, in seconds of the loop's clock."""
        self.settings = settings
        self.persona = settings.persona
        self.scribe = Scribe(settings.call_id)
        self.front = Front(frozenset(t["name"] for t in settings.server_tools))
        self.desk = Desk(settings, self.front)
        self.clock = Clock(
            settings.persona.limits, now,
            still_there=settings.persona.still_there, farewell=settings.persona.farewell,
        )  # fmt: skip
        self.replies = Replies()
        self.playing = Playing(self.scribe, self.front)
        self.speech = CallerSpeech()
        self.keys = Keys(settings.persona.keys)
        self.tools = ToolWork()
        self.succession = Succession()
        self.filler = Filler(settings.persona.filler)
        self.transfer = Transfer()
        self.parting = Parting()
        self.spending = Spending(settings.call_id, settings.tariff, settings.budget_usd)
        self.times = Stopwatch()
        self.audio_origin: float | None = None
        """When the first caller audio went to the model: its `audio_start_ms` counts from here."""
        self._began = now

    def succeed(self, asked: SuccessorAsked) -> list[Effect]:
        """Another agent takes over."""
        persona = self.persona = asked.persona
        self.clock.succeed(persona.limits, still_there=persona.still_there, farewell=persona.farewell)
        self.keys.entering = persona.keys
        self.filler = Filler(persona.filler)
        return [self.desk.succeed(persona, asked.tools), Succeed(persona.id)]

    def ms(self, now: float) -> int:
        """Milliseconds of the call."""
        return round((now - self._began) * 1000)

    def model_ms(self, audio_ms: int, now: float) -> int:
        """A place in the audio that the model was given, as milliseconds of the call."""
        if self.audio_origin is None:
            return self.ms(now)
        return min(self.ms(now), self.ms(self.audio_origin) + audio_ms)

    def heard_ms(self, progress: ItemProgress) -> int:
        """What the caller has heard of an item once nothing more of it is sent."""
        return progress.heard_ms if self.settings.recalls else progress.sent_ms
