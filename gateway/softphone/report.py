"""The course of a call, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from gateway.softphone.course import Event, Summary

__all__ = ["by_line", "by_object", "summed_up"]

CHATTER = frozenset({"mark", "rtt"})
"""What happens many times a second, and is summed up."""
SIGNS = {
    "dialled": "☎",
    "agent-speaks": "◀",
    "agent-silent": "◁",
    "caller-speaks": "▶",
    "caller-silent": "▷",
    "key": "▶",
    "clear": "✂",
    "broken": "✗",
    "failed": "✗",
    "skipped": "✗",
    "ended": "■",
}


def by_line(show: Callable[[str], None], *, verbose: bool = False) -> Callable[[Event], None]:
    """Shows a line for each event, as it happens."""

    def told(event: Event) -> None:
        if verbose or event.kind not in CHATTER:
            show(f"{event.at:8.2f}  {SIGNS.get(event.kind, '·')} {event.text}")

    return told


def by_object(show: Callable[[str], None]) -> Callable[[Event], None]:
    """Shows a JSON object for each, one a line."""

    def told(event: Event) -> None:
        facts = {name: round(v, 3) if isinstance(v, float) else v for name, v in event.facts.items()}
        value = {"at": round(event.at, 3), "event": event.kind, "text": event.text, **facts}
        show(json.dumps(value, ensure_ascii=False))

    return told


def summed_up(summary: Summary) -> str:
    """Everything that is worth knowing of a call that was held."""
    s = summary
    rows = [("call", f"{s.seconds:.1f} s over {s.carrier}; {s.ended}")]
    if s.connected:
        rows += [
            (
                "greeting",
                "none" if s.greeting_ms is None else f"{s.greeting_ms:.0f} ms after the stream began",
            ),
            ("replies", _times(s.reply_ms, "from your last word to the agent's first sound")),
        ]
        if s.interruption_ms:
            rows.append(("interruptions", _times(s.interruption_ms, "from your first word to clear")))
        rows += [
            ("heard", f"{s.heard_s:.1f} s of speech; at most {s.lead_ms:.0f} ms ahead; {_underruns(s)}"),
            ("marks", f"{s.marks}: {s.marks_played} played, {s.marks_cleared} cleared"),
        ]
        if s.clears:
            rows.append(("clears", f"{s.clears}, of {s.cleared_ms:.0f} ms of audio"))
        if s.unplayed_ms >= 20:
            rows.append(
                ("cut off", f"{s.unplayed_ms:.0f} ms of audio waited when the server closed the stream")
            )
        if s.rtt_ms:
            rows.append(("round trip", f"{sorted(s.rtt_ms)[len(s.rtt_ms) // 2]:.1f} ms"))
    if s.keys:
        rows.append(("keys", s.keys))
    if s.transferred:
        rows.append(("transferred", f"to {s.transferred}"))
    rows += [("not done", one) for one in s.skipped]
    if s.connected and not s.heard_s:
        rows.append(("silence", "the caller heard nothing"))
    if s.rules:
        rows += [("rule broken", f"{rule.told} ({rule.where}), at {rule.at:.2f} s") for rule in s.rules]
        if s.more_rules:
            rows.append(("", f"and {s.more_rules} more"))
    elif s.connected:
        rows.append(("rules", "none of the carrier's was broken"))
    return "\n".join(f"{name:<14}{value}" for name, value in rows)


def _times(values: Sequence[float], what: str) -> str:
    if not values:
        return "none"
    return f"{len(values)}: {', '.join(f'{one:.0f}' for one in values)} ms {what}"


def _underruns(s: Summary) -> str:
    return f"{s.underruns} underruns, {s.underrun_ms:.0f} ms" if s.underruns else "no underruns"
