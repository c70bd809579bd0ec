"""The engine's core on a bench: simple parts at its ports, time moved by hand, every event judged strictly."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.engine.core import EngineCore, EngineSettings
from gateway.engine.effects import (
    CancelSpeak,
    CancelThink,
    CancelTranscribe,
    Close,
    Effect,
    Emit,
    Speak,
    Think,
    Transcribe,
)
from gateway.engine.mind import Call, Done, Reply, Request, Thought, ToolUse, Words
from gateway.realtime.events import parse_client_event
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.server_events import fault as fault_event
from gateway.realtime.session import default_session
from gateway.speech.ports import Heard
from media.audio import PCM24
from media.vad import Quiet, Resumed, SpeechStarted, SpeechStopped, Verdict
from personas.persona import Persona
from tests.realtime.strict import assert_strict

__all__ = ["PERSONA", "Bench", "EchoMind", "LoudDetector", "silence", "sound"]

PERSONA = Persona(
    id="tester",
    display_name="Tester",
    domain="test",
    description="For tests.",
    avatar_key="tester",
    professional_role="Tester",
    default_tone="plain",
    default_voice="marin",
    allowed_voices=("marin",),
    scenario="test",
    scenario_title="Test",
    instructions="Repeat what you hear.",
)
_ = PERSONA.zone  # read from its file here, not in the midst of a test's loop


def sound(ms: int) -> bytes:
    return b"\x00\x10" * (PCM24.to_bytes(ms) // 2)


def silence(ms: int) -> bytes:
    return bytes(PCM24.to_bytes(ms))


class LoudDetector:
    """Speech is whatever is not digital silence. Starts at once; quiet after 200 ms."""

    def __init__(self, threshold: float, silence_ms: int) -> None:
        self.threshold = threshold
        self.silence_ms = silence_ms
        self.closed = False
        self._fed = 0
        self._end: int | None = None
        self._quiet = False

    def feed(self, pcm: bytes) -> tuple[Verdict, ...]:
        assert not self.closed
        assert len(pcm) == PCM24.frame_bytes
        self._fed += 20
        if any(pcm):
            started, resumed, self._end, self._quiet = self._end is None, self._quiet, self._fed, False
            if started:
                return (SpeechStarted(self._fed - 20),)
            return (Resumed(self._fed - 20),) if resumed else ()
        if self._end is None:
            return ()
        verdicts: list[Verdict] = []
        if self._fed - self._end >= 200 and not self._quiet:
            self._quiet = True
            verdicts.append(Quiet(self._fed, self._end))
        if self._fed - self._end >= self.silence_ms:
            verdicts.append(SpeechStopped(self._fed, self._end))
            self._end, self._quiet = None, False
        return tuple(verdicts)

    def close(self) -> None:
        self.closed = True


class EchoMind:
    """Says what the caller said last; `call <name> …` calls that tool with the rest as its `text`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.fails = False

    def respond(self, request: Request) -> Reply:
        self.requests.append(request)
        if self.fails:
            raise RuntimeError("no idea")
        if request.response_instructions == "Be silent.":
            return Reply()
        words = _last_words(request)
        if words.startswith("call "):
            name, _, text = words.removeprefix("call ").partition(" ")
            return Reply("", (ToolUse(name, {"text": text}),))
        if words.startswith("say and call "):
            return Reply("One moment.", (ToolUse(words.removeprefix("say and call "), {}),))
        return Reply(f"You said: {words}." if words else "I heard nothing.")

    def script(self, persona: Persona) -> tuple[str, ...]:
        return ("hello",)


def _last_words(request: Request) -> str:
    for item in reversed(request.conversation):
        if item["type"] == "function_call_output":
            return str(item["output"])
        if item.get("role") == "user":
            part = item["content"][0]
            return str(part.get("text") or part.get("transcript") or "")
    return ""


