"""Whether what was expected of a call came about. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gateway.rehearsal.course import Course, Use
from personas.scripts import Called, Expectation, ScriptedCaller, found, same

__all__ = ["judged", "met", "wrong"]


def judged(caller: ScriptedCaller, course: Course, spans: Sequence[tuple[int, int]]) -> list[str]:
    """Everything that did not come about, each in a sentence. `spans`: of each turn of the script that was begun, the
    turns of the call it took."""
    faults = [course.fault] if course.fault else []
    for number, turn in enumerate(caller.turns):
        if number < len(spans):
            first, last = spans[number]
            told = wrong(turn.expect, course, range(first, last + 1))
            faults += [f"turn {number + 1}: {one}" for one in told]
        elif not course.fault:
            faults.append(
                f"turn {number + 1}: not reached, the call was over ({course.ending or 'unknown'})"
            )
            break
    return faults + wrong(caller.expect, course)


def met(expected: Expectation, course: Course, turns: range | None = None) -> bool:
    """Whether all of it came about."""
    return not wrong(expected, course, turns)


def wrong(expected: Expectation, course: Course, turns: range | None = None) -> list[str]:
    """What of it did not come about: in these turns of the caller, or in the whole call."""
    said = course.said() if turns is None else "\n".join(course.said(turn) for turn in turns)
    uses = course.uses() if turns is None else [use for turn in turns for use in course.uses(turn)]
    faults = [
        f"the agent did not say {pattern!r}; it said: {_last(said)}"
        for pattern in expected.said
        if found(pattern, said) < 0
    ]
    faults += [
        f"the agent said {pattern!r}, which it must not"
        for pattern in expected.must_not.said
        if found(pattern, said) >= 0
    ]
    faults += [
        told for name, value in expected.collected.items() if (told := _collected(name, value, uses))
    ]
    faults += [told for called in expected.called if (told := _called(called, uses))]
    faults += [
        f"{_named(called)} was called, which it must not be"
        for called in expected.must_not.called
        if _runs(called, uses)
    ]
    if expected.ended is not None and course.ending != expected.ended:
        faults.append(f"the call ended {course.ending or 'in an unknown way'}, not {expected.ended}")
    if expected.must_not.ended is not None and course.ending == expected.must_not.ended:
        faults.append(f"the call ended {course.ending}, which it must not")
    return faults


def _collected(name: str, wanted: str, uses: Sequence[Use]) -> str:
    """The last value of that name that a tool took."""
    values = [use.arguments[name] for use in uses if use.ok and name in use.arguments]
    if not values:
        return f"{name} was not collected: no tool took a {name}"
    if not same(wanted, values[-1]):
        return f"{name} was collected as {values[-1]!r}, not {wanted!r}"
    return ""


def _called(called: Called, uses: Sequence[Use]) -> str:
    runs = _runs(called, uses)
    if called.times is None:
        if runs:
            return ""
    elif len(runs) == called.times:
        return ""
    of_it = [use for use in uses if use.tool == called.tool]
    seen = "; ".join(_shown(use) for use in of_it[-3:]) or "it was not called at all"
    wanted = "" if called.times is None else f" {called.times} times but {len(runs)} times"
    return f"{_named(called)} was not called{wanted}: {seen}"


def _runs(called: Called, uses: Sequence[Use]) -> list[Use]:
    return [
        use
        for use in uses
        if use.tool == called.tool
        and use.ok is not called.fails
        and all(
            name in use.arguments and same(value, use.arguments[name])
            for name, value in called.arguments.items()
        )
    ]


def _named(called: Called) -> str:
    given = ", ".join(f"{name}={value}" for name, value in called.arguments.items())
    return f"{called.tool}({given}){' in vain' if called.fails else ''}"


def _shown(use: Use) -> str:
    given = ", ".join(f"{name}={value}" for name, value in use.arguments.items())
    failed = "" if use.ok else f" failed: {_error(use.output)}"
    return f"{use.tool}({given}){failed}"


def _error(output: str) -> str:
    try:
        told = json.loads(output)
    except ValueError:
        return output[:200]
    return str(told.get("error", output) if isinstance(told, dict) else told)[:200]


def _last(said: str) -> str:
    text = " / ".join(said.split("\n"))
    return f"…{text[-240:]}" if len(text) > 240 else text or "nothing"
