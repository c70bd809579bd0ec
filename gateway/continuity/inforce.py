"""The session that the call wants in force: what the next provider is opened with. Pure.

Only what the call has said: a provider's own defaults, ids and additions would be refused by the next one.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

__all__ = ["InForce", "changed"]

Session = dict[str, Any]

NESTED = {("audio",), ("audio", "input"), ("audio", "output")}
"""Objects that are merged key by key (OpenAI API reference: `session.update`)."""

KINDS = {"turn_detection", "transcription", "noise_reduction"}
"""Objects that are merged while their `type` stays the same."""


class InForce:
    """Begins as the session a call was opened with; updates apply in order, until one is refused."""

    def __init__(self, session: Session) -> None:
        self._base = deepcopy(session)
        self._updates: list[tuple[str, Session]] = []
        self.session = self._base
        """The whole of it now. Not to be changed by whoever reads it."""

    def update(self, event_id: str, change: Session) -> None:
        """The call asks for this change; it counts from now on."""
        self._updates.append((event_id, deepcopy(change)))
        self.session = changed(self.session, change)

    def accepted(self, event_id: str) -> None:
        """The provider has it in force."""
        self._base = changed(self._base, dict(self._updates).get(event_id, {}))
        self.refused(event_id)

    def refused(self, event_id: str) -> None:
        """It does not count after all."""
        if all(event_id != known for known, _ in self._updates):
            return
        self._updates = [update for update in self._updates if update[0] != event_id]
        self.session = self._base
        for _, change in self._updates:
            self.session = changed(self.session, change)

    @property
    def turns(self) -> dict[str, Any] | None:
        """Turn detection; None is push-to-talk."""
        return _turns_of(self.session)

    @property
    def answers(self) -> bool:
        """Whether the provider answers a turn unasked (its default is to), by what it has confirmed so far."""
        turns = _turns_of(self._base)
        return turns is not None and bool(turns.get("create_response", True))

    @property
    def silent(self) -> bool:
        """Whether replies are text only."""
        return self.session.get("output_modalities") == ["text"]

    @property
    def voice(self) -> str:
        told = ((self.session.get("audio") or {}).get("output") or {}).get("voice")
        return told if isinstance(told, str) else ""

    @property
    def format(self) -> dict[str, Any]:
        """Of the agent's audio, as the session tells it."""
        told = ((self.session.get("audio") or {}).get("output") or {}).get("format")
        return dict(told) if told else {"type": "audio/pcm", "rate": 24000}


def _turns_of(session: Session) -> dict[str, Any] | None:
    heard = (session.get("audio") or {}).get("input") or {}
    return heard.get("turn_detection", {})  # type: ignore[no-any-return]  # a JSON object, checked by the call


def changed(session: Session, change: Session, above: tuple[str, ...] = ()) -> Session:
    """A new session with the change in it."""
    merged = dict(session)
    for key, value in change.items():
        path = (*above, key)
        before = session.get(key)
        if path in NESTED and isinstance(value, dict):
            merged[key] = changed(before if isinstance(before, dict) else {}, value, path)
        elif key in KINDS and isinstance(value, dict) and isinstance(before, dict):
            same = value.get("type", before.get("type")) == before.get("type")
            merged[key] = {**before, **value} if same else deepcopy(value)
        else:
            merged[key] = deepcopy(value)
    return merged
