"""What agents act through: services, MCP servers and connectors, asked for a sign of life."""

from __future__ import annotations

import asyncio

from gateway.checks.finding import Finding, ok, warning
from gateway.config import Settings
from tools.toolbox import Toolbox, ToolboxError

__all__ = ["check_tools"]

SETTLE_S = 10.0
"""How long MCP servers may take here: nobody waits for a call."""


async def check_tools(settings: Settings) -> list[Finding]:
    """Every source of tools besides Parley's own. Nothing is changed at any of them."""
    if settings.tools_dir is None:
        return []
    try:
        box = await asyncio.to_thread(
            Toolbox.read, settings.tools_dir, settings.secrets_dir, settings.outbound_allow
        )
    except ToolboxError:
        return []  # `check_personas` tells every fault of every file
    async with box.opened(SETTLE_S):
        found = [
            ok(health.about, health.seen)
            if health.well
            else warning(
                health.about,
                health.seen,
                "look at its file and its server; until then agents say that it cannot be done",
            )
            for health in await box.health()
        ]
    found.insert(0, ok("tools", f"{settings.tools_dir}: {len(box.own)} of your own"))
    if exposed := await asyncio.to_thread(box.exposed):
        seen = f"{', '.join(exposed)}: every user of this machine may read it"
        found.append(warning("secrets", seen, f"chmod -R o-rwx {settings.secrets_dir}"))
    return found
