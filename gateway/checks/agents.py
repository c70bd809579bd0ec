"""Who is spoken with: the codec, personas and their tools, what else the catalog has."""

from __future__ import annotations

import asyncio
import importlib

from gateway.agents import load_agents
from gateway.checks.finding import Finding, fault, ok
from gateway.config import Settings
from gateway.errors import ConfigError

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


async def check_personas(settings: Settings) -> list[Finding]:
    """Every fault of every file of the catalog and of the user's tools: of its own, and of what it says of others."""
    try:
        catalog, tools = await asyncio.to_thread(load_agents, settings)
    except ConfigError as error:
        tools_dir = str(settings.tools_dir)
        return [
            fault("tools" if tools_dir in one else "personas", one, "correct the file")
            for one in error.faults
        ]
    return [
        ok("personas", f"{', '.join(sorted(catalog.personas))}; {len(tools)} tools"),
        ok(
            "catalog",
            f"{len(catalog.scenarios)} scenarios, {len(catalog.packs)} vertical packs, "
            f"{len(catalog.experiments)} experiments",
        ),
    ]
