"""A conversation as a script: what was typed becomes a caller, what tools were run becomes what is expected. Pure."""

from __future__ import annotations

from typing import Any

import yaml

from gateway.rehearsal.course import Course, Line

__all__ = ["as_script"]


def as_script(persona: str, course: Course, now: str) -> str:
    """YAML of one caller; `now`: when the call began, ISO 8601 without a zone."""
    turns: list[dict[str, Any]] = []
    for event in course.events:
        if isinstance(event, Line):
            if event.who == "caller":
                keys = event.text.startswith("[") and event.text.endswith("]")
                turns.append({"keys": event.text[1:-1]} if keys else {"says": event.text})
        elif turns:
            called: dict[str, Any] = {"tool": event.tool}
            if not event.ok:
                called |= {"fails": True}
            if given := {name: _text(value) for name, value in event.arguments.items()}:
                called |= {"with": given}
            turns[-1].setdefault("expect", {}).setdefault("called", []).append(called)
    expect: dict[str, Any] = {}
    if course.ending is not None and course.ending.startswith("agent/"):
        expect["ended"] = course.ending
    if not expect and not any("expect" in turn for turn in turns):
        # A script in which nothing is expected is refused.
        expect["said"] = course.said().rpartition("\n")[2]
    script = {
        "persona": persona,
        "now": now,
        "callers": [{"id": "noted", "turns": turns, "expect": expect}],
    }
    return yaml.safe_dump(script, sort_keys=False, allow_unicode=True, width=110)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
