"""American English as a tongue."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from gateway.providers.embedded.english import dates, names, numbers
from gateway.providers.embedded.english.grammar import GRAMMAR
from gateway.providers.embedded.english.words import OPTIONAL
from gateway.providers.embedded.findings import PARTS, Moment
from gateway.providers.embedded.grammar import Words
from gateway.providers.embedded.tongue import Choosing, Finding, Lines, Repairs, Speaking, Tongue

__all__ = ["ENGLISH", "say_money"]

_DENIED = frozenset(("no", "not", "nobody", "never", "without", "none", "neither"))


def _affirmed(words: Words) -> Words:
    kept: list[str] = []
    at = 0
    while at < len(words):
        if words[at] == "not":
            at += 1
            while at < len(words) and words[at] in OPTIONAL:
                at += 1
        else:
            kept.append(words[at])
        at += 1
    return tuple(kept)


def _denies(words: Words, start: int, _end: int) -> bool:
    return bool(_DENIED & set(words[max(start - 2, 0) : start]))


def _month_day(day: date) -> str:
    return dates.say_date(day).split(", ", 1)[1]


def _when(moment: datetime) -> str:
    return f"{dates.say_date(moment.date())} at {dates.say_time(moment.time())}"


def _moment(value: Moment) -> str:
    """`Friday, November 27th at 9:30 AM`, `Friday, November 27th in the morning`, `as soon as possible`."""
    if value.day is None and value.at is None and value.part is None:
        return _LINES.soonest
    parts = []
    if value.day is not None:
        parts.append(dates.say_date(value.day))
    if value.at is not None:
        parts.append(f"at {dates.say_time(value.at)}")
    elif value.part in PARTS:
        parts.append("at night" if value.part == "night" else f"in the {value.part}")
    return " ".join(parts)


def _apart(label: str) -> tuple[str, str]:
    head, at, tail = label.rpartition(" at ")
    return (head, tail) if at else ("", label)


def _either(texts: list[str]) -> str:
    return ", ".join(texts[:-1]) + (" or " if len(texts) > 1 else "") + (texts[-1] if texts else "")


def _items(texts: list[str]) -> str:
    return ", ".join(texts[:-1]) + (", or " if len(texts) > 1 else "") + texts[-1]


def say_money(amount: Any) -> str:
    """`$42.17`, `$500`."""
    try:
        number = float(amount)
    except (TypeError, ValueError):
        return str(amount)
    return f"${number:,.0f}" if number == int(number) else f"${number:,.2f}"


_LINES = Lines(
    goodbye="Goodbye.",
    hello="Hello.",
    welcome="You're welcome.",
    all_right="All right.",
    sorry="Sorry about that.",
    yes_or_no="Please say yes or no.",
    need="I need {0}.",
    can_change="I can change {0}.",
    something="something",
    cannot_be="I'm afraid that can't be.",
    incomplete="I heard {0}; that is not complete.",
    nothing_there="I have no other times there.",
    heard="I heard {0}. Is that right?",
    last_name="And the last name, please?",
    pass_on="Shall I pass you on to a person?",
    about="It is about: {0}.",
    soonest="as soon as possible",
    yes="yes",
    no="no",
    again="Sorry, I didn't catch that. Could you say it again?",
    unable="I'm sorry, I don't know anything about that. Is there something else?",
    how_can_i_help="How can I help you?",
    moment="One moment, please.",
    took_time="Sure, take your time.",
)

ENGLISH = Tongue(
    language="en",
    grammar=GRAMMAR,
    find=Finding(
        moment=dates.find_moment,
        name=names.find_name,
        names_somebody=names.names_somebody,
        digit_runs=numbers.digit_runs,
        amounts=numbers.amounts,
        ordinal=numbers.ordinal,
        affirmed=_affirmed,
        denies=_denies,
        phone_lengths=(7, 10, 11),
    ),
    say=Speaking(
        day=dates.say_date,
        month_day=_month_day,
        clock=dates.say_time,
        when=_when,
        moment=_moment,
        apart=_apart,
        either=_either,
        items=_items,
        digits=numbers.say_digits,
        spell=numbers.spell,
        money=say_money,
    ),
    choosing=Choosing(
        any=(
            "any", "any one", "any of them", "either", "whichever", "whatever", "does not matter", "do not care",
            "all the same", "you choose", "earliest", "soonest", "first available",
        ),
        earlier=frozenset(("earlier", "before", "sooner")),
        other=frozenset(("later", "after", "another", "other", "others", "else", "none", "neither", "more")),
        last=frozenset(("last", "latest")),
    ),
    repairs=Repairs(
        corrections=(
            "actually", "make (it|that)", "change (it|that|the|to|my)", "i meant", "i mean", "rather", "instead",
            "not (on|at)", "no (it is|i said|its|that is)", "can we (do|make)", "could we (do|make)", "what about",
            "how about",
        ),
        done=(
            "nothing", "that is all", "that is it", "i am good", "i am fine", "i am all set", "all set",
            "that will be all", "all good", "that is everything", "nothing else",
        ),
        dropping=frozenset(("everything", "cancel", "forget")),
        nothing=frozenset(("nothing",)),
    ),
    lines=_LINES,
)  # fmt: skip
