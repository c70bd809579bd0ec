"""A relay core on a bench: a scripted model that obeys the protocol, clients, and time that moves when told."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gateway.call.effects import (
    CloseGate,
    Effect,
    End,
    OpenGate,
    Remark,
    RunTool,
    ToLeg,
    ToModel,
    Write,
)
from gateway.call.inputs import (
    AudioBegan,
    ChannelOpened,
    ClientSent,
    Connected,
    ItemProgress,
    Played,
    SidebandJoined,
    ToolFinished,
)
from gateway.call.relay import RelayCore
from gateway.call.sessions import CoreSettings, visible_session
from gateway.ports import Event, TranscriptEntry
from gateway.pricing.tariff import NO_PRICES, Tariff
from personas.persona import Persona
from tests.call.harness import persona

__all__ = ["RelayBench"]

QUIET = {"greeting": ""}


@dataclass
class RelayBench:
    """Plays the shell, the leg and the model round one core. Audio is counted in milliseconds."""

    who: Persona = field(default_factory=lambda: persona(policy="open", **QUIET))
    tools: tuple[dict[str, Any], ...] = ()
    wanted: dict[str, Any] | None = None
    now: float = 100.0
    tariff: Tariff = NO_PRICES
    budget_usd: float | None = None

    def __post_init__(self) -> None:
        session = visible_session(self.who, "s-1", "test", (), expires_at=1)
        settings = CoreSettings(
            "rtc_1", self.who, session, self.tools, wanted=self.wanted,
            tariff=self.tariff, budget_usd=self.budget_usd,
        )  # fmt: skip
        self.core = RelayCore(settings, self.now)
        self.leg_events: list[Event] = []
        self.told: dict[int, list[Event]] = {}
        """What went to one origin alone."""
        self.sent: list[Event] = []
        self.gates: set[str] = set()
        self.audio_ms: Counter[str] = Counter()
        self.tool_runs: list[RunTool] = []
        self.entries: dict[str, TranscriptEntry] = {}
        self.remarks: list[Event] = []
        self.ended: End | None = None
        self.count = 0
        self.last_item: str | None = None

    def do(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            assert self.ended is None, f"{effect} after the end"
            match effect:
                case ToLeg(event, None):
                    self.leg_events.append(event)
                case ToLeg(event, to):
                    assert to is not None
                    self.told.setdefault(to, []).append(event)
                    if to == 0:
                        self.leg_events.append(event)
                case ToModel(event):
                    self.sent.append(event)
                case OpenGate(response_id):
                    self.gates.add(response_id)
                case CloseGate(response_id):
                    self.gates.discard(response_id)
                case RunTool():
                    self.tool_runs.append(effect)
                case Write(entry):
                    before = self.entries.get(entry.item_id)
                    assert before is None or entry.revision > before.revision
                    self.entries[entry.item_id] = entry
                case Remark(event):
                    self.remarks.append(event)
                case End():
                    self.ended = effect
                case _:
                    pass
        return effects

    # driving

    def open(self) -> None:
        self.do(self.core.leg(Connected(), self.now))
        self.do(self.core.leg(ChannelOpened(), self.now))

    def client(self, kind: str, origin: int = 0, **fields: Any) -> None:
        self.raw(json.dumps({"type": kind, **fields}), origin)

    def raw(self, message: str, origin: int = 0) -> None:
        self.do(self.core.leg(ClientSent(message, origin), self.now))

    def join(self, origin: int) -> None:
        self.do(self.core.leg(SidebandJoined(origin), self.now))

    def model(self, kind: str, **fields: Any) -> None:
        self.do(self.core.model({"type": kind, "event_id": "event_m", **fields}, self.now))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.05)):
            self.now += 0.05
            if self.ended is None:
                self.do(self.core.tick(self.now))

    # the model

    def asked(self) -> list[Event]:
        return [event for event in self.sent if event["type"] == "response.create"]

    def begin(self, response_id: str | None = None, **fields: Any) -> str:
        self.count += 1
        response_id = response_id or f"resp_{self.count}"
        response = {
            "object": "realtime.response", "id": response_id, "status": "in_progress", "output": [],
            "conversation_id": "conv_1", "output_modalities": ["audio"], **fields,
        }  # fmt: skip
        self.model("response.created", response=response)
        return response_id

    def item(self, response_id: str, index: int = 0) -> str:
        self.count += 1
        item_id = f"item_{self.count}"
        item = {
            "id": item_id,
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        self.model("response.output_item.added", response_id=response_id, output_index=index, item=item)
        self.model("conversation.item.added", item=item, previous_item_id=self.last_item)
        self.last_item = item_id
        return item_id

    def audio(self, response_id: str, item_id: str, ms: int, words: str = "") -> None:
        if words:
            self.model(
                "response.output_audio_transcript.delta", response_id=response_id, item_id=item_id,
                output_index=0, content_index=0, delta=words,
            )  # fmt: skip
        if response_id not in self.gates:
            return
        began = item_id not in self.audio_ms
        self.audio_ms[item_id] += ms
        if began:
            self.do(self.core.leg(AudioBegan(response_id, item_id), self.now))
        sent = self.audio_ms[item_id]
        self.do(self.core.leg(Played((ItemProgress(item_id, sent, sent, 0, drained=False),)), self.now))

    def finish(self, response_id: str, status: str = "completed", **fields: Any) -> None:
        details = fields.pop("details", None)
        response = {
            "object": "realtime.response", "id": response_id, "status": status, "status_details": details,
            "output": fields.pop("output", []), "conversation_id": "conv_1", **fields,
        }  # fmt: skip
        self.model("response.done", response=response)

    def reply(self, text: str = "one two three four", ms: int = 2000) -> tuple[str, str]:
        """A whole spoken reply: (response id, item id)."""
        response_id = self.begin()
        item_id = self.item(response_id)
        self.audio(response_id, item_id, ms, text)
        self.model("response.output_audio.done", response_id=response_id, item_id=item_id)
        self.finish(response_id)
        return response_id, item_id

    def lose(self, response_id: str) -> None:
        error = {"type": "server_error", "code": "provider_lost", "message": "gone"}
        self.finish(response_id, "failed", details={"type": "failed", "error": error})

    def call_tool(self, response_id: str, name: str, tool_call_id: str, index: int = 1) -> None:
        item = {
            "id": f"fc_{tool_call_id}", "type": "function_call", "name": name, "call_id": tool_call_id,
            "status": "completed", "arguments": "{}",
        }  # fmt: skip
        self.model("response.output_item.added", response_id=response_id, output_index=index,
                   item={**item, "status": "in_progress", "arguments": ""})  # fmt: skip
        self.model("response.output_item.done", response_id=response_id, output_index=index, item=item)

    def end_tool(self, tool_call_id: str, *, ok: bool = True) -> None:
        self.do(self.core.tool(ToolFinished(tool_call_id, "{}", ok), self.now))

    def refuse(self, event: Event, code: str) -> None:
        """The model answers this event with an error."""
        error = {"type": "invalid_request_error", "code": code, "message": "no", "param": None,
                 "event_id": event.get("event_id")}  # fmt: skip
        self.model("error", error=error)

    # looking

    def types(self) -> list[str]:
        return [event["type"] for event in self.leg_events]

    def errors(self, origin: int = 0) -> list[tuple[str | None, str | None]]:
        """(code, event_id) of the errors told to this origin alone."""
        told = self.told.get(origin, [])
        return [(e["error"]["code"], e["error"]["event_id"]) for e in told if e["type"] == "error"]
