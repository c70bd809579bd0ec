"""What usage costs: the vendor's arithmetic, unknown prices, and the tables."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Settings, from_env
from gateway.errors import ConfigError
from gateway.pricing.table import BUILT_IN, load, prices_in_force
from gateway.pricing.tariff import NO_PRICES, Rates, Tariff, cost
from gateway.pricing.usage import Tokens, Usage
from gateway.stages import STAGES

pytestmark = pytest.mark.unit

COUNTS = st.integers(0, 1_000_000)
ALL = {f.name: 1.0 for f in fields(Tokens)}


def test_the_cost_of_one_response() -> None:
    """Each class at its own rate, by hand: 55·4 + 64·0.4 + 13·32 + 30·24 + 91·64 millionths."""
    rates = load()["openai", "gpt-realtime-2.1"]
    usage = Usage(Tokens(text_in=55, cached_text_in=64, audio_in=13, text_out=30, audio_out=91))
    assert cost(rates, usage) == pytest.approx((220 + 25.6 + 416 + 720 + 5824) / 1e6)


def test_minutes() -> None:
    assert cost(load()["openai", "whisper-1"], Usage(seconds=90)) == pytest.approx(0.009)


def test_what_has_no_price_costs_an_unknown_sum_and_never_nothing() -> None:
    assert cost(None, Usage()) is None
    assert cost(Rates(text_in=1.0), Usage(Tokens(audio_in=1))) is None
    assert cost(Rates(text_in=1.0), Usage(seconds=1.0)) is None
    assert cost(Rates(minute=1.0), Usage(Tokens(text_out=1))) is None


def test_cached_tokens_without_a_price_cost_what_others_cost() -> None:
    assert cost(Rates(text_in=2.0), Usage(Tokens(cached_text_in=1_000_000))) == 2.0
    assert cost(Rates(text_in=2.0, cached_text_in=0.0), Usage(Tokens(cached_text_in=5))) == 0.0


@given(st.builds(Tokens, *[COUNTS] * 8), st.builds(Tokens, *[COUNTS] * 8))
def test_the_whole_costs_what_its_parts_cost(one: Tokens, other: Tokens) -> None:
    rates = load()["openai", "gpt-realtime-2.1"]
    both, first, second = (cost(rates, Usage(tokens)) for tokens in (one + other, one, other))
    assert first is not None
    assert second is not None
    assert both == pytest.approx(first + second)


def test_the_tariff_finds_prices() -> None:
    own, any_model, theirs = Rates(text_in=1), Rates(text_in=0), Rates(text_in=3)
    tariff = Tariff(
        {("azure", "a"): own, ("embedded", "*"): any_model, ("openai", "b"): theirs},
        {"cascade": "openai"},
        {"cascade": ("embedded", "ears")},
    )
    assert tariff.of(("azure", "a")) is own
    assert tariff.of(("azure", "b")) is None
    assert tariff.of(("embedded", "anything")) is any_model
    assert tariff.of(("cascade", "b")) is theirs
    assert tariff.ears_of("cascade", "whisper-1") == ("embedded", "ears")
    assert tariff.ears_of("openai", "whisper-1") == ("openai", "whisper-1")
    assert NO_PRICES.of(("openai", "b")) is None


# ── the table that comes with Parley ──


def test_the_table_is_dated_and_knows_what_is_used_by_default() -> None:
    rates = load()
    assert {date.fromisoformat(rate.date) for rate in rates.values()} == {date(2026, 11, 21)}
    default = Settings.model_fields["openai_model"].default
    everything = Usage(Tokens(*[1] * 8))
    assert cost(rates["openai", default], everything) is not None
    assert cost(rates["openai", STAGES["stt"]], Usage(seconds=1)) is not None
    assert cost(rates["openai", STAGES["chat"]], Usage(Tokens(text_in=1, cached_text_in=1, text_out=1)))


def test_cached_tokens_are_never_dearer() -> None:
    for account, rates in load().items():
        for kind in ("text", "audio", "image"):
            plain, cached = getattr(rates, f"{kind}_in"), getattr(rates, f"cached_{kind}_in")
            assert cached is None or cached <= plain, account


def test_the_embedded_engine_is_free() -> None:
    tariff = prices_in_force(from_env({}))
    everything = Usage(Tokens(*[9] * 8), 9.0)
    assert cost(tariff.of(("embedded", "parley-embedded")), everything) == 0.0
    assert cost(tariff.of(tariff.ears_of("embedded", "gpt-4o-mini-transcribe")), everything) == 0.0


# ── who asks them where ──


def test_a_cascade_at_openais_address_costs_what_openai_asks() -> None:
    theirs = prices_in_force(from_env({"PARLEY_CASCADE_CHAT_KEY": "k", "PARLEY_CASCADE_STT_KEY": "k"}))
    assert theirs.of(("cascade", "gpt-4.1-mini")) == load()["openai", "gpt-4.1-mini"]
    assert theirs.ears_of("cascade", "whatever") == ("openai", "gpt-4o-mini-transcribe")
    elsewhere = prices_in_force(
        from_env(
            {"PARLEY_CASCADE_CHAT_URL": "http://127.0.0.1:1", "PARLEY_CASCADE_CHAT_MODEL": "gpt-4.1-mini"}
        )
    )
    assert elsewhere.of(("cascade", "gpt-4.1-mini")) is None
    assert elsewhere.ears_of("cascade", "whatever") == ("embedded", "ears")


@pytest.mark.parametrize(
    ("url", "known"), [("wss://api.openai.com/v1/realtime", True), ("ws://mine/v1", False)]
)
def test_an_upstream_has_openais_prices_only_when_it_is_openai(url: str, known: bool) -> None:
    tariff = prices_in_force(from_env({"PARLEY_UPSTREAM_URL": url}))
    assert (tariff.of(("upstream", "gpt-realtime-2.1")) is not None) is known


def test_azures_transcription_is_its_deployment() -> None:
    tariff = prices_in_force(from_env({"AZURE_OPENAI_TRANSCRIPTION_MODEL": "ours"}))
    assert tariff.ears_of("azure", "whisper-1") == ("azure", "ours")


# ── an operator's own ──

OWN = """
date: 2026-12-24
prices:
  - provider: azure
    models: [ours]
    source: our contract
    per_million_tokens: {text_in: 1.5}
  - provider: openai
    models: [whisper-1]
    source: our contract
    per_minute: 0.001
