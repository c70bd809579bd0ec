"""Signatures of Standard Webhooks, by the reference's vector and the vendor's own check."""

from __future__ import annotations

import base64
import time

import pytest
from openai import InvalidWebhookSignatureError, OpenAI

from gateway.carriers.dialects.standard_webhooks import verify
from gateway.wire import Unverified
from tests.peers.openai_calls import signed

pytestmark = pytest.mark.unit

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
BODY = b'{"object":"event","id":"evt_1","type":"realtime.call.incoming"}'
NOW = 1760000000
HEADERS = {
    "Webhook-Id": "wh_000000000000000000000001",
    "Webhook-Timestamp": str(NOW),
    "Webhook-Signature": "v1,KAuJUM8eH0Y1ad0y5SnmOT8vpSIBDUWz37LBIn/gTa4=",
}
"""reference/openai-realtime.md, section 12."""


def test_the_vector() -> None:
    assert verify(HEADERS, BODY, secret=SECRET, now=NOW) == "wh_000000000000000000000001"
    assert verify(HEADERS, BODY, secret=SECRET, now=NOW + 300)
    assert verify(HEADERS, BODY, secret=SECRET, now=NOW - 300)
    assert verify(HEADERS, BODY, secret=SECRET.removeprefix("whsec_"), now=NOW)


def test_one_of_several_signatures_is_enough() -> None:
    listed = f"v1,{base64.b64encode(bytes(32)).decode()} v2,x {HEADERS['Webhook-Signature']}"
    assert verify(HEADERS | {"Webhook-Signature": listed}, BODY, secret=SECRET, now=NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"Webhook-Id": "wh_2"},
        {"Webhook-Id": ""},
        {"Webhook-Timestamp": str(NOW + 1)},
        {"Webhook-Timestamp": "now"},
        {"Webhook-Timestamp": "１７６００００００0"},
        {"Webhook-Signature": ""},
        {"Webhook-Signature": "KAuJUM8eH0Y1ad0y5SnmOT8vpSIBDUWz37LBIn/gTa4="},
        {"Webhook-Signature": HEADERS["Webhook-Signature"].replace("v1", "v2")},
        {"Webhook-Signature": "v1,ü\udcff"},
    ],
)
def test_what_is_not_proved(changed: dict[str, str]) -> None:
    with pytest.raises(Unverified) as refused:
        verify(HEADERS | changed, BODY, secret=SECRET, now=NOW)
    assert "KAuJ" not in str(refused.value)


def test_another_time_another_body_and_another_secret_are_not() -> None:
    for now in (NOW - 301, NOW + 301):
        with pytest.raises(Unverified, match="another time"):
            verify(HEADERS, BODY, secret=SECRET, now=now)
    for body, secret in ((BODY + b"\n", SECRET), (BODY, "whsec_QUJD"), (BODY, "no base64")):
        with pytest.raises(Unverified):
            verify(HEADERS, body, secret=secret, now=NOW)


def test_the_vendors_own_check_says_the_same() -> None:
    judge = OpenAI(api_key="sk-1", webhook_secret=SECRET)
    now = time.time()
    for body, secret, good in ((BODY, SECRET, True), (BODY, "whsec_QUJD", False)):
        headers = signed(body, "wh_7", at=now, secret=secret)
        if good:
            judge.webhooks.verify_signature(body, headers)
            assert verify(headers, body, secret=SECRET, now=now) == "wh_7"
            continue
        with pytest.raises(InvalidWebhookSignatureError):
            judge.webhooks.verify_signature(body, headers)
        with pytest.raises(Unverified):
            verify(headers, body, secret=SECRET, now=now)
