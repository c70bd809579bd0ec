"""A core on a bench: scripted model, counted effects, time that moves when told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.call.core import Core
from gateway.call.effects import (
    Clear,
    CloseGate,
    Effect,
    End,
    OpenGate,
    Pause,
    Resume,
    RunTool,
    ToLeg,
    ToModel,
    Write,
)
from gateway.call.inputs import (
    AudioBegan,
    ChannelOpened,
    Connected,
    ItemProgress,
    Played,
    SpeechEnded,
    SpeechStarted,
)
from gateway.call.sessions import CoreSettings
from gateway.ports import TranscriptEntry
from gateway.pricing.tariff import NO_PRICES, Tariff
from gateway.realtime.session import default_session, merge_session
from personas.persona import Limits, Persona
from personas.prompt import session_for

__all__ = ["WEATHER", "Bench", "persona"]

WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "weather",
    "description": "The weather",
    "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
}


def persona(**changes: Any) -> Persona:
    fields: dict[str, Any] = {
        "id": "tester", "display_name": "Tester", "domain": "testing", "description": "For tests",
        "avatar_key": "tester", "professional_role": "Tester", "default_tone": "calm",
        "default_voice": "marin", "allowed_voices": ("marin", "cedar"), "scenario": "testing",
        "scenario_title": "Testing", "instructions": "Help.", "greeting": "Hello there.",
        "limits": Limits(silence_s=20, length_s=600), "filler": (),
        "languages": {"primary": "en", "locked": False},
    }  # fmt: skip
    made = Persona.model_validate(fields | changes)
    made.zone  # noqa: B018 - made now, because making it reads a file
    return made


@dataclass
class Item:
    """The playout of one item."""

    response_id: str
    queued: int = 0
    sent: int = 0
    finished: bool = False


@dataclass
class Bench:
    """Plays the shell and the model round one core. Audio is counted in milliseconds."""

    who: Persona = field(default_factory=persona)
    tools: tuple[dict[str, Any], ...] = ()
    now: float = 100.0
    tariff: Tariff = NO_PRICES
    budget_usd: float | None = None
    recalls: bool = False
    outbound: bool = False

    def __post_init__(self) -> None:
        wanted = session_for(self.who, ())
        wanted["audio"]["input"]["turn_detection"] |= {"create_response": True, "interrupt_response": True}
        session = merge_session(default_session(model="test", session_id="s-1"), wanted).session
        settings = CoreSettings(
            "rtc_1",
            self.who,
            session,
            self.tools,
            tariff=self.tariff,
            budget_usd=self.budget_usd,
            recalls=self.recalls,
            outbound=self.outbound,
        )
        self.core = Core(settings, self.now)
        self.effects: list[Effect] = []
        self.gates: set[str] = set()
        self.items: dict[str, Item] = {}
        self.paused = False
        self.asked: list[dict[str, Any]] = []
        self.asked_at: list[float] = []
        self.cancelled: list[str] = []
        self.truncated: dict[str, int] = {}
        self.ended: End | None = None
        self.entries: dict[str, TranscriptEntry] = {}
        self.client: list[dict[str, Any]] = []
        self.model_sent: list[dict[str, Any]] = []
        self.tool_runs: list[RunTool] = []
        self.clears = 0
        self.count = 0

    # driving

    def do(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            assert self.ended is None, f"{effect} after the end"
            self.effects.append(effect)
            match effect:
                case OpenGate(response_id):
                    self.gates.add(response_id)
                case CloseGate(response_id):
                    self.gates.discard(response_id)
                    for item in self.items.values():
                        item.finished = item.finished or item.response_id == response_id
                case Pause():
                    self.paused = True
                case Resume():
                    self.paused = False
                case Clear():
                    self.paused = False
                    self.clears += 1
                    self.items = {}
                case ToModel(event):
                    self.model_sent.append(event)
                    if event["type"] == "response.create":
                        self.asked.append(event)
                        self.asked_at.append(self.now)
                    elif event["type"] == "response.cancel":
                        self.cancelled.append(event["response_id"])
                    elif event["type"] == "conversation.item.truncate":
                        self.truncated[event["item_id"]] = event["audio_end_ms"]
                case ToLeg(event):
                    self.client.append(event)
                case Write(entry):
                    before = self.entries.get(entry.item_id)
                    assert before is None or entry.revision > before.revision
                    self.entries[entry.item_id] = entry
                case RunTool():
                    self.tool_runs.append(effect)
                case End():
                    self.ended = effect
                case _:
                    pass
        return effects

    def leg(self, event: Any) -> list[Effect]:
        return self.do(self.core.leg(event, self.now))

    def model(self, kind: str, **fields: Any) -> list[Effect]:
        return self.do(self.core.model({"type": kind, "event_id": "event_m", **fields}, self.now))

    def report(self, speech_ms: int = 0) -> None:
        progress = tuple(
            ItemProgress(i, x.queued, x.sent, x.sent, x.finished and x.sent == x.queued)
            for i, x in self.items.items()
        )
        self.leg(Played(progress, speech_ms))

    def run(self, seconds: float, *, speech_ms: int = 0) -> None:
        """Let time pass in ticks of 50 ms: the playout plays on, the core ticks."""
        for _ in range(round(seconds / 0.05)):
            self.now += 0.05
            if not self.paused:
                for item in self.items.values():
                    if item.sent < item.queued:
                        item.sent = min(item.queued, item.sent + 50)
                        break
            if speech_ms:
                speech_ms += 50
            if self.ended is None:
                self.report(speech_ms)
            if self.ended is None:
                self.tick()

    def tick(self) -> None:
        """Nothing but the long deadlines may come of it where the core is in no hurry: it is ticked less often then."""
        pending = self.core.hurried or self.long_due()
        effects = self.do(self.core.tick(self.now))
        assert pending or not effects, effects

    def long_due(self) -> bool:
        core: Core = getattr(self.core, "core", self.core)  # the journaled one's
        clock, parts = core._clock, core._parts
        return (
            self.now - clock._began >= clock._limits.length_s
            or self.now - clock._active >= clock._limits.silence_s
            or parts.replies.stalled(self.now)
        )

    # what happens in a call

    def connect(self) -> None:
        self.leg(Connected())
        self.leg(ChannelOpened())

    def speak(self, seconds: float) -> None:
        """The caller speaks over the local VAD (60 ms to notice, 200 ms hangover)."""
        self.now += 0.06
        self.report()
        self.leg(SpeechStarted(60))
        self.run(seconds - 0.06, speech_ms=60)
        self.run(0.2)
        self.report(round(seconds * 1000))
        self.leg(SpeechEnded(200))

    def turn(self, item_id: str, text: str) -> None:
        """The model hears, commits and transcribes what was just said."""
        self.model("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)
        self.model("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=500)
        self.model("input_audio_buffer.committed", item_id=item_id, previous_item_id=None)
        self.words(item_id, text)

    def words(self, item_id: str, text: str) -> None:
        self.model(
            "conversation.item.input_audio_transcription.completed",
            item_id=item_id,
            content_index=0,
            transcript=text,
        )

    def reply(self, text: str = "one two three four", ms: int = 2000, *, done: bool = True) -> str:
        """The model answers the last `response.create` with one spoken item."""
        self.count += 1
        response_id, item_id = f"resp_{self.count}", f"item_{self.count}"
        self.begin_reply(response_id)
        self.model(
            "response.output_item.added", response_id=response_id, output_index=0,
            item={"id": item_id, "type": "message", "role": "assistant", "status": "in_progress", "content": []},
        )  # fmt: skip
        self.model(
            "response.output_audio_transcript.delta", response_id=response_id, item_id=item_id, output_index=0,
            content_index=0, delta=text,
        )  # fmt: skip
        self.audio(response_id, item_id, ms)
        if done:
            if item_id in self.items and response_id in self.gates:
                self.items[item_id].finished = True
            self.finish_reply(response_id)
        return item_id

    def begin_reply(self, response_id: str) -> None:
        self.model("response.created", response={"id": response_id, "status": "in_progress", "output": []})

    def audio(self, response_id: str, item_id: str, ms: int) -> None:
        if response_id not in self.gates:
            return
        if item_id not in self.items:
            self.items[item_id] = Item(response_id)
            self.items[item_id].queued = ms
            self.leg(AudioBegan(response_id, item_id))
        else:
            self.items[item_id].queued += ms

    def finish_reply(self, response_id: str, status: str = "completed") -> None:
        self.model("response.done", response={"id": response_id, "status": status, "output": []})

    def types(self) -> list[str]:
        return [event["type"] for event in self.client]


persona()  # its time zone is read from the disk once, here, and not within a test's loop
