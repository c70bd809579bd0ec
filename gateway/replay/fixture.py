"""A regression test made of a recorded call: inputs and effects in full, nothing personal, in one file.

The recorded effects are those of the core that wrote the file; what passes through to a client unchanged is `"same"`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from gateway.call.effects import Effect, ToLeg
from gateway.call.shorthand import SUM, shorthand
from gateway.errors import Ending
from gateway.replay.anonymous import Anonymous
from gateway.replay.driving import BESIDE, Step, drive
from gateway.replay.recording import Recording, Unreplayable, parsed, written
from gateway.replay.timeline import clock

__all__ = ["as_test", "check"]

_FILE = '''\
"""A recorded call, told to the core again: {what}.

Written by `parley replay --as-test`; it names nobody.
"""

# ruff: noqa: E501

from gateway.replay.fixture import check

RECORDED = r"""
{lines}"""


def test_{name}() -> None:
    check(RECORDED)
'''


def as_test(recording: Recording, name: str) -> str:
    """A test file of this call; `name` is an identifier. Raises Unreplayable where the call goes another way without
    its texts."""
    hidden = Anonymous().recording(recording, "call_recorded")
    steps, again = drive(recording), drive(hidden)
    for before, after in zip(steps, again, strict=True):
        if _outline(before) != _outline(after):
            raise Unreplayable(
                f"at {clock(before.row.at_ms).strip()} the core decides by the very words of the call, which a test "
                "would have to quote"
            )
    lines = written(hidden).splitlines()
    body = [lines[0]]
    for line, step in zip(lines[1:], (step for step in again if not step.silent), strict=True):
        told = json.loads(line)
        if step.effects is not None:
            told["effects"] = _full(step)
        body.append(json.dumps(told))
    text = "".join(f"{line}\n" for line in body).replace('"""', '\\u0022"\\u0022')
    seconds = recording.rows[-1].at_ms / 1000
    what = f"{recording.leg or 'a'} call of {seconds:.0f} s, {len(recording.rows)} inputs"
    return _FILE.format(what=what, lines=text, name=name)


def check(recorded: str) -> None:
    """Raises AssertionError, with the first difference in plain words, when the core has other effects than those
    recorded."""
    lines = recorded.strip().splitlines()
    told = [json.loads(line) for line in lines]
    expected = {row["seq"]: row["effects"] for row in told if "effects" in row}
    for step in drive(parsed(lines)):
        then, now = [] if step.silent else expected.get(step.row.seq), _full(step)
        if step.effects is None or then == now:
            continue
        raise AssertionError("\n".join(_told(step, then or [], now)))


def _told(step: Step, then: list[Any], now: list[Any]) -> Iterator[str]:
    yield f"at {clock(step.row.at_ms).strip()}, row {step.row.seq}, the core was told: {_line(step.row.event)}"
    for number in range(max(len(then), len(now))):
        before = then[number] if number < len(then) else None
        after = now[number] if number < len(now) else None
        if before != after:
            yield f"effect {number + 1} was: {_line(before)}"
            yield f"      and is now: {_line(after)}"
            return


def _line(value: Any) -> str:
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) < 600 else f"{text[:600]}…"


def _full(step: Step) -> list[Any]:
    return [_plain(effect, step.row.event) for effect in step.effects or ()]


def _plain(effect: Effect, told: dict[str, Any]) -> Any:
    if (
        isinstance(effect, ToLeg)
        and effect.to is None
        and effect.event == {k: told[k] for k in told if k not in BESIDE}
    ):
        return "same"
    fields = {
        k: str(getattr(effect, k)) if isinstance(getattr(effect, k), Ending) else v
        for k, v in asdict(effect).items()
    }
    made: Any = json.loads(json.dumps({"effect": type(effect).__name__, **fields}))
    return made


def _outline(step: Step) -> list[str]:
    """What was decided: without what hangs on texts."""
    return [one.partition(f" {SUM}")[0] for one in shorthand(step.effects or [])]
