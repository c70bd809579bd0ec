"""What carriers, servers and people ask about a call comes to the worker that has not got it, each kind by itself."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from gateway.stores.schema import DEFAULT_TENANT
from tests.carrier_peers import plivo_hooks, telnyx_hooks, twilio_hooks, vonage_hooks
from tests.carrier_peers.genesys_signing import Hook, signed_headers
from tests.carrier_peers.http import Answered, Asked, deliver, form_request
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.sockets import Refused
from tests.carrier_peers.twilio_peer import TwilioPeer
from tests.carrier_peers.twilio_stream import Identity, TwilioCall
from tests.carrier_peers.twiml import Verb, answered_twiml
from tests.whole.dial import credentials
from tests.workers.carriers import API_PORT, GENESYS, KEY, PLIVO, TELNYX, TWILIO, VONAGE
from tests.workers.crew import READER, Crewed, called, comes, got, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SERVER = {"Authorization": f"Bearer {KEY}"}
PLACE = "/api/cp/sessions/outbound"


def streamed(two: Crewed, verb: Verb, call: str) -> Any:
    """The media socket that a document orders."""
    [stream] = verb
    given = {one.attributes["name"]: one.attributes["value"] for one in stream}
    who = Identity(TWILIO.sid, call)
    return TwilioCall.dial(stream.attributes["url"], secret=TWILIO.token, parameters=given, who=who)


def token_in(verb: Verb) -> str:
    [stream] = verb
    return stream.attributes["url"].rpartition("/")[2]


async def sent(two: Crewed, home: int, asked: Asked) -> Answered:
    """A webhook that comes to the other worker than `home`, and is taken."""
    answered = await two.wrongly(home, lambda _: deliver(asked))
    assert answered.status == 200, answered.text
    return answered


async def test_a_phone_calls_webhooks_and_both_its_sockets_come_to_the_other_worker(two: Crewed) -> None:
    """Signed by the carrier: the voice webhook again, the socket, its loss, the webhook that asks how to go on, the
    socket that takes its place, the status."""
    call = twilio_hooks.PhoneCall()
    at = f"{two.url}/telephony/twilio"
    voice = twilio_hooks.voice(TWILIO, call, f"{at}/voice")
    [connect] = answered_twiml(await deliver(voice))[:1]
    home = READER.home(token_in(connect))
    # The carrier asks again: it is the same call.
    [connect] = answered_twiml(await sent(two, home, voice))[:1]
    assert READER.home(token_in(connect)) == home
    async with two.away(home), streamed(two, connect, call.sid) as first:
        await first.played(100, within_s=30)
        first.drop()
    # Its token was good once.
    with pytest.raises(Refused, match="403"):
        async with two.away(home), streamed(two, connect, call.sid):
            pass
    underway = call.now("in-progress")
    after = await sent(two, home, twilio_hooks.voice(TWILIO, underway, f"{at}/after"))
    [again] = answered_twiml(after)[:1]
    assert READER.home(token_in(again)) == home
    async with two.away(home), streamed(two, again, call.sid) as second:
        await second.played(100, within_s=30)
        assert second.faults == []
        session_id = await two.session_of(call.sid)
        assert len(await two.calls_in(session_id)) == 1, "the same call goes on"
        told = await two.wrongly(home, lambda http: got(http, f"{two.url}/api/sessions/{session_id}/state"))
        assert told["telephony"]["status"]
        await sent(two, home, twilio_hooks.status(TWILIO, call.now("completed"), f"{at}/status", 1, 4))
        await second.over(30)


def plivo_asks(two: Crewed) -> Asked:
    return plivo_hooks.answer(PLIVO, plivo_hooks.PhoneLeg(), f"{two.url}/telephony/plivo/voice")


def vonage_asks(two: Crewed) -> Asked:
    return vonage_hooks.answer(VONAGE, vonage_hooks.Legs(), f"{two.url}/telephony/vonage/voice")


def telnyx_asks(two: Crewed) -> Asked:
    about = [
        ("CallSid", new_uuid()),
        ("From", "+15550100001"),
        ("To", "+15550100002"),
        ("CallStatus", "ringing"),
    ]
    asked = form_request("POST", f"{two.url}/telephony/telnyx/voice", [*about, ("Direction", "inbound")])
    return telnyx_hooks.signed(TELNYX, asked)


@pytest.mark.parametrize("made", [plivo_asks, vonage_asks, telnyx_asks])
@pytest.mark.parametrize("first", [0, 1])
async def test_a_webhook_is_good_once_at_whichever_worker(
    two: Crewed, made: Callable[[Crewed], Asked], first: int
) -> None:
    asked = made(two)
    with two.only(first):
        assert (await deliver(asked)).status == 200
        assert (await deliver(asked)).status == 403
    with two.only(1 - first):
        assert (await deliver(asked)).status == 403


async def test_a_webhook_that_went_to_its_worker_is_good_once(two: Crewed) -> None:
    leg = plivo_hooks.PhoneLeg()
    with two.only(1):
        assert (
            await deliver(plivo_hooks.answer(PLIVO, leg, f"{two.url}/telephony/plivo/voice"))
        ).status == 200
    home = READER.home(await two.session_of(leg.uuid))
    assert home == 1
    told = plivo_hooks.hangup(PLIVO, leg, f"{two.url}/telephony/plivo/status", "NORMAL_HANGUP", 4000, 3)
    await sent(two, home, told)
    for number in range(2):
        with two.only(number):
            assert (await deliver(told)).status == 403


async def test_a_socket_that_proves_itself_is_good_once_at_whichever_worker(two: Crewed) -> None:
    url = f"{two.url.replace('http', 'ws')}/telephony/genesys/stream"
    headers = dict(signed_headers(Hook("demo-api-key", GENESYS), url))
    async with aiohttp.ClientSession(headers=headers) as http:
        with two.only(1):
            async with http.ws_connect(url):
                pass
        with two.only(0), pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await http.ws_connect(url)


async def test_a_call_out_is_placed_once_and_answered_at_the_other_worker(two: Crewed) -> None:
    key = os.urandom(8).hex()
    home = 1
    ask = {"phoneNumber": "+15550100009", "scenarioId": "dental-appointment"}

    async def placed(http: aiohttp.ClientSession) -> str:
        async with http.post(two.url + PLACE, json=ask, headers={"Idempotency-Key": key}) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["sessionId"])

    async with TwilioPeer.open(TWILIO, port=API_PORT) as twilio:
        async with aiohttp.ClientSession(headers=SERVER) as http:
            with two.only(home):
                session_id = await placed(http)
        order = await twilio.placed()
        assert READER.home(session_id) == home
        # The other one finds the key used.
        for number in (1 - home, home):
            async with aiohttp.ClientSession(headers=SERVER) as http:
                with two.only(number):
                    assert await placed(http) == session_id
        phone = order.phone
        assert list(twilio.phones) == [phone.call.sid], "one call was placed"
        status = order.order.fields["StatusCallback"]
        await sent(two, home, twilio_hooks.status(TWILIO, phone.call.now("ringing"), status, 1))
        phone.call = phone.call.now("in-progress")
        [connect] = (await two.wrongly(home, lambda _: phone.fetch(order.order.url or "")))[:1]
        async with two.away(home), streamed(two, connect, phone.call.sid) as call:
            await call.played(100, within_s=30)
            assert call.faults == []
            told = await two.wrongly(
                home, lambda http: got(http, f"{two.url}/api/sessions/{session_id}/state")
            )
            assert told["telephony"]["mode"] == "callback"
            await sent(two, home, twilio_hooks.status(TWILIO, phone.call.now("completed"), status, 2, 4))
            await call.over(30)
        assert twilio.faults == []


async def policy(http: aiohttp.ClientSession, two: Crewed, approval: bool | None) -> None:
    place = f"{two.url}/api/cp/tool-policy/tenants/{DEFAULT_TENANT}/overrides/weather"
    async with http.patch(place, json={"requiresApproval": approval}) as answer:
        assert answer.status == 200, await answer.text()


async def test_a_person_approves_at_the_other_worker_what_a_call_waits_for(two: Crewed) -> None:
    async with aiohttp.ClientSession(headers=SERVER) as http:
        await policy(http, two, True)
        try:
            async with called(two) as (call_id, socket):
                home = READER.home_of_call(call_id)
                wish = json.dumps({"tool": "weather", "arguments": {"city": "Oslo"}})
                content = [{"type": "input_text", "text": wish}]
                item = {"type": "message", "role": "user", "content": content}
                await socket.send_json({"type": "conversation.item.create", "item": item})
                await socket.send_json({"type": "response.create"})
                waiting: list[dict[str, Any]] = []

                async def queued() -> bool:
                    found = await got(http, f"{two.url}/api/cp/tools/approvals")
                    waiting[:] = [one for one in found["approvals"] if one.get("callId") == call_id]
                    return bool(waiting)

                assert await comes(queued)
                name = waiting[0]["approvalId"]
                with two.only(1 - home):
                    async with aiohttp.ClientSession(headers=SERVER) as there:
                        place = f"{two.url}/api/cp/tools/approvals/{name}/approve"
                        async with there.post(place, json={}) as answer:
                            assert answer.status == 200, await answer.text()
                # The call hears of it: the model is told, and what it was told it says.
                async with asyncio.timeout(30):
                    while True:
                        event = json.loads(await socket.receive_str())
                        if "sample data" in json.dumps(event):
                            break
                listed = f"{two.url}/api/cp/sessions/{waiting[0]['sessionId']}/tool-executions"
                runs = (await two.wrongly(home, lambda one: got(one, listed)))["persisted"]
                assert [run["status"] for run in runs] == ["done"]
        finally:
            await policy(http, two, None)


async def test_a_tool_runs_once_with_a_key_at_whichever_worker(two: Crewed) -> None:
    ask = {
        "toolName": "weather",
        "parameters": {"city": "Lima, Paris"},
        "idempotencyKey": os.urandom(8).hex(),
    }
    ask["parameters"] = {"city": "Paris"}
    found = []
    for number in range(2):
        with two.only(number):
            async with (
                aiohttp.ClientSession(headers=SERVER) as http,
                http.post(f"{two.url}/api/tools/execute", json=ask) as answer,
            ):
                assert answer.status == 200, await answer.text()
                found.append(await answer.json())
    assert [one["idempotentReplay"] for one in found] == [False, True]
    assert found[0]["executionId"] == found[1]["executionId"]


async def test_a_live_call_is_steered_by_way_of_the_other_worker(two: Crewed) -> None:
    """Another agent, the recording's pause, and what the session tells of itself."""
    async with aiohttp.ClientSession() as http:
        minted = await credentials(http, two.url, "dental_billing")
    async with called(two, minted["token"]) as (call_id, socket):
        home = READER.home_of_call(call_id)
        at = f"{two.url}/api/sessions/{await two.session_of_call(call_id)}"

        async def passed(http: aiohttp.ClientSession) -> Any:
            async with http.patch(f"{at}/state", json={"currentPersonaId": "dental_reception"}) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.json()

        assert (await two.wrongly(home, passed))["currentPersonaId"] == "dental_reception"
        assert "Nora" in (await until(socket, "session.updated"))["session"]["instructions"]

        async def paused(http: aiohttp.ClientSession) -> Any:
            async with http.post(f"{at}/recording/pause") as answer:
                return answer.status, await answer.json()

        status, told = await two.wrongly(home, paused)
        assert (status, told["recording"]) == (200, "off"), "the call was found"
        with two.only(1 - home):
            async with aiohttp.ClientSession(headers=SERVER) as http:
                assert (await got(http, f"{at}/state"))["currentPersonaId"] == "dental_reception"
                assert await got(http, at)
