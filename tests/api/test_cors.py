"""What pages of other origins may do: everything with a bearer on the realtime front, nothing elsewhere."""

from __future__ import annotations

import pytest

from gateway.config import Settings
from tests.api.house import OFFER, house

pytestmark = pytest.mark.contract

KEYS = Settings.model_validate({"api_keys": ("sk-ours",)})
PAGE = "https://anywhere.example"
PATHS = [
    "/v1/realtime",
    "/v1/realtime/calls",
    "/v1/realtime/calls/rtc_1/hangup",
    "/v1/realtime/client_secrets",
]

OF_PACKAGES = {
    "agents-realtime in a browser": "authorization,content-type,x-openai-agents-sdk",
    "openai in a browser": "authorization,content-type,openai-organization,openai-project,openai-beta,"
    "x-stainless-arch,x-stainless-lang,x-stainless-os,x-stainless-package-version,x-stainless-retry-count,"
    "x-stainless-runtime,x-stainless-runtime-version,x-stainless-timeout,x-stainless-helper-method,"
    "x-stainless-poll-helper,x-stainless-custom-poll-interval,openai-safety-identifier",
    "plain fetch": "authorization, content-type",
}
"""The headers that each asks for; as one list, the way a browser sends them."""


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("asked", OF_PACKAGES.values(), ids=OF_PACKAGES)
async def test_the_preflight_of_any_page(sqlite_url: str, path: str, asked: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        headers = {
            "Origin": PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": asked,
        }
        response = await api.client.options(path, headers=headers)
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert {"GET", "POST"} <= set(response.headers["Access-Control-Allow-Methods"].split(", "))
        assert response.headers["Access-Control-Allow-Headers"] == asked
        assert "Access-Control-Allow-Credentials" not in response.headers


async def test_a_preflight_repeats_nothing_but_names(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        for asked in "x" * 2000, "a\tb", "a(b)", "\u00e9":
            headers = {
                "Origin": PAGE,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": asked,
            }
            response = await api.client.options("/v1/realtime/calls", headers=headers)
            assert "Access-Control-Allow-Headers" not in response.headers


async def test_answers_and_refusals_can_be_read_by_any_page(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        headers = {"Origin": PAGE, "Authorization": "Bearer sk-ours", "Content-Type": "application/sdp"}
        answered = await api.client.post("/v1/realtime/calls", data=OFFER, headers=headers)
        ended = await api.client.post(f"{answered.headers['Location']}/hangup", headers=headers)
        refused = await api.client.post("/v1/realtime/calls", data="no offer", headers=headers)
        unknown = await api.client.get("/v1/realtime/nothing", headers=headers)
        assert [r.status for r in (answered, ended, refused, unknown)] == [201, 200, 400, 404]
        for response in answered, ended, refused, unknown:
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
            assert {"Location", "X-Session-Id", "X-Session-Access", "Retry-After"} <= set(exposed)


async def test_elsewhere_only_the_frontends(sqlite_url: str) -> None:
    settings = KEYS.model_copy(update={"frontend_urls": ("https://ours.example/",)})
    async with house(sqlite_url, settings=settings) as api:
        for path in "/api/sessions", "/api/realtime/credentials", "/v1/realtimes":
            for origin, allowed in (PAGE, None), ("https://ours.example", "https://ours.example"):
                headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
                response = await api.client.options(path, headers=headers)
                assert response.headers.get("Access-Control-Allow-Origin") == allowed
