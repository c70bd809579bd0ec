"""Commands to carriers' APIs, each carried out by a strict carrier: dial, hang up, transfer, press keys."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from api.surfaces.telephony.commands.client import Commands, Refused, Unreached
from api.surfaces.telephony.counter import DESKS
from api.surfaces.telephony.desk import Asked, Calling, Command, Desk, Place, Unreadable
from gateway.config import Settings, from_env
from gateway.errors import ConfigError
from tests.carrier_peers.application import served
from tests.carrier_peers.rest import Reply
from tests.telephony.carriers import APIS, OTHERS, OURS, PUBLIC, VONAGE, ended

pytestmark = pytest.mark.integration

THEIRS, EXPERT = "+15550100009", "+15550100007"
TOKEN = "ab" * 24


def calling(carrier: str) -> Calling:
    here = f"{PUBLIC}/telephony/{carrier}"
    stream = f"wss://voice.example.test/telephony/{carrier}/stream/{TOKEN}"
    return Calling(f"{here}/voice", Place(stream, TOKEN, f"{here}/after", f"{here}/status"))


NOT_FOR_THE_API = ("TELNYX_PUBLIC_KEY", "VONAGE_SIGNATURE_SECRET", "ACS_RESOURCE_ID")


@dataclass
class At:
    """A desk whose commands go to a strict carrier."""

    desk: Desk
    settings: Settings
    peer: Any
    commands: Commands

    async def run(self, command: Command | None) -> dict[str, Any]:
        assert command is not None
        return await self.commands.run(self.desk.name, command)

    async def dialled(self, machine_detection: bool = False) -> tuple[str, Any]:
        """The call as commands name it, and the carrier's end of it."""
        calls = self.desk.dial(
            THEIRS, calling(self.desk.name), self.settings, machine_detection=machine_detection
        )
        answer = await self.run(calls)
        order = await self.peer.placed()
        return self.desk.handle(answer) or self.desk.placed(answer), order


@asynccontextmanager
async def at(carrier: str) -> AsyncIterator[At]:
    commands = Commands()
    async with APIS[carrier]() as (peer, environ):
        settings = from_env({"PARLEY_PUBLIC_URL": PUBLIC, **environ})
        running = commands.lifetime(web.Application())
        await anext(running)
        try:
            yield At(DESKS[carrier], settings, peer, commands)
        finally:
            with pytest.raises(StopAsyncIteration):
                await anext(running)


async def refused(run: Callable[[], Awaitable[object]]) -> Refused:
    with pytest.raises(Refused) as raised:
        await run()
    return raised.value


# ── dialling ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("carrier", APIS)
@pytest.mark.parametrize("machine_detection", [False, True])
async def test_dials(carrier: str, machine_detection: bool) -> None:
    async with at(carrier) as here:
        call, order = await here.dialled(machine_detection)
        assert here.peer.faults == []
        phone = order.phone
        match carrier:
            case "twilio" | "signalwire":
                assert (phone.call.from_, phone.call.to, phone.call.sid) == (OURS, THEIRS, call)
                wanted = order.order.fields
                assert wanted["Url"] == f"{PUBLIC}/telephony/{carrier}/voice"
                assert ("AsyncAmdStatusCallback" in wanted) is machine_detection
            case "telnyx":
                assert (phone.numbers, phone.ids.control) == ((OURS, THEIRS), call)
                assert order.fields["stream_url"].endswith(TOKEN)
                assert ("answering_machine_detection" in order.fields) is machine_detection
            case "vonage":
                assert (phone.legs.from_, phone.legs.to, phone.legs.uuid) == (OURS[1:], THEIRS[1:], call)
                assert (order.order.advanced_machine_detection is not None) is machine_detection
            case "acs":
                assert (phone.call.from_, phone.call.to, phone.call.connection) == (OURS, THEIRS, call)
                assert TOKEN in order.order.mediaStreamingOptions.transportUrl
            case _:
                assert (phone.leg.from_, phone.leg.to) == (OURS[1:], THEIRS[1:])
                assert call == f"request:{phone.leg.request}"
                assert ("machine_detection_url" in order.fields) is machine_detection


