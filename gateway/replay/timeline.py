"""A recorded call as people read it: who spoke, what came of it, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.call.effects import (
    Clear,
    Effect,
    End,
    Hold,
    Join,
    Pause,
    Reach,
    Remark,
    Resume,
    RunTool,
    Succeed,
    Time,
    ToModel,
    TransferFailed,
    Write,
)
from gateway.errors import ENDINGS
from gateway.replay.driving import Step
from gateway.replay.recording import Row

__all__ = ["clock", "timeline"]

PAUSE_MS = 2000
"""A silence as long as that is told."""
SHOWN = 160
"""Characters of a text."""

_ENDINGS = {str(ending): sentence for ending, sentence in ENDINGS.items()}


def clock(at_ms: int) -> str:
    """Minutes, seconds and milliseconds of the call."""
    return f"{at_ms // 60_000:2d}:{at_ms // 1000 % 60:02d}.{at_ms % 1000:03d}"


def timeline(steps: list[Step]) -> Iterator[str]:
    """One line for each thing that happened."""
    teller = _Teller()
    last = 0
    for step in steps:
        for line in teller.of(step):
            if step.row.at_ms - last >= PAUSE_MS:
                yield f"{'':9}  … {(step.row.at_ms - last) / 1000:.1f} s"
            last = step.row.at_ms
            yield f"{clock(step.row.at_ms)}  {line}"


@dataclass
class _Teller:
    provider: str = ""
    speaking_ms: int | None = None
    ended: bool = False
    told: set[str] = field(default_factory=set)
    tools: dict[str, str] = field(default_factory=dict)

    def of(self, step: Step) -> Iterator[str]:
        yield from self._input(step.row)
        for effect in step.effects or ():
            line = self._effect(effect)
            if line:
                yield line

    def _input(self, row: Row) -> Iterator[str]:
        event = row.event
        match event.get("type"):
            case "Began":
                where = "here" if event["core"] == "played" else "by the client"
                yield f"the call begins: persona {event['persona']['id']}, audio played {where}"
            case "Connected":
                yield "the caller's audio flows"
            case "ModelOpened":
                before, self.provider = self.provider, event["provider"]
                told = f"{event['provider']} answers, with {event['model']}"
                yield (
                    f"the provider changes from {before}: {told}"
                    if before not in ("", self.provider)
                    else told
                )
            case "SpeechStarted":
                self.speaking_ms = row.at_ms - event["ago_ms"]
                yield "caller   begins to speak"
            case "SpeechEnded":
                if self.speaking_ms is not None:
                    spoke = row.at_ms - event["ago_ms"] - self.speaking_ms
                    yield f"caller   falls silent, after {spoke / 1000:.1f} s"
                self.speaking_ms = None
            case "DigitPressed":
                yield f"caller   presses {event['digit']}"
            case "ToolFinished":
                name = self.tools.get(event["tool_call_id"], event["tool_call_id"])
                yield f"tool     {name} {'is done' if event['ok'] else 'failed'}: {_short(event['output'])}"
            case "ToolDecided":
                yield f"tool     {event['name']} {'is done' if event['ok'] else 'is not done'}, as a person decided"
            case "SidebandJoined":
                yield f"sideband {event['origin']} joins"
            case "MachineVerdict":
                yield f"answered by: {event['kind']} ({event['source']})"
            case "SuccessorAsked":
                yield f"{event['persona']['display_name']} is asked to take over"
            case "TransferAnswered":
                yield f"transfer {'done' if event['ok'] else 'failed: ' + event['reason']}"
            case (
                "HangUpAsked" | "HandOverAsked" | "RecordingPaused" | "RecordingResumed" | "Bridged" as told
            ):
                yield _WORDS[told]
            case "Ended":
                yield f"the call is over, {event['ending']}: {_ENDINGS.get(event['ending'], '')}"
            case _:
                pass

    def _effect(self, effect: Effect) -> str | None:
        match effect:
            case Write(entry) if entry.final and (key := f"{entry.item_id} {entry.text}") not in self.told:
                self.told.add(key)
                if entry.role == "user":
                    return f"caller   “{_short(entry.text)}”"
                heard = "" if entry.heard_ms is None else f" (heard {entry.heard_ms / 1000:.1f} s)"
                if entry.interrupted:
                    return f"agent    “{_short(entry.text)}” — interrupted{heard}"
                return f"agent    “{_short(entry.text)}”{heard}"
            case ToModel(event) if event["type"] == "response.create":
                return "agent    is asked to speak"
            case ToModel(event) if event["type"] == "response.cancel":
                return "agent    is told to stop"
            case Time(timing):
                return f"agent    begins to speak, {timing.reply_ms} ms after the caller"
            case Pause():
                return "agent    is paused"
            case Resume():
                return "agent    goes on"
            case Clear():
                return "agent    is cut off"
            case RunTool(call, name, arguments):
                self.tools[call] = name
                return f"tool     {name} begins: {_short(arguments)}"
            case Hold(on):
                return "the caller is put on hold" if on else "the caller is back from hold"
            case Reach(target, warm):
                return f"transfer to {target or 'a number'} begins{', warm' if warm else ''}"
            case Join():
                return "transfer: the two are joined"
            case Succeed(persona_id):
                return f"{persona_id} takes over"
            case TransferFailed(reason):
                return f"transfer failed: {reason}"
            case Remark(event):
                return f"note     {event['type']}"
            case End(ending):
                return f"the core ends the call, {ending}"
            case _:
                return None


_WORDS = {
    "HangUpAsked": "a tool asks to hang up",
    "HandOverAsked": "a tool hands the caller over",
    "RecordingPaused": "the recording is paused",
    "RecordingResumed": "the recording goes on",
    "Bridged": "the caller talks with somebody else from now on",
}


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
