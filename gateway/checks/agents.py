"""Who is spoken with: the codec, ears and voice, personas and their tools."""

from __future__ import annotations

import asyncio
import importlib

from gateway.checks.finding import Finding, fault, ok
from personas.library import PersonaError
from personas.library import load as load_personas
from tools.library import load as load_tools

__all__ = ["check_media", "check_personas"]


def check_media() -> Finding:
    """Whether the WebRTC library and its codec are there."""
    try:
        importlib.import_module("aiortc")
        av = importlib.import_module("av")
        av.Codec("libopus", "r"), av.Codec("libopus", "w")
    except (ImportError, ValueError, OSError) as error:
        return fault("webrtc", f"cannot be used: {error}", "install again: make clean install")
    return ok("webrtc", "aiortc with Opus")


async def check_personas() -> list[Finding]:
    """Every fault of every file, and tools that are named but not there."""
    try:
        personas, tools = await asyncio.to_thread(lambda: (load_personas(), load_tools()))
    except PersonaError as error:
        return [fault("personas", one, "correct the file") for one in error.faults]
    except ValueError as error:
        return [fault("tools", str(error), "correct the file")]
    missing = [
        fault("personas", f"{persona.id} names the tool {name!r}, which is not there", "correct its name")
        for persona in personas.values()
        for name in persona.tools
        if name not in tools
    ]
    return missing or [ok("personas", f"{', '.join(sorted(personas))}; {len(tools)} tools")]
