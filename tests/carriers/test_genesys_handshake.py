"""The signature of Genesys' handshake: the reference's vector, the vendor's own example, and forgeries."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

import pytest

from gateway.carriers.dialects.http_signature import Signed
from gateway.carriers.genesys import verify_socket
from gateway.wire import Unverified

pytestmark = pytest.mark.unit

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = b64encode(KEY).decode()
NOW = 1_760_000_000
AUDIOHOOK = '"audiohook-organization-id" "audiohook-session-id" "audiohook-correlation-id"'
NAMES = f'"@request-target" "@authority" {AUDIOHOOK} "x-api-key"'
TAIL = ';keyid="demo-api-key";nonce="AAAAAAAAAAAAAAAAAAAAAA";alg="hmac-sha256";created=1760000000;expires=1760000010'
IDS = {
    "Audiohook-Organization-Id": "11111111-1111-1111-1111-111111111111",
    "Audiohook-Session-Id": "22222222-2222-2222-2222-222222222222",
    "Audiohook-Correlation-Id": "33333333-3333-3333-3333-333333333333",
    "X-API-KEY": "demo-api-key",
}
VECTOR = {
    **IDS,
    "Signature": "sig1=:vyuTnziSrTf2dwRVa8q395q57a62NXcfs/ED1S+Dwls=:",
    "Signature-Input": f"sig1=({NAMES}){TAIL}",
}


def check(
    headers: dict[str, str],
    now: float = NOW + 5,
    url: str = "wss://voice.example.test/genesys/ws",
    secret: str | None = SECRET,
) -> Signed | None:
    return verify_socket(url, headers, api_key="demo-api-key", secret=secret, now=now)


def signed(names: str = NAMES, tail: str = TAIL) -> dict[str, str]:
    """Headers that somebody with our key signs."""
    values = {
        "@request-target": "/genesys/ws",
        "@authority": "voice.example.test",
        **{name.lower(): value for name, value in IDS.items()},
    }
    lines = [f'"{name}": {values[name]}' for name in names.replace('"', "").split()]
    lines.append(f'"@signature-params": ({names}){tail}')
    mac = hmac.new(KEY, "\n".join(lines).encode(), hashlib.sha256).digest()
    return {
        **IDS,
        "Signature": f"sig1=:{b64encode(mac).decode()}:",
        "Signature-Input": f"sig1=({names}){tail}",
    }


def test_the_vector() -> None:
    assert check(VECTOR) == Signed("demo-api-key", "AAAAAAAAAAAAAAAAAAAAAA", NOW)
    assert check(signed()) == check(VECTOR)
    assert check({name.upper(): value for name, value in VECTOR.items()}) == check(VECTOR)
    assert check(VECTOR, url="wss://Voice.Example.TEST/genesys/ws") == check(VECTOR)


def test_the_vendors_example() -> None:
    """From the documentation of AudioHook, as its reference implementation tests it."""
    headers = {
        "audiohook-organization-id": "d7934305-0972-4844-938e-9060eef73d05",
        "audiohook-session-id": "30b0e395-84d3-4570-ac13-9a62d8f514c0",
        "audiohook-correlation-id": "e160e428-53e2-487c-977d-96989bf5c99d",
        "x-api-key": "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh",
        "signature": "sig1=:NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:",
        "signature-input": f'sig1=({NAMES});keyid="SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh";nonce="VGhpc0lzQVVuaXF1ZU5vbmNl"'
        ';alg="hmac-sha256";created=1641013200;expires=3282026430',
    }
    found = verify_socket(
        "wss://audiohook.example.com/api/v1/voicebiometrics/ws",
        headers,
        api_key="SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh",
        secret="TXlTdXBlclNlY3JldEtleVRlbGxOby0xITJAMyM0JDU=",
        now=1641013200,
    )
    assert found is not None
    assert found.nonce == "VGhpc0lzQVVuaXF1ZU5vbmNl"


def test_without_a_client_secret_the_key_alone_is_checked() -> None:
    assert verify_socket("wss://a", IDS, api_key="demo-api-key", secret=None, now=NOW) is None
    with pytest.raises(Unverified, match="another API key"):
        verify_socket("wss://a", {"X-API-KEY": "other"}, api_key="demo-api-key", secret=None, now=NOW)
    with pytest.raises(Unverified, match="no secret of ours"):
        verify_socket("wss://a", {}, api_key="", secret=None, now=NOW)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"X-API-KEY": "other"}, "another API key"),
        ({"Signature": ""}, "can be read"),
        ({"Signature-Input": ""}, "can be read"),
        ({"Signature": "sig2=:vyuTnziSrTf2dwRVa8q395q57a62NXcfs/ED1S+Dwls=:"}, "another label"),
        ({"Signature": "sig1=:vyuT:"}, "another key"),
        ({"Signature": "sig1=:vyuTn:"}, "no base64"),
        ({"Audiohook-Session-Id": "22222222-2222-2222-2222-222222222223"}, "another key"),
        ({"Signature-Input": f"sig1=({NAMES}){TAIL.replace('10', '99')}"}, "another key"),
        ({"Signature-Input": f'sig1=("@authority"){TAIL}'}, "does not cover"),
        ({"Signature-Input": f'sig1=({NAMES} "@authority"){TAIL}'}, "does not cover"),
        ({"Signature-Input": f'sig1=({NAMES} "x-missing"){TAIL}'}, "not there"),
        ({"Signature-Input": f"sig1=( {NAMES}){TAIL}"}, "can be read"),
    ],
)
def test_forgeries(changed: dict[str, str], why: str) -> None:
    with pytest.raises(Unverified, match=why):
        check({**VECTOR, **changed})


@pytest.mark.parametrize(
    "rest", [".test/genesys/ws?x=1", ".test/genesys/", ".test", ".test:443/genesys/ws"]
)
def test_another_url(rest: str) -> None:
    with pytest.raises(Unverified, match="something else was signed"):
        check(VECTOR, url="wss://voice.example" + rest)


@pytest.mark.parametrize(
    ("now", "why"), [(NOW - 4, "in the future"), (NOW + 14, "too long ago"), (NOW + 3600, "too long ago")]
)
def test_out_of_its_time(now: float, why: str) -> None:
    with pytest.raises(Unverified, match=why):
        check(VECTOR, now=now)


@pytest.mark.parametrize("now", [NOW - 3, NOW, NOW + 13])
def test_clocks_may_differ_a_little(now: float) -> None:
    assert check(VECTOR, now=now)


@pytest.mark.parametrize(
    ("tail", "why"),
    [
        (TAIL.replace("hmac-sha256", "rsa-v1_5-sha256"), "another way"),
        (TAIL.replace("AAAAAAAAAAAAAAAAAAAAAA", "short"), "without a nonce"),
        (TAIL.replace(";created=1760000000", ""), "no time at all"),
        (TAIL + ";created=1760000001", "given twice"),
        (TAIL.replace("demo-api-key", "other"), "another integration"),
    ],
)
def test_parameters_that_do_not_do(tail: str, why: str) -> None:
    with pytest.raises(Unverified, match=why):
        check(signed(tail=tail))


@pytest.mark.parametrize(("secret", "why"), [("not base64!", "no base64"), ("", "empty")])
def test_a_secret_of_ours_that_cannot_be_used(secret: str, why: str) -> None:
    with pytest.raises(Unverified, match=why):
        check(VECTOR, secret=secret)
