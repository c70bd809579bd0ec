"""The spans of one call, after OpenTelemetry's conventions for generative AI. Decides nothing. Pure.

::

    invoke_agent dental_reception          the call
    ├── chat gpt-realtime                  a response of the model: from the asking to its `response.done`
    ├── execute_tool find_slots            a tool of ours
    └── chat gpt-realtime                  …

A `chat` is ended only when the next response begins, though with its own time: how it sounded and whether it was
interrupted is known after the model has finished it. Attributes hold ids, names, times and counts; never what was said,
a number of a telephone, or arguments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from gateway.call.effects import Note
from gateway.call.plan import CallDeps, CallPlan
from gateway.errors import INTERNAL_ERROR, Ending, Side
from gateway.ports import Event, TurnTiming
from gateway.tracing.spans import Span, Tracer, Value, traceparent

__all__ = ["CallSpans"]

MOST_OPEN = 16
"""Responses that may run beside each other and be traced."""
LONGEST = 128
"""Characters of what a model's server chose: an id, a name."""
KNOWN_AS = {"azure": "azure.ai.openai"}
"""Providers that the conventions have a name of their own for."""
ERROR_CODE = re.compile(r"[a-z0-9_.\-]{1,64}")

NO_FAULT = frozenset(
    {
        "ok",
        "refused",
        "invalid",
        "awaits-approval",
        "rejected",
        "expired",
        "blocked",
        "not-opted-in",
        "switched-off",
    }
)
"""Outcomes of tools that are as they should be."""
PARTS = ("reply_ms", "endpointing_ms", "model_ms", "playout_ms")


@dataclass(slots=True)
class _Chat:
    span: Span
    asked_at: float
    first_at: float | None = None
    done_at: float | None = None
    error: str | None = None


