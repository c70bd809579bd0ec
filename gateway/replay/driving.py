"""A recorded call, told to a fresh core: what it wants done now, and where it wanted something else then. Pure."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from gateway.call.beginning import BEGAN, FORMAT, core_of
from gateway.call.core import Core
from gateway.call.effects import Effect, Write
from gateway.call.inputs import Lost, ToolDecided
from gateway.call.journal import passed, plain, restored
from gateway.call.relay import RelayCore
from gateway.call.shorthand import SUM, shorthand
from gateway.call.veil import DIGIT, HIDDEN
from gateway.errors import ENDINGS
from gateway.ports import TranscriptEntry
from gateway.replay.recording import Recording, Row, Unreplayable

BESIDE = ("effects", "passed")
"""What a journal puts into an event."""

__all__ = ["Difference", "Step", "difference", "drive", "heard_otherwise", "wanted"]


@dataclass(frozen=True, slots=True)
class Step:
    """One input, and what the core wants done of it now; None where it told the core nothing."""

    row: Row
    effects: list[Effect] | None
    silent: bool = False
    """It stands in a row's `passed`: it had no effect then. `row` is made of it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row of which another thing came."""

    index: int
    """Of the step."""
    then: list[str]
    now: list[str]


def drive(recording: Recording) -> list[Step]:
    """Tell a fresh core the recorded inputs at their times. Raises Unreplayable; whatever a core raises that breaks at
    them."""
    core = core_of(recording.call_id, _began(recording))
    steps: list[Step] = []
    for row in recording.rows:
        for at_ms, totals in passed(row.event.get("passed", ())):
            now = at_ms / 1000
            effects = core.tick(now) if totals is None else core.leg(totals, now)
            told = {"type": "Tick"} if totals is None else plain(totals)
            steps.append(
                Step(Row(row.seq, at_ms, "tick" if totals is None else "leg", told), effects, silent=True)
            )
        steps.append(Step(row, _told(core, row)))
    return steps


def difference(steps: list[Step]) -> Difference | None:
    """Where the effects differ first; None: nowhere. Checksums tell nothing where digits or audio were hidden."""
    hidden = any(step.row.event.get("type") == "RecordingPaused" for step in steps)
    for index, step in enumerate(steps):
        then = wanted(step.row)
        if step.effects is None or then is None:
            continue
        now = shorthand(step.effects)
        if hidden or "size" in step.row.event:
            then, now = [_unsummed(one) for one in then], [_unsummed(one) for one in now]
        if then != now:
            return Difference(index, then, now)
    return None


def wanted(row: Row) -> list[str] | None:
    """What the core wanted done then; None where nobody wrote it down."""
    told: list[str] | None = row.event.get("effects")
    if told is not None:
        return told
    if row.source == "call":
        return None
    return [f"leg {row.event['type']}"] if row.source == "model" else []


def heard_otherwise(recording: Recording, steps: list[Step]) -> list[str]:
    """Where the transcript differs from the one that was stored, a sentence for each."""
    entries: dict[str, TranscriptEntry] = {}
    for step in steps:
        entries |= {e.entry.item_id: e.entry for e in step.effects or () if isinstance(e, Write)}
    told = []
    for line in recording.transcript:
        entry = entries.get(line["item_id"])
        if entry is None:
            told.append(f"{line['item_id']}: stood in the transcript, and does not now")
            continue
        for name, then in line.items():
            now = getattr(entry, name)
            if isinstance(then, str):
                # As the store keeps it; hidden digits are hidden here too.
                now = now.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
                if HIDDEN in then:
                    then, now = DIGIT.sub(HIDDEN, then), DIGIT.sub(HIDDEN, now)
            if then != now:
                told.append(f"{line['item_id']}: {name} was {then!r} and is {now!r}")
    return told


def _began(recording: Recording) -> dict[str, Any]:
    began = next((row.event for row in recording.rows if row.event.get("type") == BEGAN), None)
    if began is None:
        raise Unreplayable(
            "the journal does not tell how the call began: a Parley before version 0.2 wrote it, or the row was lost"
        )
    if began.get("format") != FORMAT:
        raise Unreplayable(
            f"the journal has format {began.get('format')}, and this Parley replays format {FORMAT}: "
            "replay it with the Parley that wrote it"
        )
    expected = 1
    for row in recording.rows:
        if row.seq != expected:
            raise Unreplayable(
                f"rows {expected} to {row.seq - 1} of the journal are missing: it was degraded, or the process died"
            )
        expected += 1
    return began


def _told(core: Core | RelayCore, row: Row) -> list[Effect] | None:
    now = row.at_ms / 1000
    event = {name: deepcopy(value) for name, value in row.event.items() if name not in BESIDE}
    kind = event.get("type")
    match row.source:
        case "leg":
            if kind == "ClientSent" and "message" not in event:
                raise Unreplayable(f"{_where(row)}: of a client's message only the size was kept")
            event.pop("size", None)
            return core.leg(restored(event), now)
        case "model":
            if set(event) == {"type", "size"}:
                raise Unreplayable(
                    f"{_where(row)}: of an event of the model ({kind}) only the size was kept"
                )
            return core.model(event, now)
        case "tool" if kind in ("ToolFinished", "ToolDecided"):
            told = restored(event)
            return core.decided(told, now) if isinstance(told, ToolDecided) else core.tool(told, now)
        case "tool":
            return core.control(restored(event), now)
        case "tick":
            return core.tick(now)
        case _ if kind == "ModelOpened":
            core.answering(event["model"], event["provider"])
        case _ if kind == "Ended":
            ending = next(one for one in ENDINGS if str(one) == event["ending"])
            return [e for e in core.leg(Lost(ending), now) if isinstance(e, Write)]
        case _:
            pass
    return None


def _where(row: Row) -> str:
    return f"row {row.seq}, at {row.at_ms / 1000:.3f} s"


def _unsummed(effect: str) -> str:
    return effect.partition(f" {SUM}")[0]
