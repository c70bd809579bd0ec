"""`POST /v1/realtime/calls` as a form with a session, and `/hangup`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from aiohttp import ClientResponse, FormData

from gateway.config import Settings
from gateway.errors import HUNG_UP
from gateway.ports import Exchange
from tests.api.house import ANSWER, OFFER, House, house, refused, secret

pytestmark = pytest.mark.contract

KEYS = Settings.model_validate({"api_keys": ("sk-ours", "acme:sk-acme")})
SESSION = {"type": "realtime", "instructions": "Be brief.", "audio": {"output": {"voice": "cedar"}}}
BRIEF = {"type": "realtime", "instructions": "First.", "max_output_tokens": 99}


def form(sdp: str | None = OFFER, session: object = SESSION, **more: str) -> FormData:
    data = FormData(default_to_multipart=True)
    if sdp is not None:
        data.add_field("sdp", sdp, content_type="application/sdp")
    if session is not None:
        text = session if isinstance(session, str) else json.dumps(session)
        data.add_field("session", text, content_type="application/json")
    for name, value in more.items():
        data.add_field(name, value)
    return data


async def call(api: House, key: str, data: Any, query: str = "") -> ClientResponse:
    headers = {"Authorization": f"Bearer {key}"}
    return await api.client.post(f"/v1/realtime/calls{query}", data=data, headers=headers)


async def hang_up(api: House, key: str, call_id: str) -> ClientResponse:
    headers = {"Authorization": f"Bearer {key}"}
    return await api.client.post(f"/v1/realtime/calls/{call_id}/hangup", headers=headers)


async def test_a_session_comes_with_the_offer(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        response = await call(api, "sk-ours", form(model="gpt-realtime"))
        assert response.status == 201, await response.text()
        assert await response.text() == ANSWER
        assert response.headers["Location"].startswith("/v1/realtime/calls/rtc_")
        assert response.headers["X-Session-Access"]
        request = api.supervisor.begun[0][2]
        assert request.persona.id == "assistant"
        assert request.session == SESSION


async def test_the_offer_as_a_plain_field(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        data = FormData(default_to_multipart=True)
        data.add_field("sdp", OFFER)
        data.add_field("session", json.dumps(SESSION))
        assert (await call(api, "sk-ours", data)).status == 201
        assert (await call(api, "sk-ours", form(session=None))).status == 201
        assert [begun[2].session for begun in api.supervisor.begun] == [SESSION, None]


async def test_the_personas_policy_holds(sqlite_url: str) -> None:
    wanted = {"type": "realtime", "instructions": "Be rude.", "tools": [], "max_output_tokens": 7}
    wanted["audio"] = {"output": {"voice": "no such voice"}}
    async with house(sqlite_url, settings=KEYS) as api:
        response = await call(api, "sk-ours", form(session=wanted), "?persona=dental_reception")
        assert response.status == 201
        token = await api.token(personaId="insurance_claim")
        assert (await call(api, token, form(session=wanted))).status == 201
        requests = [begun[2] for begun in api.supervisor.begun]
        assert [request.persona.id for request in requests] == ["dental_reception", "insurance_claim"]
        assert [request.session for request in requests] == [
            {"type": "realtime", "max_output_tokens": 7}
        ] * 2


async def test_a_client_secret_and_a_session_part_add_up(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        token = await secret(api, "sk-ours", session=BRIEF)
        wanted = {
            "type": "realtime",
            "instructions": "Second.",
            "audio": {"input": {"turn_detection": None}},
        }
        assert (await call(api, token, form(session=wanted))).status == 201
        assert api.supervisor.begun[0][2].session == {**wanted, "max_output_tokens": 99}


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ("{", "invalid_json", "session"),
        ("[]", "invalid_type", "session"),
        ("null", "invalid_type", "session"),
        ("{}", "missing_required_parameter", "session.type"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"type": "realtime", "voice": "cedar"}, "unknown_parameter", "session.voice"),
        (
            {"type": "realtime", "tools": [{"type": "function"}]},
            "missing_required_parameter",
            "session.tools[0].name",
        ),
        (
            {"type": "realtime", "audio": {"output": {"speed": 9}}},
            "invalid_value",
            "session.audio.output.speed",
        ),
        ('{"type": "realtime", "tools": ' + "[" * 100 + "]" * 100 + "}", "invalid_event", None),
        ('{"type": "realtime", "tools": [' + "0," * 40_000 + "0]}", "validation_error", "session"),
    ],
)
async def test_sessions_that_cannot_be(
    sqlite_url: str, session: object, code: str, param: str | None
) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        response = await call(api, "sk-ours", form(session=session))
        await refused(api, response, 400, code)
        assert (await response.json())["error"]["param"] == param
        assert api.legs == []


async def test_forms_that_cannot_be(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        response = await call(api, "sk-ours", form(sdp=None))
        assert "'sdp'" in await refused(api, response, 400, "missing_required_parameter")
        assert (await response.json())["error"]["param"] == "sdp"
        await refused(api, await call(api, "sk-ours", form(sdp="hello")), 400, "invalid_offer")
        response = await call(api, "sk-ours", form(sdp=OFFER + "a=refuse\r\n"))
        assert await refused(api, response, 400, "invalid_offer") == "The offer has no audio."
        headers = {"Authorization": "Bearer sk-ours", "Content-Type": "multipart/form-data; boundary=x"}
        for body in b"", b"--x", b"--x\r\n\r\n--x--":
            response = await api.client.post("/v1/realtime/calls", data=body, headers=headers)
            assert (await refused(api, response, 400, "invalid_form")).startswith(
                "The form cannot be read."
            )
        headers["Content-Type"] = "multipart/mixed; boundary=x"
        response = await api.client.post("/v1/realtime/calls", data=b"", headers=headers)
        await refused(api, response, 415, "unsupported_media_type")


async def test_forms_that_are_too_large(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        long = form(sdp="v=0" + " " * 65_536, session=None)
        assert "'sdp'" in await refused(api, await call(api, "sk-ours", long), 413, "payload_too_large")
        long = form(session={"type": "realtime", "instructions": "x" * 256 * 1024})
        assert "'session'" in await refused(api, await call(api, "sk-ours", long), 413, "payload_too_large")
        flood = form(session={"type": "realtime", "instructions": "x" * 600_000})
        await refused(api, await call(api, "sk-ours", flood), 413, "payload_too_large")


async def test_who_may_choose_the_persona(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        await refused(api, await call(api, "sk-ours", form(), "?persona=nobody"), 404, "not_found")
        for token in await api.token(), await secret(api, "sk-ours"):
            response = await call(api, token, form(), "?persona=dental_reception")
            await refused(api, response, 403, "server_key_needed")


# ── hanging up ──


async def test_a_server_hangs_up(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        response = await call(api, "sk-ours", form())
        call_id = response.headers["Location"].rpartition("/")[2]
        response = await hang_up(api, "sk-ours", call_id)
        assert (response.status, await response.read()) == (200, b"")
        assert api.supervisor.ended == [(call_id, HUNG_UP)]
        await refused(api, await hang_up(api, "sk-ours", call_id), 404, "call_id_not_found")
        await refused(api, await hang_up(api, "sk-ours", "rtc_nothing"), 404, "call_id_not_found")


async def test_nobody_hangs_up_what_is_not_theirs(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        token, other = await api.token(), await api.token()
        call_id = (await call(api, token, form())).headers["Location"].rpartition("/")[2]
        for credential in "sk-acme", other, await secret(api, "sk-ours"), await secret(api, "sk-acme"):
            await refused(api, await hang_up(api, credential, call_id), 404, "call_id_not_found")
        await refused(api, await hang_up(api, "sk-nobodys", call_id), 401, "invalid_api_key")
        assert (await hang_up(api, token, call_id)).status == 200


async def test_a_client_secret_hangs_up_what_it_opened(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        one, other = await secret(api, "sk-acme"), await secret(api, "sk-acme")
        calls = [(await call(api, one, form())).headers["Location"].rpartition("/")[2] for _ in range(2)]
        assert [begun[2].tenant for begun in api.supervisor.begun] == ["acme", "acme"]
        await refused(api, await hang_up(api, other, calls[0]), 404, "call_id_not_found")
        await refused(api, await hang_up(api, "sk-ours", calls[0]), 404, "call_id_not_found")
        assert (await hang_up(api, one, calls[0])).status == 200
        assert (await hang_up(api, "sk-acme", calls[1])).status == 200


async def test_what_is_for_sip_says_so(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        call_id = (await call(api, "sk-ours", form())).headers["Location"].rpartition("/")[2]
        for verb in "accept", "reject":
            headers = {"Authorization": "Bearer sk-ours"}
            response = await api.client.post(f"/v1/realtime/calls/{call_id}/{verb}", headers=headers)
            assert "SIP" in await refused(api, response, 404, "not_a_sip_call")
        assert api.supervisor.ended == []


async def test_audio_formats_are_for_sockets(sqlite_url: str) -> None:
    wanted = {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}
    async with house(sqlite_url, settings=KEYS) as api:
        api.supervisor.max_calls = 9
        assert (await call(api, "sk-ours", form(session=wanted))).status == 201
        token = await secret(api, "sk-ours", session=wanted)
        assert (await call(api, token, form(session=None))).status == 201
        query = {"model": "any"}
        async with api.client.ws_connect(
            "/v1/realtime", params=query, headers={"Authorization": f"Bearer {token}"}
        ):
            assert [begun[2].session for begun in api.supervisor.begun] == [None, None, wanted]


async def test_hold_is_for_servers_of_the_calls_tenant(sqlite_url: str) -> None:
    async def ask(key: str, call_id: str, what: str = "hold") -> ClientResponse:
        headers = {"Authorization": f"Bearer {key}"}
        return await api.client.post(f"/v1/realtime/calls/{call_id}/{what}", headers=headers)

    async with house(sqlite_url, settings=KEYS) as api:
        opened = await call(api, "sk-ours", form())
        call_id = opened.headers["Location"].rpartition("/")[2]
        live = api.supervisor.find(call_id)
        assert live is not None
        assert (await ask("sk-ours", call_id)).status == 200
        assert live.held
        assert (await ask("sk-ours", call_id, "unhold")).status == 200
        assert live.plan.call_id == call_id
        assert [live.held] == [False]
        live.holds = False
        await refused(api, await ask("sk-ours", call_id), 409, "hold_not_possible")
        await refused(api, await ask("sk-acme", call_id), 404, "call_id_not_found")
        await refused(api, await ask("sk-ours", "rtc_none"), 404, "call_id_not_found")
        await refused(
            api, await ask(await api.token(personaId="insurance_claim"), call_id), 403, "server_key_needed"
        )


async def test_refer_is_for_servers_of_a_telephones_tenant(sqlite_url: str) -> None:
    async def ask(key: str, call_id: str, target: object = "tel:+15550100007") -> ClientResponse:
        headers = {"Authorization": f"Bearer {key}"}
        asked = {"target_uri": target}
        return await api.client.post(f"/v1/realtime/calls/{call_id}/refer", headers=headers, json=asked)

    async with house(sqlite_url, settings=KEYS) as api:
        opened = await call(api, "sk-ours", form())
        call_id = opened.headers["Location"].rpartition("/")[2]
        live = api.supervisor.find(call_id)
        assert live is not None
        await refused(api, await ask("sk-ours", call_id), 404, "not_a_sip_call")
        live.plan = replace(live.plan, exchange=cast("Exchange", object()))
        assert (await ask("sk-ours", call_id)).status == 200
        assert (await ask("sk-ours", call_id, "tel:%2B15550100008")).status == 200
        assert (await ask("sk-ours", call_id, "sip:desk@example.com")).status == 200
        assert live.referred == ["+15550100007", "+15550100008", "sip:desk@example.com"]
        for wrong in "tel:5", "https://example.com", "", "sip:a@b?Replaces=c", 5:
            response = await ask("sk-ours", call_id, wrong)
            assert response.status == 400
        assert len(live.referred) == 3
        live.refuses = "The line was busy."
        assert "busy" in await refused(api, await ask("sk-ours", call_id), 409, "refer_failed")
        await refused(api, await ask("sk-acme", call_id), 404, "call_id_not_found")
