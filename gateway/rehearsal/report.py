"""What came of scripted callers: as a table, as JSON, as JUnit's XML. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from gateway.rehearsal.course import Course, Line, Use
from gateway.rehearsal.running import Result

__all__ = ["as_json", "as_junit", "as_table", "one_line", "transcript"]

ARGUMENTS = 160
"""Signs of a tool's arguments and output that a transcript shows."""


def one_line(result: Result) -> str:
    """As each is over."""
    mark = "ok  " if result.passed else "FAIL"
    waits = _waits(result.course.waits_ms)
    case = result.case
    return f"{mark}  {case.name:<44} {case.mode:<5}  {len(result.course.waits_ms):>3} turns  {waits}"


def as_table(results: Sequence[Result], *, transcripts: bool = False) -> str:
    """Every caller that failed, with why and its transcript; with `transcripts` the others' too; and the sum."""
    parts = []
    for result in results:
        if not result.passed or transcripts:
            case = result.case
            title = f": {case.caller.title}" if case.caller.title else ""
            told = [f"{case.name}{title} ({case.mode})", *(f"  ✗ {fault}" for fault in result.faults)]
            parts.append("\n".join([*told, *(f"    {line}" for line in transcript(result.course))]))
    failed = sum(not result.passed for result in results)
    waits = [wait for result in results for wait in result.course.waits_ms]
    parts.append(
        f"{_many(len(results), 'caller')}, {failed} failed; {_many(len(waits), 'turn')}, {_waits(waits)}"
    )
    return "\n\n".join(parts)


def _many(count: int, what: str) -> str:
    return f"{count} {what if count == 1 else what + 's'}"


def transcript(course: Course) -> list[str]:
    """A line for everything that was said and done."""
    lines = []
    waits = dict(enumerate(course.waits_ms, 1))
    for event in course.events:
        match event:
            case Line("caller", text, turn, heard):
                wait = f"  ({waits[turn]:.0f} ms)" if turn in waits else ""
                lines.append(f"caller: {text}{wait}")
                if heard is not None:
                    lines.append(f"        understood as: {heard or 'nothing'}")
            case Line(_, text):
                lines.append(f"agent:  {text}")
            case Use():
                lines.append(f"tool:   {used(event)}")
    if course.ending:
        lines.append(f"ended:  {course.ending}")
    return lines


def used(use: Use) -> str:
    """One run of a tool."""
    given = ", ".join(f"{name}={value}" for name, value in use.arguments.items())
    return f"{use.tool}({_short(given)}) {'→' if use.ok else '✗'} {_short(use.output)}"


def as_json(results: Sequence[Result]) -> str:
    return json.dumps(
        {
            "passed": all(result.passed for result in results),
            "callers": [_object(result) for result in results],
        },
        indent=1,
        ensure_ascii=False,
    )


def as_junit(results: Sequence[Result]) -> str:
    """As the reports of pytest: a suite for each persona and mode, a case for each caller; times in seconds."""
    root = ElementTree.Element("testsuites", name="parley persona test")
    suites: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        suites.setdefault((result.case.persona.id, result.case.mode), []).append(result)
    for (persona, mode), own in suites.items():
        failed = sum(not result.passed for result in own)
        suite = ElementTree.SubElement(
            root, "testsuite", name=f"{persona} ({mode})", tests=str(len(own)), failures=str(failed),
            errors="0", skipped="0", time=f"{sum(result.seconds for result in own):.3f}",
        )  # fmt: skip
        for result in own:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"personas.{persona}.{mode}", name=result.case.caller.id,
                time=f"{result.seconds:.3f}",
            )  # fmt: skip
            if not result.passed:
                failure = ElementTree.SubElement(case, "failure", message=_legal(result.faults[0]))
                failure.text = _legal("\n".join(result.faults))
            out = ElementTree.SubElement(case, "system-out")
            out.text = _legal("\n".join(transcript(result.course)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _object(result: Result) -> dict[str, Any]:
    case, course = result.case, result.course
    return {
        "persona": case.persona.id,
        "caller": case.caller.id,
        "title": case.caller.title,
        "mode": case.mode,
        "passed": result.passed,
        "faults": list(result.faults),
        "seconds": round(result.seconds, 3),
        "ending": course.ending,
        "waits_ms": [round(wait, 1) for wait in course.waits_ms],
        "transcript": [_event(event) for event in course.events],
    }


def _event(event: Line | Use) -> dict[str, Any]:
    if isinstance(event, Use):
        return {
            "tool": event.tool, "arguments": event.arguments, "output": event.output, "ok": event.ok,
            "turn": event.turn,
        }  # fmt: skip
    told: dict[str, Any] = {"who": event.who, "text": event.text, "turn": event.turn}
    return told if event.heard is None else {**told, "heard": event.heard}


def _waits(waits: Sequence[float]) -> str:
    if not waits:
        return "no turn was answered"
    ordered = sorted(waits)
    late = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return f"answered in {ordered[len(ordered) // 2]:.0f} ms (p50), {late:.0f} ms (p95)"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= ARGUMENTS else f"{flat[: ARGUMENTS - 1]}…"


def _legal(text: str) -> str:
    """Without the control characters that XML 1.0 has no way to write."""
    return "".join(sign for sign in text if sign >= " " or sign in "\t\n")
