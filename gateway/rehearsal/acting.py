"""What a scripted caller does next, by what happened so far. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gateway.rehearsal.course import Course
from gateway.rehearsal.judging import met
from personas.scripts import Answer, Expectation, ScriptedCaller, Turn, Until, found

__all__ = ["Actor", "Press", "Say", "Stuck"]


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Press:
    keys: str


class Stuck(Exception):
    """The caller does not know how to go on; the text says at what."""


class Actor:
    """One caller. `next` each time the agent has come to its end."""

    def __init__(self, caller: ScriptedCaller) -> None:
        self._turns = list(caller.turns)
        self._at = -1
        self._given = 0
        """Answers of the turn that wants something."""
        self._asked: Counter[int] = Counter()
        self._spans: list[tuple[int, int]] = []
        """Of each turn of the script: the caller's turns of the call, first and last."""

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        return tuple(self._spans)

    def next(self, course: Course) -> Say | Press | None:
        """None: nothing is left to do. Raises Stuck."""
        if 0 <= self._at < len(self._turns):
            turn = self._turns[self._at]
            if turn.until is not None and not _reached(turn.until, course, self._spans[-1][0]):
                return self._go_on(turn, course)
        self._at += 1
        if self._at >= len(self._turns):
            return None
        turn = self._turns[self._at]
        self._given, self._asked = 0, Counter()
        self._spans.append((course.turn + 1, course.turn + 1))
        if turn.keys is not None:
            return Press(turn.keys)
        if turn.says is not None:
            return Say(turn.says)
        return self._answer(turn, course)

    def _go_on(self, turn: Turn, course: Course) -> Say:
        self._given += 1
        if self._given > turn.at_most:
            raise Stuck(f"wants {turn.wants}: not reached after {turn.at_most} answers")
        begun = self._spans[-1][0]
        said = self._answer(turn, course)
        self._spans[-1] = (begun, course.turn + 1)
        return said

    def _answer(self, turn: Turn, course: Course) -> Say:
        """To what the agent said last: of the answers that fit, the one that it asked for last."""
        words = course.said(course.turn)
        places = [
            (max(found(pattern, words) for pattern in answer.asked), at)
            for at, answer in enumerate(turn.answers)
        ]
        place, at = max(places, default=(-1, -1), key=lambda one: one[0])
        if place < 0:
            if turn.otherwise is not None:
                return Say(turn.otherwise)
            raise Stuck(f"wants {turn.wants}: no answer fits what the agent said: {words[-300:]!r}")
        said = _in_turn(turn.answers[at], self._asked[at])
        self._asked[at] += 1
        return Say(said)


def _in_turn(answer: Answer, before: int) -> str:
    return answer.says[min(before, len(answer.says) - 1)]


def _reached(until: Until, course: Course, since: int) -> bool:
    """Any of it, since a turn of the caller."""
    turns = range(since, course.turn + 1)
    if any(found(pattern, course.said(turn)) >= 0 for pattern in until.said for turn in turns):
        return True
    return any(met(Expectation(called=(called,)), course, turns) for called in until.called)
