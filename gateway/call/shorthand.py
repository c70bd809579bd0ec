"""What the core wanted done, a few words for each effect: by them a journal tells whether a replay does the same. Pure.

Cheap, for it is done while the call waits: of what passes through to a client only the type is told, of what is sent to
the model a checksum too. The texts themselves stand in the transcript.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import orjson

from gateway.call.effects import (
    Charge,
    Clear,
    CloseGate,
    Disregard,
    Effect,
    End,
    Hold,
    Join,
    Note,
    OpenGate,
    Pause,
    Reach,
    Remark,
    Resume,
    RunTool,
    Succeed,
    Time,
    ToLeg,
    ToModel,
    TransferFailed,
    Write,
)

__all__ = ["SUM", "passes", "shorthand"]

SUM = "#"
"""Before a checksum."""


def passes(event: dict[str, Any], effects: Sequence[Effect]) -> bool:
    """Whether an event of the model goes to the client, under its type, and nothing else comes of it."""
    if len(effects) != 1:
        return False
    effect = effects[0]
    return isinstance(effect, ToLeg) and effect.to is None and effect.event["type"] == event["type"]


def shorthand(effects: Sequence[Effect]) -> list[str]:
    return [_short(effect) for effect in effects]


def _short(effect: Effect) -> str:
    match effect:
        case ToLeg(event, to):
            return f"leg {event['type']}" if to is None else f"leg {event['type']} to {to}"
        case ToModel(event):
            return f"model {event['type']} {SUM}{_sum(event)}"
        case OpenGate(response_id):
            return f"open {response_id}"
        case CloseGate(response_id):
            return f"close {response_id}"
        case Pause():
            return "pause"
        case Resume(back_ms):
            return f"resume {back_ms}"
        case Clear():
            return "clear"
        case Disregard():
            return "disregard"
        case RunTool(tool_call_id, name, arguments):
            return f"tool {name} {tool_call_id} {SUM}{crc32(arguments.encode('utf-8', 'replace')):x}"
        case Write(entry):
            return f"write {entry.item_id} {entry.revision} {entry.heard_ms}"
        case Charge(entry):
            return f"charge {entry.provider} {entry.model} {entry.revision}"
        case Time(timing):
            return f"time {timing.turn} {timing.reply_ms}"
        case Note(what, value):
            return f"note {what} {value}"
        case Remark(event):
            return f"remark {event['type']}"
        case Hold(on):
            return "hold" if on else "unhold"
        case Reach(target, warm):
            return f"reach {target} {'warm' if warm else 'blind'}"
        case Join():
            return "join"
        case TransferFailed():
            return "transfer-failed"
        case Succeed(persona_id):
            return f"succeed {persona_id}"
        case End(ending):
            return f"end {ending}"


def _sum(event: dict[str, Any]) -> str:
    try:
        return f"{crc32(orjson.dumps(event, option=orjson.OPT_SORT_KEYS)):x}"
    except (TypeError, RecursionError):
        # A client's, with what orjson does not know: long integers, halves of surrogate pairs, great depth.
        return "0"