"""


def test_an_own_table_is_laid_over_parleys(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(OWN)
    tariff = prices_in_force(from_env({"PARLEY_PRICES": str(tmp_path / "prices.yaml")}))
    assert tariff.of(("azure", "ours")) == Rates(text_in=1.5, date="2026-12-24")
    assert tariff.of(("openai", "whisper-1")) == Rates(minute=0.001, date="2026-12-24")
    assert tariff.of(("openai", "gpt-realtime")) == load()["openai", "gpt-realtime"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file: "),
        ("date: [", "line 1: "),
        ("prices: []", "date: Field required"),
        ("date: soon\nprices: []", "date: "),
        (OWN.replace("1.5", "-1"), "prices.0.per_million_tokens.text_in: "),
        (OWN.replace("1.5", ".inf"), "prices.0.per_million_tokens.text_in: "),
        (OWN.replace("text_in", "txet_in"), "prices.0.per_million_tokens.txet_in: "),
        (OWN.replace("    source: our contract\n", "", 1), "prices.0.source: Field required"),
        (OWN.replace("provider: azure", "provider: azrue"), "azrue is no provider; choose of openai, azure"),
        (OWN.replace("{text_in: 1.5}", "{}"), "prices.0: has no price"),
        (OWN.replace("[ours]", "[ours, ours]"), "ours of azure has a price already"),
    ],
)  # fmt: skip
def test_faults_of_an_own_table_are_told(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        prices_in_force(from_env({"PARLEY_PRICES": str(file)}))
    assert any(
        fault.startswith(f"PARLEY_PRICES: {file}: ") and told in fault for fault in raised.value.faults
    )


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * 600_000)
    with pytest.raises(ConfigError, match="larger than 512 KiB"):
        load(tmp_path / "large.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "binary.yaml")


def test_the_table_is_in_the_package() -> None:
    assert BUILT_IN.is_file()
    assert ALL.keys() <= {f.name for f in fields(Rates)}
