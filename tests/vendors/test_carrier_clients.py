"""What we send to carriers' APIs is what the carriers' own clients would: each drives the same strict carrier, and the
requests are compared, but for who made them."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import plivo
import pytest
import telnyx
from twilio.rest import Client as Twilio
from vonage_voice.models.common import Sip
from vonage_voice.models.requests import CreateCallRequest, ToPhone

from api.surfaces.telephony.counter import DESKS
from api.surfaces.telephony.desk import Calling, Command, Place
from gateway.config import Settings, from_env
from tests.carrier_peers.rest import Request
from tests.telephony.carriers import CARRIERS, OURS, PUBLIC

pytestmark = pytest.mark.integration

THEIRS, EXPERT, TOKEN = "+15550100009", "+15550100007", "ab" * 24


def calling(carrier: str) -> Calling:
    here = f"{PUBLIC}/telephony/{carrier}"
    stream = f"wss://voice.example.test/telephony/{carrier}/stream/{TOKEN}"
    return Calling(f"{here}/voice", Place(stream, TOKEN, f"{here}/after", f"{here}/status"))


def dialled(carrier: str, settings: Settings, to: str = THEIRS) -> Command:
    command = DESKS[carrier].dial(to, calling(carrier), settings, machine_detection=True)
    assert command is not None
    return command


def same(request: Request, command: Command | None, base: str, **defaults: object) -> None:
    """The vendor's request is ours, but for `defaults` that it spells out."""
    assert command is not None
    assert (request.method, f"{base}{request.path}") == (command.method, command.url)
    assert request.headers["Authorization"] == command.authorization
    ours = Request(command.method, "", {}, {"Content-Type": command.content_type}, command.body, "", 0.0)
    if not command.body:
        assert request.body in (b"", b"{}")
    elif "json" in command.content_type:
        assert request.json == {**ours.json, **defaults}
    else:
        assert sorted(request.form) == sorted(ours.form)


async def in_thread(work: Callable[[], Any]) -> Any:
    """The client blocks."""
    return await asyncio.to_thread(work)


async def test_twilio() -> None:
    async with CARRIERS["twilio"]() as (peer, environ):
        settings, desk = from_env(environ), DESKS["twilio"]

        client = Twilio(peer.account.sid, peer.account.token)
        client.api.base_url = peer.base
        place = calling("twilio")
        call = await in_thread(
            lambda: client.calls.create(
                to=THEIRS,
                from_=OURS,
                url=place.voice,
                method="POST",
                status_callback=place.place.status,
                status_callback_method="POST",
                status_callback_event=["initiated", "ringing", "answered", "completed"],
                timeout=60,
                machine_detection="DetectMessageEnd",
                async_amd="true",
                async_amd_status_callback=place.place.status,
                async_amd_status_callback_method="POST",
            )
        )
        same(peer.requests[-1], dialled("twilio", settings), peer.base)
        await in_thread(lambda: client.calls(call.sid).update(status="completed"))
        same(peer.requests[-1], desk.hang_up_call(call.sid, settings), peer.base)
        assert peer.faults == []


async def test_telnyx() -> None:
    async with CARRIERS["telnyx"]() as (peer, environ):
        settings, desk = from_env(environ), DESKS["telnyx"]
        async with telnyx.AsyncTelnyx(api_key=peer.api_key, base_url=f"{peer.base}/v2") as client:
            command = dialled("telnyx", settings)
            body = Request("", "", {}, {}, command.body, "", 0.0).json
            # A parameter that the client does not know is a TypeError.
            answer = await client.calls.dial(
                **{"from_" if name == "from" else name: body[name] for name in body}
            )
            same(peer.requests[-1], command, peer.base)
            control = answer.data.call_control_id
            order = await peer.placed()
            await order.phone.picked_up({})
            await client.calls.actions.send_dtmf(control, digits="12#")
            same(peer.requests[-1], desk.press(control, "12#", settings), peer.base)
            marked = b64encode(f"onward={control}".encode()).decode()
            await client.calls.actions.transfer(
                control, to=EXPERT, from_=OURS, target_leg_client_state=marked
            )
            same(peer.requests[-1], desk.transfer(control, EXPERT, settings, caller_id=OURS), peer.base)
            await client.calls.actions.hangup(control)
            same(peer.requests[-1], desk.hang_up_call(control, settings), peer.base)
            assert peer.faults == []


async def test_plivo(monkeypatch: pytest.MonkeyPatch) -> None:
    async with CARRIERS["plivo"]() as (peer, environ):
        settings, desk = from_env(environ | {"PARLEY_PUBLIC_URL": PUBLIC}), DESKS["plivo"]
        client = plivo.RestClient(peer.account.auth_id, peer.account.token)
        monkeypatch.setattr("plivo.rest.client.API_VOICE_BASE_URI", f"{peer.base}/v1/Account")
        status = calling("plivo").place.status
        made = await in_thread(
            lambda: client.calls.create(
                from_=OURS[1:],
                to_=THEIRS[1:],
                answer_url=calling("plivo").voice,
                answer_method="POST",
                ring_url=status,
                ring_method="POST",
                hangup_url=status,
                hangup_method="POST",
                ring_timeout=60,
                machine_detection="true",
                machine_detection_url=status,
                machine_detection_method="POST",
            )
        )
        same(
            peer.requests[-1],
            dialled("plivo", settings),
            peer.base,
            error_if_parent_not_found=False,
            fallback_method="POST",
            machine_detection_time=5000,
        )
        await in_thread(lambda: client.calls.cancel(made.request_uuid))
        same(peer.requests[-1], desk.hang_up_call(f"request:{made.request_uuid}", settings), peer.base)
        assert peer.faults == []


async def test_vonage() -> None:
    """Its client makes a token of its own for every request: the bodies are compared."""
    async with CARRIERS["vonage"]() as (_, environ):
        for to in (THEIRS, "sip:expert@pbx.example.test"):
            body = Request("", "", {}, {}, dialled("vonage", from_env(environ), to).body, "", 0.0).json
            order = CreateCallRequest(**{"from_" if name == "from" else name: body[name] for name in body})
            assert isinstance(order.to[0], ToPhone if to is THEIRS else Sip)
            assert order.model_dump(mode="json", by_alias=True, exclude_none=True) == body
