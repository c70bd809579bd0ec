"""The connectors of a file at work, and the tools that act through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tools.connectors.caldav import Calendar
from tools.connectors.health import Connector
from tools.connectors.mail import Mailer, mail_tool
from tools.connectors.model import ConnectorsFile
from tools.connectors.records import with_calendar
from tools.contract import Tool, ToolContext
from tools.outbound.sender import Sender
from tools.secrets import Secrets

__all__ = ["connected"]

SCHEDULING = ("find_slots", "book_appointment")


def connected(
    about: ConnectorsFile, tools: Mapping[str, Tool], sender: Sender, secrets: Secrets
) -> tuple[dict[str, Tool], list[Connector]]:
    """The tools that are new or act elsewhere now, and the connectors."""
    made: dict[str, Tool] = {}
    connectors: list[Connector] = []
    if about.calendars:
        calendars = {name: Calendar(name, each, sender, secrets) for name, each in about.calendars.items()}
        connectors += calendars.values()
        made |= {name: _on_calendars(tools[name], calendars) for name in SCHEDULING if name in tools}
    if about.mail is not None:
        mailer = Mailer(about.mail, secrets)
        connectors.append(mailer)
        tool = mail_tool(mailer)
        made[tool.name] = tool
    return made, connectors


def _on_calendars(tool: Tool, calendars: Mapping[str, Calendar]) -> Tool:
    """The same tool, for whoever has one of these calendars with the records of that; for others as it was."""

    async def run(given: Any, context: ToolContext) -> dict[str, Any]:
        calendar = calendars.get(context.calendar)
        if calendar is not None:
            context = replace(context, records=with_calendar(context.records, calendar, context.now))
        return await tool.run(given, context)

    # A calendar server may be slower than a database.
    return replace(tool, run=run, timeout_s=max(tool.timeout_s, 15.0))