@dataclass
class Bench:
    """A session under test. `events` are those since the last `take`."""

    mind: EchoMind = field(default_factory=EchoMind)
    session: dict[str, Any] = field(default_factory=dict)
    keep_audio_ms: int = 60_000
    slow: bool = False
    """The mind does not answer by itself: see `think`."""

    def __post_init__(self) -> None:
        self.now = 100.0
        self.events: list[dict[str, Any]] = []
        self.jobs: dict[str, Transcribe] = {}
        self.speaks: dict[str, list[Speak]] = {}
        self.thinks: dict[str, Think] = {}
        self.closed = False
        self.core = EngineCore(
            EngineSettings(
                session=default_session(model="parley-embedded", session_id="sess_1", expires_at=1),
                persona=PERSONA,
                detector=LoudDetector,
                started_at=datetime(2026, 5, 4, 12, tzinfo=UTC),
                now=self.now,
                keep_audio_ms=self.keep_audio_ms,
            )
        )
        self.run(self.core.start())
        if self.session:
            assert self.send("session.update", session={"type": "realtime", **self.session}) == [
                "session.updated"
            ]
        self.events.clear()

    def run(self, effects: list[Effect]) -> list[str]:
        """Carry out effects; returns the types of the events among them."""
        types = []
        for effect in effects:
            match effect:
                case Emit(event):
                    assert_strict(event)
                    self.events.append(event)
                    types.append(event["type"])
                case Transcribe(job):
                    self.jobs[job] = effect
                case CancelTranscribe(job):
                    del self.jobs[job]
                case Think(response_id, request):
                    self.thinks[response_id] = effect
                    if not self.slow:
                        types += self._answer(response_id, request)
                case CancelThink(response_id):
                    del self.thinks[response_id]
                case Speak(response_id, number):
                    waiting = self.speaks.setdefault(response_id, [])
                    assert number == (waiting[-1].number + 1 if waiting else number)
                    waiting.append(effect)
                case CancelSpeak(response_id):
                    self.speaks.pop(response_id, None)
                case Close():
                    self.closed = True
        return types

    def _answer(self, response_id: str, request: Request) -> list[str]:
        """The mind answers at once."""
        try:
            reply = self.mind.respond(request)
        except RuntimeError:
            del self.thinks[response_id]
            return self.run(self.core.thoughtless(response_id, "mind_failed", "No idea.", self.now))
        thoughts: list[Thought] = [Words(reply.say)] if reply.say else []
        thoughts += [Call(use.name, orjson.dumps(use.arguments).decode()) for use in reply.tool_uses]
        return [kind for thought in [*thoughts, Done()] for kind in self.think(thought, response_id)]

    def think(self, thought: Thought, response_id: str = "") -> list[str]:
        """The mind goes on with a response, by default the newest it was asked about."""
        response_id = response_id or list(self.thinks)[-1]
        if response_id not in self.thinks:
            return []
        if isinstance(thought, Done):
            del self.thinks[response_id]
        return self.run(self.core.thought(response_id, thought, self.now))

    def send(self, kind: str, **fields: Any) -> list[str]:
        try:
            event = parse_client_event({"type": kind, **fields})
        except ProtocolFault as fault:
            return self.run([Emit(fault_event(fault))])
        return self.run(self.core.client(event, self.now))

    def say(self, text: str) -> str:
        """A user message in text; returns its id."""
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        return str(self.events[-1]["item"]["id"])

    def audio(self, pcm: bytes) -> list[str]:
        """In 20 ms frames, time going with them."""
        types = []
        for at in range(0, len(pcm), PCM24.frame_bytes):
            self.now += 0.02
            types += self.run(self.core.audio(pcm[at : at + PCM24.frame_bytes], self.now))
        return types

    def hear(self, text: str) -> list[str]:
        """The ears answer the newest job."""
        job = list(self.jobs)[-1]
        del self.jobs[job]
        return self.run(self.core.heard(job, Heard(text, 0.9, "open"), self.now))

    def speak(self, *, chunk_ms: int = 200, chunks: int = 2, finish: bool = True) -> list[str]:
        """The voice does its work for the oldest response."""
        response_id, waiting = next(iter(self.speaks.items()))
        types = []
        for speak in list(waiting):
            for _ in range(chunks):
                types += self.run(self.core.spoke(response_id, speak.number, sound(chunk_ms), self.now))
            if speak is not waiting[-1]:
                types += self.run(self.core.said(response_id, speak.number, self.now))
        if finish:
            del self.speaks[response_id]
            types += self.run(self.core.said(response_id, waiting[-1].number, self.now))
        return types

    def last(self, kind: str) -> dict[str, Any]:
        return next(event for event in reversed(self.events) if event["type"] == kind)

    def error(self) -> dict[str, Any]:
        error = self.events[-1]["error"]
        assert isinstance(error, dict)
        return error