@pytest.mark.parametrize("carrier", APIS)
async def test_needs_what_opens_the_api(carrier: str) -> None:
    async with APIS[carrier]() as (_, environ):
        for missing in environ:
            if missing.startswith("PARLEY_") or missing in NOT_FOR_THE_API:
                continue
            settings = from_env({name: value for name, value in environ.items() if name != missing})
            assert DESKS[carrier].dial(THEIRS, calling(carrier), settings) is None, missing


@pytest.mark.parametrize("carrier", APIS)
def test_an_answer_without_a_call_cannot_be_read(carrier: str) -> None:
    answers: list[dict[str, Any]] = [{}, {"data": {}}, {"data": 7}, {"sid": 7}, {"uuid": ""}]
    for answer in [*answers, {"request_uuid": "x" * 129}]:
        with pytest.raises(Unreadable):
            DESKS[carrier].placed(answer)


# ── hanging up ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("carrier", [*OTHERS, "signalwire"])
async def test_hangs_up_a_call_that_rings(carrier: str) -> None:
    async with at(carrier) as here:
        call, order = await here.dialled()
        await here.run(here.desk.hang_up_call(call, here.settings))
        assert here.peer.faults == []
        assert ended(carrier, order.phone)
        refusal = await refused(lambda: here.run(here.desk.hang_up_call(call, here.settings)))
        assert refusal.ended, refusal


@pytest.mark.parametrize("carrier", APIS)
async def test_what_is_refused_for_another_reason_is_not_over(carrier: str) -> None:
    async with at(carrier) as here:
        call, _ = await here.dialled()
        for reply in (
            Reply(401, {"code": 20003}),
            Reply(422, {"errors": [{"code": "90034"}]}),
            Reply(400, []),
            Reply(429),
        ):
            here.peer.refusing = reply
            refusal = await refused(lambda: here.run(here.desk.hang_up_call(call, here.settings)))
            assert not refusal.ended, reply
        here.peer.refusing = Reply(500)
        with pytest.raises(Unreached) as raised:
            await here.run(here.desk.hang_up_call(call, here.settings))
        assert raised.value.sent


# ── transferring, pressing keys ───────────────────────────────────────────────────────────────────────────

WAITING = {
    "twilio": (
        "<Response><Pause length='60'/><Dial><Number>+15550100003</Number></Dial></Response>",
        "text/xml",
    ),
    "signalwire": (
        "<Response><Pause length='60'/><Dial><Number>+15550100003</Number></Dial></Response>",
        "text/xml",
    ),
    "vonage": (
        '[{"action":"connect","endpoint":[{"type":"phone","number":"15550100003"}]}]',
        "application/json",
    ),
    "plivo": ('<Response><Wait length="60"/></Response>', "text/xml"),
}
"""Documents of a call that goes on."""


@asynccontextmanager
async def talking(here: At) -> AsyncIterator[tuple[str, Any]]:
    """A call that was answered: what commands call it, and the carrier's end of it."""
    desk, peer = here.desk, here.peer

    async def answer(request: web.Request) -> web.Response:
        asked = Asked("POST", f"{PUBLIC}{request.raw_path}", request.headers, await request.read(), 0.0)
        if (onward := desk.onward(asked)) is not None:
            return web.Response(text=onward.body, content_type=onward.content_type)
        body, kind = WAITING.get(desk.name, ("", "text/plain"))
        return web.Response(text=body, content_type=kind)

    async with served([web.route("*", "/{path:.*}", answer)]) as base:
        peer.via = base
        hook = () if desk.name == "telnyx" else (f"{PUBLIC}/telephony/{desk.name}/voice",)
        async with peer.ring(*hook) as phone:
            match desk.name:
                case "twilio" | "signalwire":
                    await phone.doing("Dial")
                    yield phone.call.sid, phone
                case "telnyx":
                    await phone.command("answer", {})
                    yield phone.ids.control, phone
                case "vonage":
                    await phone.until(lambda: phone.did, "no connect")
                    yield phone.legs.uuid, phone
                case _:
                    await phone.until(lambda: phone.did, "no wait")
                    yield phone.leg.uuid, phone
        assert peer.faults == []


