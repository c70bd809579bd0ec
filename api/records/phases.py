"""Where a conversation is, and where it may go from there: the phases of a call as a table. Pure.

A conversation goes on, skipping what it does not need. It goes back where more has to be learnt, and out of a handoff
to wherever the next agent takes it up. What is closed stays closed.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["PHASES", "TABLE", "Phase", "may_follow"]

Phase = Literal["greeting", "qualification", "data_capture", "action", "handoff", "closure"]
PHASES: tuple[Phase, ...] = ("greeting", "qualification", "data_capture", "action", "handoff", "closure")

TABLE: dict[Phase, tuple[Phase, ...]] = {
    "greeting": ("qualification", "data_capture", "action", "handoff", "closure"),
    "qualification": ("data_capture", "action", "handoff", "closure"),
    "data_capture": ("qualification", "action", "handoff", "closure"),
    "action": ("qualification", "data_capture", "handoff", "closure"),
    "handoff": ("qualification", "data_capture", "action", "closure"),
    "closure": (),
}


def may_follow(before: Phase, after: Phase) -> bool:
    """Whether a call that is in `before` may be said to be in `after`. To stay is always right."""
    return before == after or after in TABLE[before]
