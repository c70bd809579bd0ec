"""The cascade's settings: what they mean, and every fault in them at once."""

from __future__ import annotations

import pytest

from gateway.config import from_env
from gateway.errors import ConfigError
from gateway.stages import OPENAI, STAGES

pytestmark = pytest.mark.unit


def test_a_key_alone_means_openai() -> None:
    settings = from_env({f"PARLEY_CASCADE_{stage.upper()}_KEY": "sk-1" for stage in STAGES})
    assert settings.provider_order == ("cascade", "embedded")
    for name, model in STAGES.items():
        stage = settings.stage(name)
        assert stage is not None
        assert (stage.url, stage.model) == (OPENAI, model)
        assert stage.key is not None
        assert stage.key.get_secret_value() == "sk-1"
        assert "sk-1" not in repr(stage)


def test_a_server_of_ones_own_without_a_key_or_other_stages() -> None:
    settings = from_env(
        {"PARLEY_CASCADE_CHAT_URL": "http://127.0.0.1:11434/v1/", "PARLEY_CASCADE_CHAT_MODEL": "small"}
    )
    chat = settings.stage("chat")
    assert chat is not None
    assert (chat.url, chat.key, chat.model) == ("http://127.0.0.1:11434/v1", None, "small")
    assert settings.stage("stt") is settings.stage("tts") is None


def test_it_comes_after_realtime_servers_and_before_the_engine() -> None:
    settings = from_env(
        {
            "PARLEY_CASCADE_CHAT_KEY": "sk-1",
            "OPENAI_API_KEY": "sk-2",
            "PARLEY_UPSTREAM_URL": "ws://127.0.0.1:1",
        }
    )
    assert settings.provider_order == ("openai", "upstream", "cascade", "embedded")


def test_without_settings_there_is_none() -> None:
    assert from_env({}).provider_order == ("embedded",)


def faults(environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        from_env(environ)
    return [fault.split(":")[0].split(" is set")[0] for fault in caught.value.faults]


@pytest.mark.parametrize(
    "url",
    [
        "ws://host/v1", "host/v1", "https://", "https://host/v1?key=1", "https://host/v1#x",
        "https://host/v1/chat/completions",
    ],
)  # fmt: skip
def test_what_is_no_base_url(url: str) -> None:
    environ = {"PARLEY_CASCADE_CHAT_URL": url, "PARLEY_CASCADE_CHAT_MODEL": "m"}
    assert faults(environ) == ["PARLEY_CASCADE_CHAT_URL"]


def test_all_faults_at_once() -> None:
    environ = {"PARLEY_CASCADE_STT_URL": "http://a/v1", "PARLEY_CASCADE_TTS_URL": "http://b/v1"}
    assert sorted(faults(environ)) == sorted(
        ["PARLEY_CASCADE_STT_URL"] * 2 + ["PARLEY_CASCADE_TTS_URL"] * 2
    )


def test_a_server_of_ones_own_has_to_be_told_its_model() -> None:
    assert faults({"PARLEY_CASCADE_CHAT_URL": "http://a/v1"}) == ["PARLEY_CASCADE_CHAT_URL"]
    assert faults({"PARLEY_PROVIDERS": "cascade"}) != []
