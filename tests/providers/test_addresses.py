"""Where each provider's server is, how it knows us, and what its settings must be."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from gateway.checks.finding import Level
from gateway.checks.keys import check_keys
from gateway.checks.network import check_upstreams
from gateway.config import Settings, from_env
from gateway.connector import RemoteModel, realtime_url
from gateway.errors import ConfigError
from gateway.providers import azure, openai, upstream, voicelive

pytestmark = pytest.mark.unit

KEY = SecretStr("sk-secret")
AZURE = {
    "AZURE_OPENAI_ENDPOINT": "https://name.openai.azure.com/",
    "AZURE_OPENAI_API_KEY": "azure-secret",
    "AZURE_OPENAI_DEPLOYMENT_REALTIME": "my voice",
}
LIVE = {
    "AZURE_VOICELIVE_ENDPOINT": "https://name.services.ai.azure.com",
    "AZURE_VOICELIVE_API_KEY": "live-secret",
}


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("wss://host", "wss://host/v1/realtime?model=m"),
        ("ws://host:1/", "ws://host:1/v1/realtime?model=m"),
        ("ws://host/v1", "ws://host/v1/realtime?model=m"),
        ("wss://host/openai/v1/realtime", "wss://host/openai/v1/realtime?model=m"),
        ("wss://host/v1/realtime?model=own&persona=x", "wss://host/v1/realtime?model=own&persona=x"),
    ],
)
def test_openai_and_upstream(base: str, url: str) -> None:
    assert realtime_url(base, "m") == url


@pytest.mark.parametrize(
    ("endpoint", "version", "url"),
    [
        ("https://n.openai.azure.com", None, "wss://n.openai.azure.com/openai/v1/realtime?model=d"),
        ("https://n.openai.azure.com/openai/v1/", None, "wss://n.openai.azure.com/openai/v1/realtime?model=d"),
        ("wss://n.openai.azure.com/openai", None, "wss://n.openai.azure.com/openai/v1/realtime?model=d"),
        ("https://n.openai.azure.com", "2025-04-01-preview",
         "wss://n.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=d"),
        ("https://n.openai.azure.com/openai/v1", "2025-04-01-preview",
         "wss://n.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=d"),
        ("http://127.0.0.1:9", None, "ws://127.0.0.1:9/openai/v1/realtime?model=d"),
    ],
)  # fmt: skip
def test_azure(endpoint: str, version: str | None, url: str) -> None:
    assert azure.realtime_address(endpoint, "d", version) == url


def test_voice_live() -> None:
    assert voicelive.realtime_address("https://n.services.ai.azure.com/", "gpt-4.1", "2026-04-10") == (
        "wss://n.services.ai.azure.com/voice-live/realtime?api-version=2026-04-10&model=gpt-4.1"
    )


def test_how_each_server_knows_us() -> None:
    settings = from_env(
        AZURE | LIVE | {
            "OPENAI_API_KEY": "sk-secret", "OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj_1",
            "PARLEY_UPSTREAM_URL": "wss://host", "PARLEY_UPSTREAM_API_KEY": "up-secret",
        }
    )  # fmt: skip
    made: dict[str, RemoteModel] = {
        made.name: made
        for made in (
            openai.model(settings),
            azure.model(settings),
            voicelive.model(settings),
            upstream.model(settings),
        )
    }
    assert tuple(made)[:4] == ("openai", "azure", "voicelive", "upstream")
    assert made["openai"].endpoint.headers == {
        "Authorization": "Bearer sk-secret", "OpenAI-Organization": "org-1", "OpenAI-Project": "proj_1",
    }  # fmt: skip
    assert made["azure"].endpoint.headers == {"api-key": "azure-secret"}
    assert made["azure"].endpoint.url == "wss://name.openai.azure.com/openai/v1/realtime?model=my+voice"
    assert made["voicelive"].endpoint.headers == {"api-key": "live-secret"}
    assert made["voicelive"].endpoint.model == "gpt-realtime"
    assert made["upstream"].endpoint.headers == {"Authorization": "Bearer up-secret"}
    assert not [
        word for one in made.values() for word in ("secret", "api-key") if word in repr(one.endpoint)
    ]


def test_a_provider_without_its_settings_says_so() -> None:
    makers: list[Any] = [openai.model, azure.model, voicelive.model, upstream.model]
    for make in makers:
        with pytest.raises(ConfigError, match="is not set"):
            make(Settings())


def test_every_configured_provider_is_used_in_this_order() -> None:
    keys = {"PARLEY_UPSTREAM_URL": "wss://host", "OPENAI_API_KEY": "sk-secret"}
    order = from_env(LIVE | AZURE | keys).provider_order
    assert [name for name in order if name != "cascade"] == [
        "openai",
        "azure",
        "voicelive",
        "upstream",
        "embedded",
    ]
    assert order[-1] == "embedded"
    assert from_env(AZURE | {"PARLEY_PROVIDERS": "embedded,azure"}).provider_order == ("embedded", "azure")


@pytest.mark.parametrize(
    ("environ", "faults"),
    [
        ({"AZURE_OPENAI_ENDPOINT": "https://n"},
         ["AZURE_OPENAI_API_KEY is not", "AZURE_OPENAI_DEPLOYMENT_REALTIME is not"]),
        ({"AZURE_VOICELIVE_ENDPOINT": "https://n"}, ["AZURE_VOICELIVE_API_KEY is not"]),
        ({"PARLEY_PROVIDERS": "voicelive"},
         ["names voicelive, but AZURE_VOICELIVE_ENDPOINT", "but AZURE_VOICELIVE_API_KEY"]),
        ({"PARLEY_PROVIDERS": "nobody"}, ["unknown provider nobody"]),
        (AZURE | {"AZURE_OPENAI_ENDPOINT": "name.openai.azure.com"}, ["must be the resource's address"]),
        (AZURE | {"AZURE_OPENAI_ENDPOINT": "https://n/openai/realtime?api-version=x"}, ["must end before the '?'"]),
        (AZURE | {"AZURE_OPENAI_API_VERSION": "latest"}, ["AZURE_OPENAI_API_VERSION"]),
        (LIVE | {"AZURE_VOICELIVE_API_VERSION": "1"}, ["AZURE_VOICELIVE_API_VERSION"]),
    ],
)  # fmt: skip
def test_half_a_provider_is_told_before_anything_starts(environ: dict[str, str], faults: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        from_env(environ)
    assert len(caught.value.faults) == len(faults)
    for told, fault in zip(caught.value.faults, faults, strict=True):
        assert fault in told


def test_what_is_set_for_other_programs_does_no_harm() -> None:
    """Keys without an address, and an address where other providers are asked for."""
    assert from_env({"AZURE_OPENAI_API_KEY": "k"}).provider_order == ("embedded",)
    environ = {"AZURE_OPENAI_ENDPOINT": "https://n", "PARLEY_PROVIDERS": "embedded"}
    assert from_env(environ).provider_order == ("embedded",)


async def test_the_doctor_looks_at_each() -> None:
    settings = from_env(
        {
            "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9", "AZURE_OPENAI_API_KEY": "two words",
            "AZURE_OPENAI_DEPLOYMENT_REALTIME": "d", "PARLEY_UPSTREAM_URL": "ws://127.0.0.1:9",
            "AZURE_VOICELIVE_ENDPOINT": "http://no-such-host.invalid", "AZURE_VOICELIVE_API_KEY": "live-secret",
        }
    )  # fmt: skip
    keys = {one.about: one for one in check_keys(settings)}
    assert (keys["azure key"].level, keys["voicelive key"].level) == (Level.WARNING, Level.OK)
    assert "without one" in keys["upstream key"].seen
    reached = await check_upstreams(settings)
    assert [one.about for one in reached] == [
        "provider azure",
        "provider voicelive",
        "provider voicelive",
        "provider upstream",
    ]
    assert "in the clear" in reached[1].mend
    assert not [
        one
        for one in (*keys.values(), *reached)
        if "secret" in one.seen + one.mend or "two words" in one.seen
    ]
