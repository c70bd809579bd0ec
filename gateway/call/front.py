"""What the client sees of the model's events. Pure.

Tools that Parley runs are shown as the protocol's own server-side tools, `mcp_call` items under the label
`parley`, because official clients execute every `function_call` they see (docs/architecture.md). The function
call's end and its response's end are held back until the tool has ended, so that the client sees the order the
protocol documents: arguments, `in_progress`, `completed`, item done, response done
(reference: OpenAI Realtime guide, "MCP").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.call.effects import ToLeg
from gateway.call.postmarks import Postmarks, Sender
from gateway.ports import Event
from gateway.realtime.items import without_audio

__all__ = ["OWN_EVENT", "SERVER_LABEL", "TOOLS_ITEM", "Front"]

SERVER_LABEL = "parley"

TOOLS_ITEM = "item_parley_tools"
"""The item that lists the server's tools. It stands before all others, and the model does not know it."""

OWN_EVENT = "event_parley_"
"""Prefix of the ids of events that the core itself sends to the model; errors about them are not the client's."""

NOT_FORWARDED = frozenset({"session.created", "session.updated", "response.output_audio.delta"})
"""The session the client sees is Parley's own; audio travels as RTP."""


@dataclass(slots=True)
class ToolItem:
    """One call of a server-side tool, as an item of the conversation."""

    item_id: str
    tool_call_id: str
    name: str
    response_id: str = ""
    output_index: int = 0
    arguments: str = ""
    output: str | None = None
    error: str | None = None
    finished: bool = False
    held: list[Event] = field(default_factory=list)

    def as_item(self) -> dict[str, Any]:
        """The `mcp_call` item (openai types: RealtimeMcpToolCall)."""
        item: dict[str, Any] = {
            "id": self.item_id, "type": "mcp_call", "server_label": SERVER_LABEL, "name": self.name,
            "arguments": self.arguments, "approval_request_id": None, "output": self.output, "error": None,
        }  # fmt: skip
        if self.error is not None:
            item["error"] = {"type": "tool_execution_error", "message": self.error}
        return item


