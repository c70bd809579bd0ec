"""A model session that lasts, over sessions of providers that do not: events, audio and time in, effects out. Pure.

Each session of a provider is a *link*; one is in force. When it is lost, stalls or grows old, the next one is given the
conversation so far and goes on; what ran is ended, what is owed is asked for again (docs/adr/0011-failover.md). What
the call sends is in `outward`, what it is told in `inward`, the change of links in `leaving` and `entering`; here is
what decides about them.

What must hold whatever comes (tests/continuity/test_properties.py): one response at a time in the conversation; each
that was created is done once; no id means two things; what the next provider is given is what the call was told.
"""

from __future__ import annotations

from typing import Any

from gateway.continuity.effects import Close, Effect, GiveUp, Open, Why
from gateway.continuity.entering import Entering, Standby
from gateway.continuity.inward import Inward
from gateway.continuity.leaving import Leaving
from gateway.continuity.outward import Outward
from gateway.continuity.pending import MOST
from gateway.continuity.refusals import Refusals
from gateway.continuity.state import CoreSettings, State
from gateway.ports import Event

__all__ = ["GIVE_UP_S", "Core", "CoreSettings"]

GIVE_UP_S = 15.0
"""How long providers are tried when none can be reached."""

SOUND_S = 5.0
"""A link that broke sooner, without a word, was never up."""

AHEAD_S = 30.0
"""How long before its time the next link is opened."""

FORCED_S = 240.0
"""How long after its time a link is replaced even in the midst of a turn: a minute before a cap that is five minutes
after its time."""

WORDS_S = 10.0
"""How long words and answers that are outstanding keep a link from being replaced."""

AGAIN_S = 5.0
"""Pause before the next link is tried again, while the old one serves."""


