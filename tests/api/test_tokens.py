"""Ephemeral tokens: what opens, what does not, and why."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from api.tokens import (
    LIFETIME_S,
    PREFIX,
    SecretGrant,
    SessionGrant,
    TokenExpired,
    TokenForged,
    TokenMisused,
    Tokens,
    derived_key,
    load_signing_key,
)
from gateway.config import Settings

pytestmark = pytest.mark.unit

NOW = 1_800_000_000.0
KEY = b"0123456789abcdef0123456789abcdef"


GRANT = SessionGrant("session-1", "default-practice", "dental_reception", int(NOW) + LIFETIME_S, True)


def mint(key: bytes = KEY) -> str:
    return Tokens(key).mint(GRANT)


def test_a_token_says_what_it_grants() -> None:
    assert Tokens(KEY).read(mint(), now=NOW, session_id="session-1") == GRANT


def test_a_client_secret_says_what_it_grants() -> None:
    tokens, grant = Tokens(KEY), SecretGrant("sess_1", "acme", int(NOW) + 7200)
    secret = tokens.mint(grant)
    assert tokens.read(secret, now=NOW + 7199) == grant
    with pytest.raises(TokenExpired):
        tokens.read(secret, now=NOW + 7200)
    with pytest.raises(TokenMisused):
        tokens.read(secret, now=NOW, session_id="sess_1")


@pytest.mark.parametrize(
    "longest",
    [SessionGrant("s" * 36, "t" * 64, "p" * 64, 2**40), SecretGrant("sess_" + "c" * 24, "t" * 64, 2**40)],
)
def test_a_token_travels_in_a_subprotocol(longest: SessionGrant | SecretGrant) -> None:
    token = Tokens(KEY).mint(longest)
    assert re.fullmatch(r"ek_[A-Za-z0-9_-]+", token)
    assert len(token) < 600


def test_two_tokens_are_never_the_same() -> None:
    assert mint() != mint()


def test_a_token_ends() -> None:
    tokens = Tokens(KEY)
    tokens.read(mint(), now=NOW + LIFETIME_S - 1)
    with pytest.raises(TokenExpired):
        tokens.read(mint(), now=NOW + LIFETIME_S)


def test_a_token_is_for_one_session() -> None:
    with pytest.raises(TokenMisused):
        Tokens(KEY).read(mint(), now=NOW, session_id="session-2")


def test_a_token_of_another_key_is_forged() -> None:
    with pytest.raises(TokenForged):
        Tokens(KEY).read(mint(b"another"), now=NOW)


def test_an_expired_forgery_is_a_forgery() -> None:
    with pytest.raises(TokenForged):
        Tokens(KEY).read(mint(b"another"), now=NOW + 2 * LIFETIME_S)


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_a_changed_letter_is_seen(place: int) -> None:
    token = mint()
    place = len(PREFIX) + place % (len(token) - len(PREFIX))
    for letter in "A", "B":
        changed = token[:place] + letter + token[place + 1 :]
        if changed != token:
            with pytest.raises(TokenForged):
                Tokens(KEY).read(changed, now=NOW)


def test_the_signature_has_one_spelling() -> None:
    token = mint()
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    readable = 0
    for letter in last:
        try:
            Tokens(KEY).read(token[:-1] + letter, now=NOW)
            readable += 1
        except TokenForged:
            continue
    assert readable == 1


def test_signed_by_us_for_another_purpose_is_no_token() -> None:
    key = OctKey.import_key(derived_key(KEY, "ephemeral-token"))
    for claims in (
        {},
        {"sid": "s"},
        {"cfg": "c"},
        {"cfg": "c", "ten": "t"},
        {"sid": "s", "ten": "t", "per": "p", "acc": True, "exp": "never"},
    ):
        _, payload, signature = jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, key).split(".")
        with pytest.raises(TokenForged):
            Tokens(KEY).read(f"{PREFIX}{payload}{signature}", now=NOW)


@given(st.one_of(st.text(max_size=700), st.from_regex(r"ek_[A-Za-z0-9_-]{0,300}", fullmatch=True)))
def test_noise_is_forged(noise: str) -> None:
    with pytest.raises(TokenForged):
        Tokens(KEY).read(noise, now=NOW)


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    key = load_signing_key(settings)
    assert len(key) >= 32
    assert load_signing_key(settings) == key
    path = tmp_path / "data" / "signing.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["signing.key"]


def test_the_key_of_the_settings_wins(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "signing_key": "mine"})
    assert load_signing_key(settings) == b"mine"
    assert list(tmp_path.iterdir()) == []
