"""Replies: which one runs, which are dead, whether another may be asked for. Pure.

The protocol allows one response at a time in the conversation. Between our `response.create` and the model's
`response.created` there is a gap in which the caller may interrupt: the reply is then killed on arrival. A
reply that was killed never opens its gate, and its late events change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.call.effects import CloseGate, Effect, OpenGate, ToModel

__all__ = ["LAST_WORDS_S", "STALL_S", "Replies"]

STALL_S = 30.0
"""A model that says nothing about a reply for so long has lost it. Longer than the session that lasts takes to notice
(`PARLEY_STALL_S`) and to find another provider, so that it decides first."""

LAST_WORDS_S = 10.0
"""The same of a farewell: a call that is over anyway waits no longer."""


@dataclass(slots=True)
class Replies:
    """`ask` for a reply; feed `created`, `done`, `refused`; `kill` the one that runs."""

    active: str | None = None
    """Id of the response that runs."""
    asked_event: str | None = None
    """`event_id` of our `response.create` that is not answered yet."""
    asked_at: float | None = None
    doomed: bool = False
    """The asked-for response is to be killed on arrival."""
    wanted: dict[str, Any] | None = None
    """The reply to ask for once the running one is done."""
    killed: set[str] = field(default_factory=set)
    count: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    """What the reply that runs or is asked for was asked with; nothing when nobody asked."""
    heard_at: float = 0.0
    """When the model last said anything about the reply that runs or is asked for."""
    failures: int = 0
    """Replies in a row that came to nothing through the model's fault."""
    asked_again: bool = False
    """The reply that runs or is asked for is asked for again: the provider was lost in the midst of it."""
    bridging: str | None = None
    """The phrase that covers a change of providers, while it is the response that runs."""

    @property
    def idle(self) -> bool:
        """No response runs and none is asked for."""
        return self.active is None and self.asked_event is None

    @property
    def alive(self) -> bool:
        """A response that is not killed runs or is asked for."""
        if self.asked_event is not None:
            return not self.doomed
        return self.active is not None and self.active not in self.killed

    def ask(self, response: dict[str, Any], now: float, *, event_id: str | None = None) -> list[Effect]:
        """Ask the model for a reply, or keep the wish until the running one is done (a later wish replaces it).
        `event_id`: the client's own, when the client asked."""
        if not self.idle:
            self.wanted = response
            return []
        self.count += 1
        self.asked_event = event_id or f"event_parley_reply_{self.count}"
        self.asked_at = self.heard_at = now
        self.doomed = False
        self.params = response
        event: dict[str, Any] = {"type": "response.create", "event_id": self.asked_event}
        if response:
            event["response"] = response
        return [ToModel(event)]

    def created(self, response_id: str, now: float, *, bridging: bool = False) -> list[Effect]:
        """The model began a response: ours, or one of its own accord. `bridging`: it is the phrase that covers a
        change of providers, so ours is still to come."""
        self.active = response_id
        self.heard_at = now
        if bridging:
            self.bridging = response_id
            return self._kill(response_id, cancel=False) if self.doomed else [OpenGate(response_id)]
        if self.asked_event is None:
            self.params = {}
        self.asked_event = None
        if self.asked_at is None:
            self.asked_at = now
        if self.doomed:
            self.doomed = False
            return self._kill(response_id)
        return [OpenGate(response_id)]

    def done(
        self, response_id: str, now: float, *, failed: bool = False, again: bool = False
    ) -> list[Effect]:
        """A response is over. Its gate stays open: audio that was queued still plays, none will come.

        `again`: its provider was lost in the midst of it, and nothing else will bring the rest. It is asked for
        once more as it was, which is no failure of the model; lost a second time it is one."""
        if response_id == self.active:
            self.active = None
            if response_id == self.bridging:
                self.bridging = None
            elif again and response_id not in self.killed and not self.asked_again:
                self.asked_again = True
                self.wanted = self.params if self.wanted is None else self.wanted
            else:
                self.asked_again = False
                self.failures = (
                    self.failures + 1 if (failed or again) and response_id not in self.killed else 0
                )
        effects: list[Effect] = [CloseGate(response_id)] if response_id in self.killed else []
        return [*effects, *self._next(now)]

    def refused(self, event_id: str, code: str, now: float) -> list[Effect]:
        """The model answered our `response.create` with an error."""
        if event_id != self.asked_event:
            return []
        self.asked_event = None
        self.doomed = False
        if code == "conversation_already_has_active_response" and self.wanted is None:
            self.wanted = {}
            return []
        self.failures += 1
        return self._next(now)

    def progress(self, response_id: str | None, now: float) -> None:
        """The model said something about a response."""
        if response_id is not None and response_id == self.active:
            self.heard_at = now

    def stalled(self, now: float, *, parting: bool = False) -> bool:
        """Whether a reply runs or is asked for and the model has been silent about it for too long."""
        return not self.idle and now - self.heard_at >= (LAST_WORDS_S if parting else STALL_S)

    def abandon(self, now: float) -> list[Effect]:
        """Wait no longer for a stalled reply: whatever still comes of it is dropped."""
        effects = self.kill()
        self.failures += 1
        self.active = self.asked_event = None
        self.doomed = False
        return [*effects, *self._next(now)]

    def kill(self, *, cancel: bool = True) -> list[Effect]:
        """Give up the reply that runs or is asked for. `cancel`: tell the model (it may have cancelled itself)."""
        self.wanted = None
        if self.asked_event is not None:
            self.doomed = True
        if self.active is None or self.active in self.killed:
            return []
        return self._kill(self.active, cancel=cancel)

    def _kill(self, response_id: str, *, cancel: bool = True) -> list[Effect]:
        self.killed.add(response_id)
        effects: list[Effect] = [CloseGate(response_id)]
        if cancel:
            event_id = f"event_parley_cancel_{response_id}"[:512]
            cancel_it = {"type": "response.cancel", "event_id": event_id, "response_id": response_id}
            effects.append(ToModel(cancel_it))
        return effects

    def _next(self, now: float) -> list[Effect]:
        if self.wanted is None or not self.idle:
            return []
        wanted, self.wanted = self.wanted, None
        return self.ask(wanted, now)
