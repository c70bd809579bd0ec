"""Tool calls under way, and whose turn it is to ask for the reply that uses their results. Pure.

A response may call tools of the server and tools of the client at once. The model needs every result before it is
asked to go on, and it must be asked once: the client asks, because that is what clients do after their own tools;
the gateway asks when the client does not.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

from gateway.call.effects import Effect, Note, RunTool, ToModel
from gateway.call.front import OWN_EVENT
from gateway.call.inputs import ToolDecided, ToolFinished
from gateway.ports import Event
from personas.prompt import decided_note

__all__ = ["CLIENT_S", "ToolWork"]

CLIENT_S = 10.0
"""How long a client that gave its results may take to ask for the reply."""


class ToolWork:
    def __init__(self) -> None:
        self.running: dict[str, str] = {}
        """Calls that the server runs: tool call id → response id."""
        self.undecided: set[str] = set()
        """Calls about which a person has to decide."""
        self._awaited: dict[str, str] = {}
        """Calls whose results the client owes: tool call id → response id."""
        self._served: set[str] = set()
        """Responses with a call that the server ran."""
        self._shared: set[str] = set()
        """Responses with a call of the client's."""

    def asked(self, event: Event, runs: Callable[[str], bool], *, beside: bool = False) -> list[Effect]:
        """An item of a response is done: a tool call of the server's begins (`runs` tells by the tool's name), one of
        the client's is awaited, unless its response is `beside` the conversation."""
        item: dict[str, Any] = event["item"]
        if item.get("type") != "function_call" or item.get("status") != "completed":
            return []
        tool_call_id, ours = item["call_id"], runs(item["name"])
        if ours or not beside:
            self.began(tool_call_id, event["response_id"], ours=ours)
        if not ours:
            return []
        return [Note("tool_calls"), RunTool(tool_call_id, item["name"], item.get("arguments") or "{}")]

    def output(self, event: ToolFinished) -> ToModel:
        """What the model gets of a call that the server ran."""
        if event.pending:
            self.undecided.add(event.tool_call_id)
        item = {"type": "function_call_output", "call_id": event.tool_call_id, "output": event.output}
        event_id = f"{OWN_EVENT}output_{event.tool_call_id}"[:512]
        return ToModel({"type": "conversation.item.create", "event_id": event_id, "item": item})

    def decided(self, event: ToolDecided) -> ToModel:
        """What the model is told of a call that it had an answer to: that a person was asked."""
        self.undecided.discard(event.tool_call_id)
        text = decided_note(event.tool_call_id, event.name, event.output)
        item = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": text}]}
        event_id = f"{OWN_EVENT}decided_{event.tool_call_id}"[:512]
        return ToModel({"type": "conversation.item.create", "event_id": event_id, "item": item})

    def unsaid(self, speakers: Set[str]) -> bool:
        """Whether a response that called a running tool is none of the `speakers`, of which something was said: then a
        hang-up still needs its farewell."""
        return bool(set(self.running.values()) - speakers)

    def began(self, tool_call_id: str, response_id: str, *, ours: bool) -> None:
        if ours:
            self.running[tool_call_id] = response_id
            self._served.add(response_id)
        else:
            self._awaited[tool_call_id] = response_id
            self._shared.add(response_id)

    def called(self, response_id: str) -> bool:
        """Whether this response called a tool."""
        return response_id in self._served or response_id in self._shared

    def ended(self, tool_call_id: str) -> float | None:
        """A call of the server's ended: in how many seconds the gateway may ask for the reply; None when others
        have to come first. Raises KeyError for a call that does not run."""
        return self._turn(self.running.pop(tool_call_id))

    def given(self, tool_call_id: str) -> float | None:
        """The client gave a result. Answers as `ended`; None too when the reply is the client's to ask for."""
        response_id = self._awaited.pop(tool_call_id, None)
        if response_id is None or response_id not in self._served:
            return None
        return self._turn(response_id)

    def _turn(self, response_id: str) -> float | None:
        if response_id in self.running.values() or response_id in self._awaited.values():
            return None
        self._served.discard(response_id)
        if response_id in self._shared:
            self._shared.discard(response_id)
            return CLIENT_S
        return 0.0
