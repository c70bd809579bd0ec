"""`POST /v1/realtime/client_secrets`, asked with the vendor's own client and read with its own types."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from aiohttp import ClientResponse
from openai import AsyncOpenAI, BadRequestError, PermissionDeniedError
from openai.types.realtime import ClientSecretCreateResponse
from pydantic import BaseModel, TypeAdapter

from api.tokens import SecretGrant
from gateway.config import Settings
from gateway.realtime.session import default_session
from tests.api.house import OFFER, House, house, refused, secret

pytestmark = pytest.mark.contract

KEYS = Settings.model_validate({"api_keys": ("sk-ours", "acme:sk-acme")})
SHAPE: TypeAdapter[ClientSecretCreateResponse] = TypeAdapter(ClientSecretCreateResponse)


def leftovers(value: object, path: str = "") -> list[str]:
    """Where an answer has what the vendor's types do not know."""
    match value:
        case BaseModel():
            extra = [f"{path}.{key}" for key in value.model_extra or {}]
            return extra + [
                left
                for name in type(value).model_fields
                for left in leftovers(getattr(value, name), f"{path}.{name}")
            ]
        case list():
            return [left for entry in value for left in leftovers(entry, f"{path}[]")]
        case _:
            return []


async def mint(api: House, body: object = None, key: str = "sk-ours", query: str = "") -> ClientResponse:
    headers = {"Authorization": f"Bearer {key}"}
    path = f"/v1/realtime/client_secrets{query}"
    return await api.client.post(path, headers=headers, json=body)


def openai(api: House, key: str = "sk-ours") -> AsyncOpenAI:
    return AsyncOpenAI(api_key=key, base_url=str(api.client.make_url("/v1")), max_retries=0)


@pytest.mark.parametrize(
    "session",
    [
        None,
        {"type": "realtime"},
        {
            "type": "realtime",
            "model": "gpt-realtime",
            "instructions": "Be brief.",
            "output_modalities": ["text"],
            "max_output_tokens": 100,
            "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}}],
            "tool_choice": {"type": "function", "name": "look"},
            "tracing": {"workflow_name": "w"},
            "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
            "prompt": {"id": "pmpt_1", "variables": {"a": "b"}},
            "include": ["item.input_audio_transcription.logprobs"],
            "parallel_tool_calls": True,
            "reasoning": {"effort": "low"},
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"},
                    "noise_reduction": {"type": "near_field"},
                    "transcription": {"model": "whisper-1", "language": "en"},
                    "turn_detection": {"type": "semantic_vad", "eagerness": "low"},
                },
                "output": {"format": {"type": "audio/pcma"}, "voice": "cedar", "speed": 1.2},
            },
        },
        {
            "type": "realtime",
            "audio": {"input": {"turn_detection": None}, "output": {"voice": {"id": "v"}}},
        },
        {"type": "realtime", "tools": [{"type": "mcp", "server_label": "l", "server_url": "https://m"}]},
    ],
)
async def test_the_answer_is_the_vendors(sqlite_url: str, session: dict[str, Any] | None) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        response = await mint(api, {} if session is None else {"session": session})
        body = await response.json()
        assert response.status == 200, body
        assert response.headers["Cache-Control"] == "no-store"
        parsed = SHAPE.validate_python(body, strict=True)
        assert leftovers(parsed) == []
        assert re.fullmatch(r"ek_[A-Za-z0-9_-]{20,596}", parsed.value)
        assert parsed.expires_at == api.clock[0] + 600
        assert re.fullmatch(r"sess_[0-9a-f]{24}", parsed.session.id)
        complete = set(default_session(model="", session_id=""))
        assert complete <= set(body["session"])
        assert body["session"]["model"] == "parley-embedded"


