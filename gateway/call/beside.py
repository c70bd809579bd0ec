"""Responses beside the conversation (`conversation: "none"`): any number of them at once, none in the way of another.
Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.call.effects import CloseGate, Effect, OpenGate, ToModel

__all__ = ["MOST", "Aside", "Beside"]

MOST = 16
"""Responses beside the conversation at once."""


@dataclass(slots=True)
class Aside:
    params: dict[str, Any]
    audio_format: dict[str, Any] | None
    """What the client wants its audio in; None is the session's format."""
    again: bool = False
    """It is asked for again: the provider was lost in the midst of it."""
    silent: bool = False
    """It has no audio: nobody hears it."""


class Beside:
    def __init__(self) -> None:
        self._asked: dict[str, Aside] = {}
        """By the id of the event that asked, oldest first."""
        self._active: dict[str, Aside] = {}
        """By response id."""
        self._count = 0

    def __contains__(self, response_id: str | None) -> bool:
        return response_id in self._active

    @property
    def full(self) -> bool:
        return len(self._asked) + len(self._active) >= MOST

    def ask(self, aside: Aside, event_id: str) -> list[Effect]:
        self._asked[event_id] = aside
        return [ToModel({"type": "response.create", "event_id": event_id, "response": aside.params})]

    def created(self, response: dict[str, Any]) -> list[Effect] | None:
        """The model began a response that is in no conversation. None: nobody asked for one."""
        if not self._asked:
            return None
        told = response.get("metadata")
        asked = next((k for k, v in self._asked.items() if v.params.get("metadata") == told), None)
        aside = self._asked.pop(asked or next(iter(self._asked)))
        aside.silent = "audio" not in (response.get("output_modalities") or ("audio",))
        self._active[response["id"]] = aside
        return [OpenGate(response["id"])]

    def of(self, response_id: str | None) -> Aside | None:
        return None if response_id is None else self._active.get(response_id)

    def done(self, response_id: str, *, lost: bool) -> list[Effect]:
        """A response is over. One whose provider was lost in the midst of it is asked for once more."""
        aside = self._active.pop(response_id)
        if not lost or aside.again:
            return []
        aside.again = True
        self._count += 1
        return self.ask(aside, f"event_parley_aside_{self._count}")

    def cancelled(self, response_id: str) -> list[Effect]:
        """A client cancels it: what audio still comes is dropped."""
        self._active[response_id].again = True
        return [CloseGate(response_id)]

    def refused(self, event_id: str) -> None:
        """The model answered an asking with an error."""
        self._asked.pop(event_id, None)