@dataclass(slots=True)
class CallSpans:
    """One call's. Moments are given in seconds of the loop's clock."""

    tracer: Tracer
    agent: str
    about: dict[str, Value]
    """What every span of the call has."""
    leg: str
    model_name: str
    """The model that was asked for."""
    began_at: float
    wall: float
    """Unix seconds at `began_at`."""
    parent: str = ""
    """A `traceparent`."""
    _root: Span | None = None
    _answers: tuple[str, str] = ("", "")
    _asked_at: float | None = None
    _committed_at: float | None = None
    _chats: dict[str, _Chat] = field(default_factory=dict)
    _sounding: _Chat | None = None
    """The response that was heard last."""
    _counts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: CallPlan, leg: str, deps: CallDeps, now: float) -> CallSpans | None:
        """Of a call that begins now; None where nobody traces. `leg`: its kind."""
        if deps.tracer is None:
            return None
        about: dict[str, Value] = {
            "gen_ai.conversation.id": plan.session_id,
            "parley.call.id": plan.call_id,
        }
        return cls(
            deps.tracer, plan.persona.id, about, leg, deps.model_name, now, deps.wall(), traceparent.get()
        )

    # ── the call ──

    def began(self) -> None:
        attributes: dict[str, Value] = {
            **self.about,
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": self.agent,
            "gen_ai.request.model": self.model_name,
            "gen_ai.output.type": "speech",
            "parley.leg": self.leg,
        }
        self._root = self.tracer.begin(
            f"invoke_agent {self.agent}", self.wall, attributes, parent=self.parent
        )

    def ended(self, ending: Ending, now: float) -> None:
        """Nothing comes after."""
        if self._root is None:
            return
        for chat in self._chats.values():
            self._close(chat, now)
        self._chats.clear()
        root, self._root = self._root, None
        for attribute, what in (
            ("parley.turns", "turns"),
            ("parley.interruptions", "interruptions"),
            ("gen_ai.usage.input_tokens", "input_tokens"),
            ("gen_ai.usage.output_tokens", "output_tokens"),
        ):
            root.set(attribute, self._counts.get(what, 0))
        root.set("parley.ending.side", ending.side.value)
        root.set("parley.ending.reason", ending.reason)
        failed = ending.side is Side.MODEL or ending == INTERNAL_ERROR
        root.end(self._unix(now), str(ending) if failed else None)

    def answering(self, provider: str, model: str) -> None:
        """Who answers from now on."""
        self._answers = (KNOWN_AS.get(provider, provider), model[:LONGEST])
        if self._root is not None:
            self._root.set("gen_ai.provider.name", self._answers[0])
            self._root.set("gen_ai.response.model", self._answers[1])

    # ── responses ──

    def sent(self, event: Event, now: float) -> None:
        """An event went to the model."""
        if event["type"] == "response.create":
            self._asked_at = now

    def model(self, event: Event, now: float) -> None:
        """An event of the model came; none that holds audio."""
        match event["type"]:
            case "input_audio_buffer.committed":
                self._committed_at = now
            case "response.created":
                self._created(event["response"]["id"], now)
            case "response.output_text.delta":
                self._first(event.get("response_id"), "text", now)
            case "response.done":
                self._done(event["response"], now)
            case _:
                pass

    def audio(self, response_id: str, now: float) -> None:
        """The first audio of one of its items came."""
        self._first(response_id, "speech", now)

    def note(self, note: Note) -> None:
        self._counts[note.what] = self._counts.get(note.what, 0) + note.value
        if note.what == "interruptions" and self._sounding is not None:
            self._sounding.span.set("parley.interrupted", True)

    def timed(self, timing: TurnTiming) -> None:
        """The first frame of what sounds now went out."""
        if self._sounding is None:
            return
        self._sounding.span.set("parley.turn", timing.turn)
        for part in PARTS:
            ms = getattr(timing, part)
            if ms is not None:
                self._sounding.span.set(f"parley.{part}", ms)

    # ── tools ──

    def tool(self, name: str, tool_call_id: str, began: float, now: float, how: str) -> None:
        """One ran. `how`: see `tools.runtime.request.Reason`, or `cancelled`: the call was over first."""
        if self._root is None:
            return
        attributes: dict[str, Value] = {
            **self.about,
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": tool_call_id[:LONGEST],
            "gen_ai.tool.type": "function",
            "parley.tool.outcome": how,
        }
        span = self.tracer.begin(f"execute_tool {name}", self._unix(began), attributes, parent=self._root)
        span.end(self._unix(now), None if how in NO_FAULT else how)

    # ── inside ──

    def _created(self, response_id: str, now: float) -> None:
        if self._root is None:
            return
        for other, chat in tuple(self._chats.items()):
            if chat.done_at is not None or len(self._chats) >= MOST_OPEN:
                self._close(self._chats.pop(other), now)
        # Where the provider takes the turns nobody asks: it begins with the turn it answers.
        asked_at = next((at for at in (self._asked_at, self._committed_at) if at is not None), now)
        self._asked_at = self._committed_at = None
        provider, model = self._answers
        attributes: dict[str, Value] = {
            **self.about,
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "gen_ai.response.model": model,
            "gen_ai.response.id": response_id[:LONGEST],
            "parley.interrupted": False,
        }
        span = self.tracer.begin(
            f"chat {model}", self._unix(asked_at), attributes, parent=self._root, client=True
        )
        self._chats[response_id] = _Chat(span, asked_at)

    def _first(self, response_id: str | None, form: str, now: float) -> None:
        chat = self._chats.get(response_id or "")
        if chat is None:
            return
        if form == "speech":
            self._sounding = chat
        if chat.first_at is None:
            chat.first_at = now
            chat.span.set("gen_ai.output.type", form)
            chat.span.set("gen_ai.response.time_to_first_chunk", now - chat.asked_at)

    def _done(self, response: dict[str, Any], now: float) -> None:
        chat = self._chats.get(response["id"])
        if chat is None or chat.done_at is not None:
            return
        chat.done_at = now
        usage = response.get("usage") or {}
        for kind in ("input_tokens", "output_tokens"):
            if isinstance(usage.get(kind), int):
                chat.span.set(f"gen_ai.usage.{kind}", usage[kind])
        reason, chat.error = _finish(response)
        chat.span.set("gen_ai.response.finish_reasons", (reason,))

    def _close(self, chat: _Chat, now: float) -> None:
        if chat is self._sounding:
            self._sounding = None
        chat.span.end(self._unix(now if chat.done_at is None else chat.done_at), chat.error)

    def _unix(self, now: float) -> float:
        return self.wall + now - self.began_at


def _finish(response: dict[str, Any]) -> tuple[str, str | None]:
    """Why the model stopped, in the words of the conventions where they have one, and the kind of error."""
    details = response.get("status_details") or {}
    match response.get("status"):
        case "completed":
            calls = any(item.get("type") == "function_call" for item in response.get("output") or ())
            return ("tool_calls" if calls else "stop"), None
        case "incomplete":
            return ("content_filter" if details.get("reason") == "content_filter" else "length"), None
        case "cancelled":
            return "cancelled", None
        case _:
            code = str((details.get("error") or {}).get("code"))
            return "error", code if ERROR_CODE.fullmatch(code) else "failed"