async def test_the_vendors_client_mints(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api, openai(api) as client:
        made = await client.realtime.client_secrets.create(
            expires_after={"anchor": "created_at", "seconds": 7200},
            session={
                "type": "realtime",
                "instructions": "Be brief.",
                "audio": {"output": {"voice": "cedar"}},
            },
        )
        assert made.expires_at == api.clock[0] + 7200
        assert made.session.type == "realtime"
        assert made.session.instructions == "Be brief."
        assert made.session.audio is not None
        assert made.session.audio.output is not None
        assert made.session.audio.output.voice == "cedar"
        assert (await client.realtime.client_secrets.create()).value.startswith("ek_")
        with pytest.raises(BadRequestError) as fault:
            await client.realtime.client_secrets.create(
                session={"type": "realtime", "max_output_tokens": 0}
            )
        assert fault.value.param == "session.max_output_tokens"
    async with house(sqlite_url, settings=KEYS) as api, openai(api, made.value) as client:
        with pytest.raises(PermissionDeniedError):
            await client.realtime.client_secrets.create()


async def test_the_persona_decides_what_may_be_asked(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        wanted = {"type": "realtime", "instructions": "Be rude.", "tools": [], "max_output_tokens": 7}
        response = await mint(api, {"session": wanted}, query="?persona=dental_reception")
        session = (await response.json())["session"]
        assert session["max_output_tokens"] == 7
        assert "Be rude" not in session["instructions"]
        assert session["instructions"]
        wanted = {"type": "realtime", "audio": {"output": {"voice": "verse", "speed": 1.1}}}
        response = await mint(api, {"session": wanted}, query="?persona=dental_reception")
        output = (await response.json())["session"]["audio"]["output"]
        assert (output["voice"], output["speed"]) == ("marin", 1.1), "the voice is none of the persona's"
        await refused(api, await mint(api, {}, query="?persona=nobody"), 404, "not_found")


async def test_a_secret_opens_sessions_until_it_expires(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        api.supervisor.max_calls = 9
        token = await secret(
            api,
            "sk-acme",
            session={"type": "realtime", "instructions": "Be brief."},
            expires_after={"anchor": "created_at", "seconds": 10},
        )
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        for number in range(3):
            api.clock[0] += number
            response = await api.client.post("/v1/realtime/calls", data=OFFER, headers=headers)
            assert response.status == 201, await response.text()
        requests = [begun[2] for begun in api.supervisor.begun]
        assert len({request.session_id for request in requests}) == 3
        for request in requests:
            assert request.tenant == "acme"
            assert request.session == {"type": "realtime", "instructions": "Be brief."}
        api.clock[0] += 7
        response = await api.client.post("/v1/realtime/calls", data=OFFER, headers=headers)
        await refused(api, response, 401, "invalid_api_key")


async def test_a_secret_without_its_configuration_opens_nothing(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with house(sqlite_url, settings=KEYS) as api:
        real = api.deps.tokens.read(await secret(api, "sk-acme"), now=api.clock[0])
        assert isinstance(real, SecretGrant)
        late = int(api.clock[0]) + 9999
        for grant in (
            SecretGrant("sess_unknown", "acme", late),
            SecretGrant(real.configuration_id, "default-practice", late),
        ):
            token = api.deps.tokens.mint(grant)
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
            response = await api.client.post("/v1/realtime/calls", data=OFFER, headers=headers)
            await refused(api, response, 401, "invalid_api_key")
            assert token not in caplog.text


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (
            {"expires_after": {"anchor": "created_at", "seconds": 9}},
            "invalid_value",
            "expires_after.seconds",
        ),
        (
            {"expires_after": {"anchor": "created_at", "seconds": 7201}},
            "invalid_value",
            "expires_after.seconds",
        ),
        ({"expires_after": {"seconds": "600"}}, "invalid_type", "expires_after.seconds"),
        ({"expires_after": {"anchor": "first_use"}}, "invalid_value", "expires_after.anchor"),
        ({"expire_after": {}}, "unknown_parameter", "expire_after"),
        ({"session": 3}, "invalid_type", "session"),
        ({"session": {"type": "transcription"}}, "invalid_value", "session.type"),
        ({"session": {"model": "gpt-realtime"}}, "missing_required_parameter", "session.type"),
        ({"session": {"type": "realtime", "voice": "marin"}}, "unknown_parameter", "session.voice"),
    ],
)
async def test_what_cannot_be_minted(sqlite_url: str, body: object, code: str, param: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        response = await mint(api, body)
        await refused(api, response, 400, code)
        assert (await response.json())["error"]["param"] == param


async def test_bodies_that_are_none(sqlite_url: str) -> None:
    headers = {"Authorization": "Bearer sk-ours", "Content-Type": "application/json"}
    async with house(sqlite_url, settings=KEYS) as api:
        many = b'{"session": {"tools": [' + b"[]," * 20_000 + b"0]}}"
        for body, status in (b"{", 400), (b"[]", 400), (many, 400), (b"x" * 300_000, 413):
            response = await api.client.post("/v1/realtime/client_secrets", data=body, headers=headers)
            assert response.status == status
        headers["Content-Type"] = "text/plain"
        response = await api.client.post("/v1/realtime/client_secrets", data=b"{}", headers=headers)
        await refused(api, response, 415, "unsupported_media_type")
        assert (await mint(api)).status == 200, "no body at all asks for nothing"


async def test_who_may_not_mint(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        await refused(api, await mint(api, {}, key="sk-wrong"), 401, "invalid_api_key")
        for token in await secret(api, "sk-ours"), await api.token():
            await refused(api, await mint(api, {}, key=token), 403, "server_key_needed")
        response = await api.client.post("/v1/realtime/client_secrets", json={})
        await refused(api, response, 401, "invalid_api_key")


async def test_minting_is_rate_limited_in_the_open(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS.model_copy(update={"host": "0.0.0.0"})) as api:
        statuses = [(await mint(api, {}, key="sk-wrong")).status for _ in range(61)]
        assert statuses == [401] * 60 + [429]


# ── no keys at all ──


async def test_without_keys_this_machine_may(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        assert (await mint(api, {}, key="unused")).status == 200
        here = str(api.client.make_url("")).rstrip("/")
        for headers in {}, {"Origin": here}, {"Sec-Fetch-Site": "none"}:
            response = await api.client.post("/v1/realtime/client_secrets", json={}, headers=headers)
            assert response.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-Proto": "https"},
        {"X-Real-IP": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"x-forwarded-port": "443"},
        {"X-Original-Host": "voice.example"},
        {"CF-Connecting-IP": "203.0.113.9"},
        {"True-Client-IP": "203.0.113.9"},
        {"CDN-Loop": "a-network"},
        {"Host": "voice.example@127.0.0.1"},
    ],
)
async def test_without_keys_the_world_may_not(sqlite_url: str, headers: dict[str, str]) -> None:
    async with house(sqlite_url) as api:
        headers = {"Authorization": "Bearer anything", **headers}
        response = await api.client.post("/v1/realtime/client_secrets", json={}, headers=headers)
        await refused(api, response, 401, "invalid_api_key")


@pytest.mark.parametrize("settings", [{"host": "0.0.0.0"}, {"public_url": "https://voice.example"}])
async def test_without_keys_a_server_for_others_lets_nobody_in(
    sqlite_url: str, settings: dict[str, str]
) -> None:
    async with house(sqlite_url, settings=Settings.model_validate(settings)) as api:
        await refused(api, await mint(api, {}, key="anything"), 401, "invalid_api_key")