@pytest.mark.parametrize("carrier", [*OTHERS, "signalwire"])
@pytest.mark.parametrize("to", [EXPERT, "sip:expert@pbx.example.test"])
async def test_transfers_the_caller(carrier: str, to: str) -> None:
    async with at(carrier) as here, talking(here) as (call, phone):
        before = len(phone.commands if carrier == "telnyx" else phone.did)
        await here.run(here.desk.transfer(call, to, here.settings, caller_id=OURS))
        if carrier == "telnyx":
            marked = {"target_leg_client_state": b64encode(f"onward={call}".encode()).decode()}
            assert phone.commands[before:] == [("transfer", {"to": to, "from": OURS, **marked})]
            return
        await phone.until(lambda: len(phone.did) > before, "no transfer")
        did = phone.did[before]
        if carrier == "vonage":
            [endpoint] = did.endpoint
            assert to.removeprefix("+") in (getattr(endpoint, "number", ""), getattr(endpoint, "uri", ""))
            assert did.from_ == OURS[1:]
        else:
            assert (did.name, did.attributes) == ("Dial", {"callerId": OURS})
            assert [one.text for one in did.children] == [to]


async def test_plivo_transfers_to_numbers_and_addresses_only() -> None:
    desk = DESKS["plivo"]
    for path, status in (
        ("voice", None),
        ("transfer?to=%2B15550100007", 1),
        ("transfer?to=abc", 0),
        ("transfer", 0),
    ):
        asked = Asked("POST", f"{PUBLIC}/telephony/plivo/{path}", {}, b"", 0.0)
        if status == 0:
            with pytest.raises(Unreadable):
                desk.onward(asked)
        else:
            assert (desk.onward(asked) is None) is (status is None)


@pytest.mark.parametrize("carrier", ["telnyx", "vonage", "plivo"])
async def test_presses_keys(carrier: str) -> None:
    async with at(carrier) as here, talking(here) as (call, phone):
        await here.run(here.desk.press(call, "12*#", here.settings))
        if carrier == "telnyx":
            assert phone.commands[-1] == ("send_dtmf", {"digits": "12*#"})
        else:
            assert phone.pressed == ["12*#"]


def test_no_keys_where_they_would_end_the_stream() -> None:
    for carrier in ("twilio", "signalwire"):
        assert DESKS[carrier].press("CA1", "1", from_env({})) is None


def test_a_private_key_is_read_from_its_file_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "private.key"
    path.write_text(VONAGE.private_key)
    key = from_env({"VONAGE_PRIVATE_KEY": str(path)}).vonage_private_key
    assert key is not None
    assert key.get_secret_value() == VONAGE.private_key
    path.write_text("-----BEGIN PUBLIC KEY-----")
    for wrong in (str(path), str(tmp_path / "none"), "abc"):
        with pytest.raises(ConfigError, match="VONAGE_PRIVATE_KEY"):
            from_env({"VONAGE_PRIVATE_KEY": wrong})


def test_signalwire_is_commanded_as_twilio_is() -> None:
    settings = from_env(
        {
            "SIGNALWIRE_SPACE_URL": "example.signalwire.com",
            "SIGNALWIRE_PROJECT_ID": "p-1",
            "SIGNALWIRE_API_TOKEN": "PT1",
            "SIGNALWIRE_PHONE_NUMBER": OURS,
        }
    )
    desk = DESKS["signalwire"]
    command = desk.hang_up_call("c-1", settings)
    assert command is not None
    assert command.url == "https://example.signalwire.com/api/laml/2010-04-01/Accounts/p-1/Calls/c-1.json"
    assert command.body == b"Status=completed"
    dial = desk.dial(THEIRS, calling("signalwire"), settings)
    assert dial is not None
    assert "PT1" not in repr(dial)
    assert desk.placed({"sid": "c-2"}) == "c-2"


async def test_azure_ends_and_transfers_calls_that_are_up() -> None:
    async with at("acs") as here:
        call, order = await here.dialled()
        phone = order.phone
        phone.state = "connected"
        address = "sip:expert@pbx.example.test"
        assert here.desk.transfer(call, address, here.settings) is None
        assert here.desk.dial(address, calling("acs"), here.settings) is None
        await here.run(here.desk.transfer(call, EXPERT, here.settings, caller_id=OURS))
        action, body = phone.commands[-1]
        assert (action, body["targetParticipant"]["phoneNumber"]) == (
            "transferToParticipant",
            {"value": EXPERT},
        )
        await here.run(here.desk.hang_up_call(call, here.settings))
        assert ended("acs", phone)
        assert here.peer.faults == []
        refusal = await refused(lambda: here.run(here.desk.hang_up_call(call, here.settings)))
        assert refusal.ended
