"""Every carrier there is, found by walking its folder, and the wires that were written down for it."""

from __future__ import annotations

import base64
import json
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import gateway.carriers
from gateway.wire import Message, Stream

__all__ = ["CARRIERS", "SITUATIONS", "Line", "module", "opened", "wire"]

CARRIERS = sorted(
    found.name for found in pkgutil.iter_modules(gateway.carriers.__path__) if found.name != "dialects"
)
SITUATIONS = ("start", "media", "dtmf", "marks", "clear", "stop", "errors", "hostile")
OPTIONS: dict[str, dict[str, Any]] = {"freeswitch": {"plays": "json", "clears": True}}
"""Of a carrier that can be spoken to in two ways: the one that was written down."""
OURS = {"vonage": ('"payload":{"m":', '"payload":{"mark":')}
"""What a carrier only returns is the application's own, and the peer's application calls it otherwise."""
WIRES = Path(__file__).parents[1] / "wires"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a wire: `tests/wires/carriers.md` tells what is in it."""

    inward: bool
    message: Message
    fault: str = ""


def module(carrier: str) -> ModuleType:
    return import_module(f"gateway.carriers.{carrier}")


def opened(carrier: str) -> Stream:
    """A stream of which nothing was heard yet."""
    stream: Callable[..., Stream] = module(carrier).Stream
    return stream(**OPTIONS.get(carrier, {}))


def wire(carrier: str, situation: str) -> list[Line]:
    """What goes over the socket in this situation; empty where it was not written down."""
    path = WIRES / carrier / f"{situation}.jsonl"
    if not path.exists():
        return []
    told = [json.loads(line) for line in path.read_text().splitlines()]
    theirs, ours = OURS.get(carrier, ("", ""))
    return [
        Line(
            one["dir"] == "in",
            one["text"].replace(theirs, ours) if "text" in one else base64.b64decode(one["binary"]),
            one.get("fault", ""),
        )
        for one in told
    ]
