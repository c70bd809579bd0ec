"""Calls that we place, with people and with machines: who is taken for what, what they get to hear, and when."""

from __future__ import annotations

import pytest

from tests.answering.calls import CALLS, MACHINES, PEOPLE, FarSide
from tests.answering.line import GREETING, MESSAGE, OTHER, Heard, held
from tests.call.harness import persona

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

WHO = persona(
    greeting="Good day, this is Tester.",
    facts={"business": "Testing"},
    voicemail="This is {business}. Please call us back.",
)
MESSAGE_MS = 5000
DELAY_MS = 300
AFTER_BEEP_MS = 500


def left(heard: Heard, side: FarSide) -> int | None:
    """How long after the beep the message began that was left whole; None where none was."""
    said = heard.of(MESSAGE)
    if not said or said[-1][1] - said[-1][0] < MESSAGE_MS - 20:
        return None
    return said[-1][1] - MESSAGE_MS - side.beep_end_ms


def right(heard: Heard, side: FarSide) -> bool:
    if not side.machine:
        return str(heard.ending) == "caller/hung-up" and not heard.of(MESSAGE)
    after = left(heard, side)
    return str(heard.ending) == "agent/left-message" and after is not None and -20 <= after <= AFTER_BEEP_MS


@pytest.mark.parametrize("transcribes", [True, False], ids=["with words", "without words"])
async def test_twenty_calls(transcribes: bool) -> None:
    table = {(side.machine, verdict): 0 for side in CALLS for verdict in (True, False)}
    for side in CALLS:
        heard = await held(side, WHO, outbound=True, transcribes=transcribes)
        table[side.machine, right(heard, side)] += 1
    told = f"machines: {table[True, True]} of 10 got the message; people: {table[False, True]} of 10 talked"
    assert table[True, True] + table[False, True] >= 18, told


@pytest.mark.parametrize("side", MACHINES, ids=lambda side: side.name)
async def test_a_machine_has_the_message_and_nothing_else_on_tape(side: FarSide) -> None:
    heard = await held(side, WHO, outbound=True)
    assert right(heard, side), (heard.ending, heard.parts, side.beep_end_ms)
    assert [part for part in heard.parts if part[2] != MESSAGE and part[1] > side.beep_end_ms] == []
    summary = heard.store.ended[0][2]
    assert summary.answered_by == "machine"
    # Its greeting was no conversation: beside our greeting and the message hardly anything was asked for or said.
    assert heard.asked <= 3
    assert sum(end - begin for begin, end in heard.of(OTHER)) < 1000


@pytest.mark.parametrize("transcribes", [True, False], ids=["with words", "without words"])
@pytest.mark.parametrize("side", PEOPLE, ids=lambda side: side.name)
async def test_a_person_is_spoken_to_as_soon_as_without_detection(side: FarSide, transcribes: bool) -> None:
    plain = await held(side, WHO, outbound=False, transcribes=transcribes)
    heard = await held(side, WHO, outbound=True, transcribes=transcribes)
    assert right(heard, side), (heard.ending, heard.parts)
    first, lasting = heard.parts[0][0], heard.lasting()
    assert lasting is not None
    assert lasting <= (plain.lasting() or 0) + DELAY_MS
    # The very first sound comes as early too, unless somebody speaks already.
    spoken = [said for said in side.said if said.begin_ms < 250]
    assert first <= plain.parts[0][0] + DELAY_MS or spoken
    assert heard.of(GREETING)
    assert heard.store.ended[0][2].answered_by in ("human", "unknown")


async def test_without_a_message_a_machine_is_hung_up_on_after_its_beep() -> None:
    side = MACHINES[0]
    heard = await held(side, persona(greeting="Good day."), outbound=True)
    assert str(heard.ending) == "gateway/voicemail"
    assert [part for part in heard.parts if part[1] > side.beep_end_ms] == []