class Core:
    def __init__(self, settings: CoreSettings, now: float) -> None:
        self._settings = settings
        self._state = State(settings)
        refusals = Refusals(self._state)
        self._inward = Inward(self._state, refusals)
        self._outward = Outward(self._state)
        self._leaving = Leaving(self._state, self._outward)
        self._entering = Entering(self._state, refusals, self._outward)
        self._links = 0
        self._standby: Standby | None = None
        """A link that is being opened, or waits for its moment."""
        self._retry_at: float | None = None
        self._attempts = 0
        self._provider: str | None = None
        self._down_since: float | None = None
        """Since when no link has proved to be up."""
        self._born_at = now
        """When the link in force was opened."""
        self._entered_at = now
        self._heard_at = now
        """When the link in force said something last."""
        self._spoke = False
        """It has said something at all."""
        self._owing_since: float | None = None
        self._given_up = False

    @property
    def link(self) -> int | None:
        """The link in force."""
        return self._state.link

    @property
    def needed_ms(self) -> int:
        """Audio of the caller before this place will not be replayed any more."""
        return self._state.marks.needed_ms

    # ── inputs ──

    def start(self) -> list[Effect]:
        """Open the first link."""
        return self._open(after=None)

    def client(self, event: Event, now: float) -> list[Effect]:
        """An event of the call. Its audio comes by `audio` instead."""
        if self._given_up:
            return []
        effects: list[Effect] = []
        if len(self._state.pending) >= MOST:
            link = self._state.link
            if link is None:
                return self._give_up()
            effects = self.lost(link, now, why="stalled")
        return [*effects, *self._settled(self._outward.event(event, now), now)]

    def audio(self, size: int) -> None:
        """The call has appended so many bytes to the caller's audio."""
        self._state.marks.heard(size)

    def model(self, link: int, event: Event, now: float) -> list[Effect]:
        """An event of a link. Of one that is not in force it means nothing, but its end."""
        expired = event["type"] == "error" and (event.get("error") or {}).get("code") == "session_expired"
        if expired:
            return self.lost(link, now, why="expired")
        if self._given_up or link != self._state.link:
            return []
        self._heard_at, self._spoke = now, True
        self._state.marks.alive()
        return self._settled(self._inward.event(event), now)

    def opened(self, link: int, provider: str, now: float) -> list[Effect]:
        """A link asked for by `Open` is there."""
        standby = self._standby
        if self._given_up or standby is None or standby.link != link:
            return [Close(link, "rolled-over")]
        standby.ready, standby.provider, standby.born_at = True, provider, now
        if self._state.link is None:
            return self._enter(standby, now)
        return self._entering.ahead(standby)

    def failed(self, link: int, provider: str, now: float) -> list[Effect]:
        """A link asked for by `Open` cannot be had: of `provider`, which was tried."""
        if self._given_up or self._standby is None or self._standby.link != link:
            return []
        self._standby = None
        self._attempts += 1
        if self._state.link is not None:
            self._retry_at = now + AGAIN_S
            return []
        if self._hopeless(now):
            return self._give_up()
        return self._open(after=provider)

    def lost(self, link: int, now: float, *, why: Why = "lost") -> list[Effect]:
        """A link is over."""
        if self._given_up:
            return []
        if self._standby is not None and self._standby.link == link:
            self._standby = None
            self._retry_at = now + AGAIN_S
            return [Close(link, why)]
        if link != self._state.link:
            return []
        if self._spoke or now - self._entered_at >= SOUND_S or self._down_since is None:
            self._down_since = now
            self._attempts = 0
        return [Close(link, why), *self._leave(now, phrase=True)]

    def succeed(self, session: dict[str, Any], now: float) -> list[Effect]:
        """Another agent takes over, with this session: on a link of its own, since a voice cannot change on one that
        was heard, and a provider that keeps a mind for each agent needs to know."""
        if self._given_up:
            return []
        effects: list[Effect] = []
        if self._standby is not None:
            effects.append(Close(self._standby.link, "succeeded"))
        self._standby = None
        if self._state.link is not None:
            effects += [Close(self._state.link, "succeeded"), *self._leaving.leave(phrase=False)]
            self._down_since, self._attempts = now, 0
            self._owing_since = None
        self._state.succeed(session)
        return [*effects, *self._open(after=self._provider, keep=True)]

    def tick(self, now: float) -> list[Effect]:
        """Time has passed; wanted a few times a second."""
        if self._given_up:
            return []
        link = self._state.link
        if link is None:
            return self._give_up() if self._hopeless(now) else []
        if self._down_since is not None and now - self._entered_at >= SOUND_S:
            self._down_since = None
        if self._stalled(now):
            return self.lost(link, now, why="stalled")
        return [*self._settled(self._outward.release(now), now), *self._roll_over(link, now)]

    # ── from link to link ──

    def _open(self, *, after: str | None, keep: bool = False) -> list[Effect]:
        self._links += 1
        self._retry_at = None
        session = self._state.inforce.session
        self._standby = Standby(self._links, session)
        return [Open(self._links, session, after, keep, self._attempts)]

    def _enter(self, standby: Standby, now: float) -> list[Effect]:
        self._standby = None
        self._provider = standby.provider
        self._born_at, self._entered_at, self._heard_at = standby.born_at, now, now
        self._spoke = False
        return self._settled(self._entering.enter(standby, now), now)

    def _leave(self, now: float, *, phrase: bool) -> list[Effect]:
        """The link in force is gone: end what ran, and bring the next one in."""
        effects = self._leaving.leave(phrase=phrase)
        self._owing_since = None
        standby = self._standby
        if standby is not None and standby.ready:
            return [*effects, *self._enter(standby, now)]
        if standby is not None:
            # It is on its way already.
            return effects
        return [*effects, *self._open(after=self._provider)]

    def _roll_over(self, link: int, now: float) -> list[Effect]:
        """Replace a link that is old enough, where nobody notices; at last wherever it is."""
        age = now - self._born_at
        due = self._settings.rollover_s
        if age < due - AHEAD_S:
            return []
        standby = self._standby
        if standby is None:
            waits = self._retry_at is not None and now < self._retry_at
            return [] if waits else self._open(after=self._provider, keep=True)
        if not standby.ready or age < due or not (self._between_turns(now) or age >= due + FORCED_S):
            return []
        return [Close(link, "rolled-over"), *self._leave(now, phrase=False)]

    def _between_turns(self, now: float) -> bool:
        """Whether nothing is under way that a change of links could be noticed in."""
        state = self._state
        return not (
            state.replies.running
            or state.replies.owed
            or any(now - wish.since < WORDS_S for wish in state.pending)
            or state.marks.speech
            or state.marks.waits(WORDS_S)
            or state.history.outstanding
        )

    # ── deadlines ──

    def _settled(self, effects: list[Effect], now: float) -> list[Effect]:
        """Note since when the link in force owes something."""
        state = self._state
        owing = state.link is not None and (
            bool(state.replies.running)
            or state.replies.owed
            or any(wish.sent for wish in state.pending.of("response.create", "input_audio_buffer.commit"))
        )
        if not owing:
            self._owing_since = None
        elif self._owing_since is None:
            self._owing_since = now
        return effects

    def _stalled(self, now: float) -> bool:
        since = self._owing_since
        return since is not None and now - max(since, self._heard_at) >= self._settings.stall_s

    def _hopeless(self, now: float) -> bool:
        return self._down_since is not None and now - self._down_since >= GIVE_UP_S

    def _give_up(self) -> list[Effect]:
        self._given_up = True
        effects: list[Effect] = [] if self._state.link is None else self._leaving.leave(phrase=False)
        return [*effects, GiveUp()]
