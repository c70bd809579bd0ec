"""A server with the embedded engine alone, asked for a persona whose language its ears do not know."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from api.app import make_runner
from gateway.config import from_env
from gateway.main import Rehearsal, listening, open_gateway
from tests.api.house import OFFER

pytestmark = pytest.mark.integration

SPANISH, ENGLISH = "dental_reception_mx", "dental_reception"
TEXT = {"type": "realtime", "output_modalities": ["text"]}


@asynccontextmanager
async def server(folder: Path, **environ: str) -> AsyncIterator[str]:
    settings = from_env(
        {
            "PARLEY_DATA_DIR": str(folder),
            "PARLEY_PORT": "0",
            "PARLEY_TELEPHONY_OPEN": "1",
            "PARLEY_PHONE_PERSONA": SPANISH,
            **environ,
        }
    )
    async with (
        open_gateway(settings, rehearsal=Rehearsal(speech=False)) as gateway,
        listening(make_runner(gateway.app), settings) as url,
    ):
        yield url


async def answer(http: aiohttp.ClientSession, method: str, path: str, **more: Any) -> tuple[int, str]:
    async with http.request(method, path, **more) as response:
        return response.status, await response.text()


async def told(socket: aiohttp.ClientWebSocketResponse, *kinds: str) -> dict[str, Any]:
    """The next event of one of these types."""
    async with asyncio.timeout(20):
        while True:
            event: dict[str, Any] = await socket.receive_json()
            if event["type"] in kinds:
                return event


async def test_no_spoken_call_begins_and_each_is_told_why(tmp_path: Path) -> None:
    async with server(tmp_path) as url, aiohttp.ClientSession(url) as http:
        offer = {"data": OFFER, "headers": {"Content-Type": "application/sdp"}}
        spoken = (
            await answer(http, "POST", "/api/realtime/credentials", json={"personaId": SPANISH}),
            await answer(http, "POST", f"/v1/realtime/calls?persona={SPANISH}", **offer),
            await answer(http, "POST", f"/v1/realtime/client_secrets?persona={SPANISH}", json={}),
        )
        for status, body in spoken:
            assert status == 503
            assert "Valeria speaks Spanish, and the embedded engine hears and speaks English only" in body
        with pytest.raises(aiohttp.WSServerHandshakeError) as handshake:
            await http.ws_connect(f"/v1/realtime?model=m&persona={SPANISH}")
        assert handshake.value.status == 503
        # A microphone is no text, whatever the answers are.
        status, body = await answer(
            http, "POST", f"/v1/realtime/client_secrets?persona={SPANISH}", json={"session": TEXT}
        )
        assert status == 200
        token = {"Authorization": f"Bearer {json.loads(body)['value']}"}
        status, body = await answer(
            http,
            "POST",
            "/v1/realtime/calls",
            data=OFFER,
            headers={"Content-Type": "application/sdp", **token},
        )
        assert status == 503
        # The telephone hears the busy signal, and an English persona answers beside all this.
        form = {"CallSid": "CA1", "From": "+15550100001", "To": "+15550100002", "CallStatus": "ringing"}
        status, body = await answer(http, "POST", "/telephony/twilio/voice", data=form)
        assert (status, '<Reject reason="busy"' in body) == (200, True), body
        status, body = await answer(http, "POST", f"/telephony/twilio/voice?persona={ENGLISH}", data=form)
        assert (status, "<Stream" in body) == (200, True), body
        status, _ = await answer(http, "POST", "/api/realtime/credentials", json={"personaId": ENGLISH})
        assert status == 200


async def test_a_session_in_text_is_held_and_its_audio_refused(tmp_path: Path) -> None:
    async with server(tmp_path) as url, aiohttp.ClientSession(url) as http:
        path = f"/v1/realtime/client_secrets?persona={SPANISH}"
        async with http.post(path, json={"session": TEXT}) as response:
            token = (await response.json())["value"]
        headers = {"Authorization": f"Bearer {token}"}
        async with http.ws_connect("/v1/realtime", headers=headers) as socket:
            assert (await told(socket, "session.created"))["session"]["output_modalities"] == ["text"]
            greeting = await told(socket, "response.output_text.done")
            assert greeting["text"].startswith("Clínica Dental Jacaranda")
            await told(socket, "response.done")
            await socket.send_json({"type": "input_audio_buffer.append", "audio": "AAAA" * 400})
            assert (await told(socket, "error"))["error"]["code"] == "language_not_spoken"
            spoken = {"type": "realtime", "output_modalities": ["audio"]}
            await socket.send_json({"type": "session.update", "session": spoken})
            assert (await told(socket, "error"))["error"]["code"] == "language_not_spoken"
            content = [{"type": "input_text", "text": "Quiero una cita para una limpieza"}]
            item = {"type": "message", "role": "user", "content": content}
            await socket.send_json({"type": "conversation.item.create", "item": item})
            await socket.send_json({"type": "response.create"})
            said = await told(socket, "response.output_text.done", "response.output_audio_transcript.done")
            assert said["type"] == "response.output_text.done"
            assert said["text"] == "Una limpieza, con gusto. ¿Qué día y a qué hora le gustaría?"


async def test_beside_another_provider_the_call_is_taken_and_the_carrier_says_no_english(
    tmp_path: Path,
) -> None:
    elsewhere = {"PARLEY_UPSTREAM_URL": "ws://127.0.0.1:9/v1/realtime"}
    async with server(tmp_path, **elsewhere) as url, aiohttp.ClientSession(url) as http:
        status, _ = await answer(http, "POST", "/api/realtime/credentials", json={"personaId": SPANISH})
        assert status == 200
        for call, persona, said in (("CA1", SPANISH, "<Hangup"), ("CA2", ENGLISH, "lines are busy")):
            form = {"CallSid": call, "From": "+15550100001", "To": "+15550100002", "CallStatus": "ringing"}
            status, body = await answer(
                http, "POST", f"/telephony/twilio/voice?persona={persona}", data=form
            )
            assert (status, "<Stream" in body) == (200, True), body
            # The stream never came.
            status, body = await answer(http, "POST", "/telephony/twilio/after", data=form)
            assert (status, said in body, "<Say" in body) == (200, True, persona == ENGLISH), body
