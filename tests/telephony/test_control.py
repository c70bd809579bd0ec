"""When a call that ended here is ended at its carrier by command, and when that is left alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.surfaces.telephony.commands import control
from api.surfaces.telephony.commands.client import Commands, Refused, Unreached
from api.surfaces.telephony.commands.control import Control, NoCommand
from api.surfaces.telephony.commands.handles import Handles
from api.surfaces.telephony.counter import DESKS
from api.surfaces.telephony.desk import Command
from gateway.config import from_env
from gateway.errors import AGENT_HUNG_UP, DRAINED, HUNG_UP, LEFT, Ending

pytestmark = pytest.mark.unit

SETTINGS = from_env(
    {
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "t",
        "TELNYX_API_KEY": "k",
        "PLIVO_AUTH_ID": "MA1",
        "PLIVO_AUTH_TOKEN": "t",
    }
)
NOBODY = Unreached("the carrier's API was not reached", sent=False)


class Api(Commands):
    """Answers as it is told, then with success."""

    def __init__(self, *answers: Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.took: list[str] = []

    async def run(self, carrier: str, command: Command) -> dict[str, Any]:
        self.took.append(f"{command.method} {command.url.rpartition('/')[2]}")
        if self.answers:
            raise self.answers.pop(0)
        return {}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "TOLD_S", 0.02)
    monkeypatch.setattr(control, "AGAIN_S", (0.0, 0.0, 0.0))


def at(api: Api, carrier: str, handle: str = "") -> tuple[Control, Handles]:
    handles = Handles()
    handles.note("s-1", carrier, "call-1", handle)
    return Control(SETTINGS, DESKS, api, handles), handles


@pytest.mark.parametrize(
    ("carrier", "handle", "ending", "commands"),
    [
        ("twilio", "", AGENT_HUNG_UP, 0),
        ("twilio", "", LEFT, 1),
        ("twilio", "", DRAINED, 1),
        ("plivo", "", AGENT_HUNG_UP, 0),
        ("telnyx", "v3:x", AGENT_HUNG_UP, 1),
        ("telnyx", "", AGENT_HUNG_UP, 0),
        ("vonage", "", AGENT_HUNG_UP, 0),  # its API is not set up here
        ("exotel", "", LEFT, 0),
    ],
)
async def test_commanded_where_closing_the_socket_does_not_do_it(
    carrier: str, handle: str, ending: Ending, commands: int
) -> None:
    api = Api()
    at(api, carrier, handle)[0].over("s-1", ending, False)
    await asyncio.sleep(0.05)
    assert len(api.took) == commands


async def test_a_carrier_that_tells_the_end_itself_is_not_commanded() -> None:
    api = Api()
    hands, handles = at(api, "telnyx", "v3:x")
    hands.over("s-1", HUNG_UP, True)
    handles.ended("s-1")
    await asyncio.sleep(0.05)
    assert api.took == []
    assert await hands.hang_up("s-1")
    assert not await hands.hang_up("another")
    handles.note("s-1", "telnyx", "call-1")
    assert await hands.hang_up("s-1")
    assert api.took == ["POST hangup"]


async def test_tried_again_until_it_is_obeyed() -> None:
    api = Api(NOBODY, Refused(429, ""), Unreached("x", sent=True))
    assert await at(api, "telnyx", "v3:x")[0].hang_up("s-1")
    assert len(api.took) == 4
    never = Api(*[NOBODY] * 9)
    assert not await at(never, "telnyx", "v3:x")[0].hang_up("s-1")
    assert len(never.took) == 4
    gone = Api(Refused(422, "90018"))
    assert await at(gone, "telnyx", "v3:x")[0].hang_up("s-1")


async def test_a_caller_who_was_transferred_is_not_hung_up_on() -> None:
    api = Api()
    hands, _ = at(api, "telnyx", "v3:x")
    await hands.transfer("s-1", "+15550100007")
    hands.over("s-1", AGENT_HUNG_UP, False)
    hands.soon("s-1")
    await asyncio.sleep(0.05)
    assert api.took == ["POST transfer"]
    failing = Api(Refused(422, "10015"))
    hands, handles = at(failing, "telnyx", "v3:x")
    with pytest.raises(Refused):
        await hands.transfer("s-1", "+15550100007")
    assert (handle := handles.of("s-1")) is not None
    assert handle.ours
    with pytest.raises(NoCommand, match="docs/phone"):
        await at(Api(), "jambonz")[0].transfer("s-1", "+15550100007")
    with pytest.raises(NoCommand):
        await hands.press("another", "1")


UNSURE = Unreached("no answer in time", sent=True)


async def test_a_transfer_without_an_answer_was_made_when_the_stream_ends() -> None:
    api = Api(UNSURE)
    hands, _ = at(api, "telnyx", "v3:x")
    asked = asyncio.create_task(hands.transfer("s-1", "+15550100007"))
    await asyncio.sleep(0.01)
    hands.parted("s-1")
    await asked
    hands.over("s-1", HUNG_UP, True)
    await asyncio.sleep(0.05)
    assert api.took == ["POST transfer"]


@pytest.mark.parametrize("gone", [True, False])
async def test_a_transfer_without_an_answer_was_not_made_when_the_caller_stays_or_hangs_up(
    monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    monkeypatch.setattr(control, "OBEYED_S", 0.05)
    hands, handles = at(Api(UNSURE), "telnyx", "v3:x")
    asked = asyncio.create_task(hands.transfer("s-1", "+15550100007"))
    await asyncio.sleep(0.01)
    if gone:
        handles.ended("s-1")
        hands.parted("s-1")
    with pytest.raises(Unreached):
        await asked
    assert (handle := handles.of("s-1")) is not None
    assert handle.ours


@pytest.mark.parametrize(
    ("answer", "commands"),
    [(None, ["POST transfer"]), (Refused(422, "1"), ["POST transfer", "POST hangup"])],
)
async def test_a_transfer_that_is_under_way_as_the_call_ends_decides_whether_the_caller_is_hung_up(
    answer: Exception | None, commands: list[str]
) -> None:
    class Slow(Api):
        async def run(self, carrier: str, command: Command) -> dict[str, Any]:
            if command.url.endswith("transfer"):
                await asyncio.sleep(0.05)
            return await super().run(carrier, command)

    api = Slow() if answer is None else Slow(answer)
    hands, _ = at(api, "telnyx", "v3:x")
    asked = asyncio.create_task(hands.transfer("s-1", "+15550100007"))
    await asyncio.sleep(0.01)
    hands.over("s-1", HUNG_UP, True)
    asked.cancel()
    await asyncio.sleep(0.2)
    assert api.took == commands


def test_handles_are_bounded_and_the_latest_counts() -> None:
    handles = Handles()
    handles.BOUND = 2
    for session in ("a", "b", "c"):
        handles.note(session, "telnyx", "leg", f"v3:{session}")
    assert handles.of("a") is None
    handles.note("b", "telnyx", "leg", "v3:moved")
    handles.note("b", "telnyx", "leg")
    assert (found := handles.of("b")) is not None
    assert found.name == "v3:moved"
