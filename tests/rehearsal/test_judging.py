"""What a scripted caller does next, and what is found of a call."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.rehearsal.acting import Actor, Press, Say, Stuck
from gateway.rehearsal.course import Course
from gateway.rehearsal.judging import judged
from personas.scripts import ScriptedCaller

pytestmark = pytest.mark.unit

CODE = {"expect": {"said": "code"}}


def caller(*turns: dict[str, Any], **expect: Any) -> ScriptedCaller:
    return ScriptedCaller.model_validate(
        {"id": "one", "turns": list(turns), "expect": expect or {"must_not": {"said": "never"}}}
    )


def course(*agent: str) -> Course:
    """A call in which the agent greets, and answers each turn of the caller."""
    made = Course()
    made.agent("Hello, this is the practice.")
    for words in agent:
        made.caller("something")
        made.agent(words)
    return made


def faults(who: ScriptedCaller, made: Course) -> list[str]:
    return judged(who, made, [(n, n) for n in range(1, made.turn + 1)])


# ── acting ──


def test_turns_come_one_after_the_other() -> None:
    actor, made = Actor(caller({"says": "hi"}, {"keys": "12#"})), course()
    assert actor.next(made) == Say("hi")
    made.caller("hi")
    assert actor.next(made) == Press("12#")
    made.caller("[12#]")
    assert actor.next(made) is None
    assert actor.spans == ((1, 1), (2, 2))


WANTS = {
    "wants": "an appointment",
    "says": "I need an appointment",
    "answers": [
        {"asked": "name", "says": ["Sue Walker", "S U E"]},
        {"asked": ["phone", "number"], "says": "five five five"},
    ],
    "until": {"said": "booked", "called": "book_appointment"},
    "at_most": 4,
}


def test_a_caller_who_wants_something_answers_what_was_asked_last() -> None:
    actor, made = Actor(caller(WANTS)), course()
    for said, wanted in (
        ("", Say("I need an appointment")),
        ("May I have your name?", Say("Sue Walker")),
        ("Thank you for your name. And your phone number?", Say("five five five")),
        ("Which name was that?", Say("S U E")),
        ("The name again?", Say("S U E")),
        ("You are booked.", None),
    ):
        made.agent(said)
        act = actor.next(made)
        assert act == wanted
        if isinstance(act, Say):
            made.caller(act.text)
    assert actor.spans == ((1, 5),)


def test_a_tool_that_failed_is_not_what_was_wanted() -> None:
    actor, made = Actor(caller({**WANTS, "until": {"called": "book_appointment"}})), course()
    actor.next(made)
    made.caller("I need an appointment")
    made.used("book_appointment", "{}", '{"error": "taken"}', ok=False)
    made.agent("Your name?")
    assert actor.next(made) == Say("Sue Walker")
    made.caller("Sue Walker")
    made.used("book_appointment", "{}", "{}", ok=True)
    assert actor.next(made) is None


def test_who_is_asked_something_unforeseen_is_stuck() -> None:
    actor, made = Actor(caller(WANTS)), course()
    actor.next(made)
    made.caller("I need an appointment")
    made.agent("What is your date of birth?")
    with pytest.raises(Stuck, match="no answer fits what the agent said: 'What is your date of birth"):
        actor.next(made)


def test_who_never_gets_it_gives_up() -> None:
    actor, made = Actor(caller({**WANTS, "otherwise": "what?"})), course()
    actor.next(made)
    for _ in range(4):
        made.caller("x")
        made.agent("Hm.")
        assert actor.next(made) == Say("what?")
    made.caller("x")
    with pytest.raises(Stuck, match="not reached after 4 answers"):
        actor.next(made)


# ── judging ──


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ({"said": ["your code", "bye"]}, "the agent did not say 'bye'; it said: "),
        ({"must_not": {"said": "/code/"}}, "the agent said '/code/', which it must not"),
        ({"collected": {"phone": "1"}}, "phone was not collected: no tool took a phone"),
        ({"collected": {"name": "Sue Miller"}}, "name was collected as 'Sue Walker', not 'Sue Miller'"),
        ({"collected": {"day": "monday"}}, "day was not collected: no tool took a day"),
        ({"called": "hang_up"}, "hang_up() was not called: it was not called at all"),
        (
            {"called": {"tool": "book", "with": {"name": "Bob"}}},
            "book(name=Bob) was not called: book(name=Sue Walker, again=False)",
        ),
        ({"called": {"tool": "book", "times": 2}}, "book() was not called 2 times but 1 times: book("),
        ({"called": {"tool": "find"}}, "find() was not called: find(day=monday) failed: no such day"),
        ({"must_not": {"called": "book"}}, "book() was called, which it must not be"),
        ({"ended": "agent/hung-up"}, "the call ended caller/hung-up, not agent/hung-up"),
        ({"must_not": {"ended": "caller/hung-up"}}, "the call ended caller/hung-up, which it must not"),
    ],
)
def test_what_did_not_come_about_is_told(expect: dict[str, Any], told: str) -> None:
    made = course("Here is your code.")
    made.used("find", '{"day": "monday"}', '{"error": "no such day"}', ok=False)
    made.used("book", '{"name": "Sue Walker", "again": false}', "{}", ok=True)
    made.ending = "caller/hung-up"
    [fault] = faults(caller({"says": "x"}, **expect), made)
    assert fault.startswith(told)


def test_what_came_about_is_no_fault() -> None:
    made = course("Here is your code.")
    made.used("find", "{}", '{"error": "no such day"}', ok=False)
    made.used("book", '{"name": "Sue Walker", "again": false}', "{}", ok=True)
    expect = {
        "said": "your code",
        "collected": {"name": "sue walker", "again": "false"},
        "called": [{"tool": "book", "times": 1}, {"tool": "find", "fails": True}],
        "must_not": {"called": ["find", {"tool": "book", "with": {"name": "Bob"}}]},
    }
    assert faults(caller({"says": "x"}, **expect), made) == []


def test_a_turns_own_expectation_is_of_that_turn() -> None:
    who = caller({"says": "x", **CODE}, {"says": "y"})
    assert faults(who, course("The code.", "Bye.")) == []
    [fault] = faults(who, course("Well.", "The code."))
    assert fault == "turn 1: the agent did not say 'code'; it said: Well."


def test_a_turn_that_was_not_reached_is_a_fault() -> None:
    made = course("The code.")
    made.ending = "agent/hung-up"
    [fault] = faults(caller({"says": "x"}, {"says": "y"}), made)
    assert fault == "turn 2: not reached, the call was over (agent/hung-up)"


def test_a_call_that_broke_is_a_fault_once() -> None:
    made = course()
    made.fault = "no call: 503: full"
    assert faults(caller({"says": "x"}, {"says": "y"}), made) == ["no call: 503: full"]
