"""What callers of a small dental practice, an insurer, a bank and an estate agent may say: templates written out."""

from __future__ import annotations

import random
from itertools import product

__all__ = ["SCRIPTS", "errors"]

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "oh")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october")
DATES = ("first", "second", "third", "fourth", "fifth", "eighth", "ninth", "tenth", "twelfth", "twentieth")
HOURS = ("eight", "nine", "ten", "eleven", "twelve", "one", "two", "three", "four", "five")
NAMES = product(
    ["susan", "maria", "john", "robert", "linda", "karen"], ["walker", "smith", "jones", "brown", "miller"]
)

I_WANT = ("i'd like to", "i want to", "i need to", "can i")


def numbers(digits: int, count: int) -> list[str]:
    pick = random.Random(digits)
    return [" ".join(pick.choice(DIGITS) for _ in range(digits)) for _ in range(count)]


DENTAL = (
    *(f"{want} {do} an appointment" for want, do in product(I_WANT, ("book", "make", "change", "cancel"))),
    *(
        f"{w} book an appointment for {x}"
        for w, x in product(I_WANT, ("a cleaning", "a checkup", "a filling"))
    ),
    *(
        f"{day} at {hour}{rest}"
        for day, hour, rest in product(DAYS, HOURS, ("", " thirty", " in the morning"))
    ),
    *(
        f"{day} at {hour} thirty in the {part}"
        for day, hour, part in product(DAYS, HOURS, ("morning", "evening"))
    ),
    *(f"my name is {first} {last}" for first, last in NAMES),
    *(f"my phone number is {number}" for number in numbers(7, 60)),
)
INSURANCE = (
    *(
        f"{want} report {what}"
        for want, what in product(I_WANT, ("a car accident", "a burst pipe", "a theft"))
    ),
    *(f"my policy number is {number}" for number in numbers(6, 60)),
    *(f"it happened on the {date} of {month}" for date, month in product(DATES, MONTHS)),
    *(f"{who} was hurt" for who in ("nobody", "no one", "someone", "my wife")),
)
BANK = (
    "there is a charge i don't recognize", "there's a charge i didn't make", "someone used my card",
    *(f"the last four digits are {number}" for number in numbers(4, 60)),
)  # fmt: skip
ESTATE = (
    *(
        f"i'm looking for a {rooms} bedroom {kind} near the {place}"
        for rooms, kind, place in product(
            ("one", "two", "three", "four"), ("house", "flat"), ("school", "park")
        )
    ),
    *(f"can i schedule a viewing for {day} at {hour}" for day, hour in product(DAYS, HOURS)),
)

SCRIPTS: dict[str, tuple[str, ...]] = {
    "dental": DENTAL,
    "insurance": INSURANCE,
    "bank": BANK,
    "estate": ESTATE,
}


def errors(wanted: str, got: str) -> int:
    """Words to change, add or drop to make one of the other."""
    previous = list(range(len(got.split()) + 1))
    for number, word in enumerate(wanted.split(), 1):
        row = [number]
        for at, other in enumerate(got.split(), 1):
            row.append(min(previous[at] + 1, row[-1] + 1, previous[at - 1] + (word != other)))
        previous = row
    return previous[-1]