class Front:
    """Translates model events for the call's clients, in order."""

    def __init__(self, server_tools: frozenset[str], *, plays: bool = True) -> None:
        """`plays`: the gateway plays the audio (`gateway.ports.Leg.plays`), and no event holds any."""
        self._plays = plays
        self.server_tools = server_tools
        """Names of the tools that the server runs now."""
        self.marks = Postmarks()
        self._listed: dict[str, Any] | None = None
        """The item that lists the tools, while it is there."""
        self._first: set[str] = set()
        """Items that a client put before all others."""
        self._items: dict[str, ToolItem] = {}
        self._calls: dict[str, ToolItem] = {}
        self._aliases: dict[str, str] = {}
        """Items the client does not see → the visible item before them."""
        self._held_done: dict[str, Event] = {}
        self._events = 0

    def event(self, kind: str, **fields: Any) -> Event:
        """An event of Parley's own."""
        self._events += 1
        return {"type": kind, "event_id": f"event_front_{self._events}", **fields}

    def error(
        self, code: str, message: str, *, param: str | None = None, event_id: str | None = None
    ) -> Event:
        return self.event(
            "error",
            error={
                "type": "invalid_request_error", "code": code, "message": message, "param": param,
                "event_id": event_id,
            },
        )  # fmt: skip

    def list_tools(self, tools: list[dict[str, Any]]) -> list[Event]:
        """The one `mcp_list_tools` item, telling the client which tools the server runs."""
        item_id = TOOLS_ITEM
        self._listed = item = {
            "id": item_id, "type": "mcp_list_tools", "server_label": SERVER_LABEL,
            "tools": [
                {"name": t["name"], "description": t.get("description"), "input_schema": t["parameters"]}
                for t in tools
            ],
        }  # fmt: skip
        return [
            self.event("mcp_list_tools.in_progress", item_id=item_id),
            self.event("conversation.item.added", item=item, previous_item_id=None),
            self.event("conversation.item.done", item=item, previous_item_id=None),
            self.event("mcp_list_tools.completed", item_id=item_id),
        ]

    def model(self, event: Event) -> list[ToLeg]:
        """What the clients are told of one model event, possibly nothing yet. An error goes to whom it concerns."""
        if event["type"] == "error":
            return self._error(event)
        return [ToLeg(shown) for shown in self._shown(event)]

    def fault(
        self, sender: Sender, code: str, message: str, *, param: str | None = None, kind: str | None = None
    ) -> ToLeg:
        """An error about an event of this sender, for it alone."""
        error = self.error(code, message, param=param, event_id=sender.event_id)
        if kind is not None:
            error["error"]["type"] = kind
        return ToLeg(error, to=sender.origin)

    def place(self, item_id: str, previous_item_id: str | None) -> str | None:
        """A client wants this item after another: the model's name of that place."""
        if previous_item_id == "root":
            self._first.add(item_id)
        return "root" if previous_item_id == TOOLS_ITEM else previous_item_id

    def own_item(self, item_id: str) -> dict[str, Any] | None:
        """The item of this id, when it is one that only the clients know."""
        return self._listed if item_id == TOOLS_ITEM else None

    def forget_own_item(self, item_id: str) -> None:
        """A client deleted it."""
        if item_id == TOOLS_ITEM:
            self._listed = None

    def _error(self, event: Event) -> list[ToLeg]:
        error = event.get("error") or {}
        about = error.get("event_id") or ""
        if about.startswith(OWN_EVENT):
            return []
        sender = self.marks.sender(about)
        if sender is None:
            return [ToLeg(event)]
        return [ToLeg({**event, "error": {**error, "event_id": sender.event_id}}, to=sender.origin)]

    def _shown(self, event: Event) -> list[Event]:
        kind = event["type"]
        if kind in NOT_FORWARDED:
            return []
        if kind in ("response.output_item.added", "response.output_item.done"):
            return self._output_item(event)
        if kind in ("conversation.item.added", "conversation.item.done", "conversation.item.retrieved"):
            return self._conversation_item(event)
        if kind in ("response.function_call_arguments.delta", "response.function_call_arguments.done"):
            return self._arguments(event)
        if kind == "response.done":
            return self._response_done(event)
        if kind == "response.created" and event["response"].get("conversation_id", "") is not None:
            return [*self._released(), event]
        if "previous_item_id" in event:
            return [self._placed(event, event.get("item_id"))]
        return [event]

    def runs_call(self, tool_call_id: str) -> bool:
        """Whether this call is one of a tool that the server runs."""
        return tool_call_id in self._calls

    def tool_finished(self, tool_call_id: str, output: str, *, ok: bool) -> list[Event]:
        """The tool ended: its item is complete, and with the last one its response is."""
        tool = self._calls.get(tool_call_id)
        if tool is None or tool.finished:
            return []
        tool.finished = True
        if ok:
            tool.output = output
        else:
            tool.error = output
        verdict = "response.mcp_call.completed" if ok else "response.mcp_call.failed"
        events = [self.event(verdict, item_id=tool.item_id, output_index=tool.output_index)]
        events += [{**held, "item": tool.as_item()} for held in tool.held]
        tool.held = []
        done = self._held_done.get(tool.response_id)
        if done is not None and not self._unfinished(tool.response_id):
            del self._held_done[tool.response_id]
            events.append(self._with_visible_output(done))
        return events

    # ── parts ──

    def _tool_of(self, item: dict[str, Any]) -> ToolItem | None:
        """The tool item behind a `function_call` item, when the server runs it."""
        if item.get("type") != "function_call" or item.get("name") not in self.server_tools:
            return None
        item_id = item["id"]
        tool = self._items.get(item_id)
        if tool is None:
            tool = ToolItem(item_id, item.get("call_id", ""), item["name"])
            self._items[item_id] = tool
            self._calls[tool.tool_call_id] = tool
        tool.arguments = item.get("arguments") or tool.arguments
        return tool

    def _output_item(self, event: Event) -> list[Event]:
        tool = self._tool_of(event["item"])
        if tool is None:
            return [event]
        tool.response_id = event["response_id"]
        tool.output_index = event["output_index"]
        shown = {**event, "item": tool.as_item()}
        if event["type"].endswith(".added") or event["item"].get("status") != "completed" or tool.finished:
            return [shown]
        tool.held.append(event)
        return [
            self.event(
                "response.mcp_call.in_progress", item_id=tool.item_id, output_index=tool.output_index
            )
        ]

    def _conversation_item(self, event: Event) -> list[Event]:
        if event["type"] == "conversation.item.retrieved" and self._plays:
            event = {**event, "item": without_audio(event["item"])}
        item = event["item"]
        if item.get("type") == "function_call_output" and item.get("call_id") in self._calls:
            before = event.get("previous_item_id")
            self._aliases[item["id"]] = self._visible(before) or self._calls[item["call_id"]].item_id
            return []
        shown = self._placed(event, item.get("id")) if "previous_item_id" in event else event
        tool = self._tool_of(item)
        if tool is None:
            return [shown]
        if (
            event["type"] == "conversation.item.done"
            and item.get("status") == "completed"
            and not tool.finished
        ):
            tool.held.append(shown)
            return []
        return [{**shown, "item": tool.as_item()}]

    def _arguments(self, event: Event) -> list[Event]:
        tool = self._items.get(event["item_id"])
        if tool is None:
            return [event]
        kept = {k: v for k, v in event.items() if k not in ("call_id", "name")}
        return [{**kept, "type": event["type"].replace("function_call", "mcp_call")}]

    def _response_done(self, event: Event) -> list[Event]:
        response_id = event["response"]["id"]
        if self._unfinished(response_id):
            self._held_done[response_id] = event
            return []
        return [self._with_visible_output(event)]

    def _released(self) -> list[Event]:
        """The next response begins while tools still run: those before it are over for the client, which knows one at
        a time. The tools' results come later, with their items' place in the conversation."""
        events: list[Event] = []
        for response_id, done in self._held_done.items():
            for tool in self._items.values():
                if tool.response_id != response_id:
                    continue
                ends = [e for e in tool.held if e["type"] == "response.output_item.done"]
                events += [{**end, "item": tool.as_item()} for end in ends]
                tool.held = [e for e in tool.held if e["type"] != "response.output_item.done"]
            events.append(self._with_visible_output(done))
        self._held_done.clear()
        return events

    def _unfinished(self, response_id: str) -> bool:
        return any(t.response_id == response_id and t.held for t in self._items.values())

    def _with_visible_output(self, event: Event) -> Event:
        response = event["response"]
        output = [
            self._items[item["id"]].as_item() if item.get("id") in self._items else item
            for item in response.get("output") or []
        ]
        return {**event, "response": {**response, "output": output}}

    def _placed(self, event: Event, item_id: str | None) -> Event:
        """The event with the item that comes before for the clients."""
        previous = self._visible(event["previous_item_id"])
        if previous is None and self._listed is not None and item_id not in self._first:
            previous = TOOLS_ITEM
        return {**event, "previous_item_id": previous}

    def _visible(self, item_id: str | None) -> str | None:
        while item_id in self._aliases:
            item_id = self._aliases[item_id]
        return item_id
