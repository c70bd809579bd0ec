"""The signature of requests to Azure, against one that the vendor's own client made."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime

import pytest

from api.surfaces.telephony.dialects.acs_api import command, resource, signed
from gateway.config import from_env

pytestmark = pytest.mark.unit

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
NOW = datetime.fromisoformat("2026-11-30T03:17:18+00:00").timestamp()


def test_it_is_the_one_of_azure_communication_callautomation_1_6_0() -> None:
    url = "https://name.communication.azure.com/calling/callConnections:answer?api-version=2026-03-12"
    body = (
        b'{"incomingCallContext": "ctx.1", '
        b'"callbackUri": "https://voice.example.test/telephony/acs/status"}'
    )
    authorization, headers = signed(b64decode(KEY), url, body, NOW)
    assert authorization == (
        "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
        "&Signature=69au+PHSHjUAEUQf06RcveHBnD6X7nB4GwHjwsHRR3U="
    )
    assert headers == {
        "x-ms-date": "Mon, 30 Nov 2026 03:17:18 GMT",
        "x-ms-content-sha256": "OyQ11HBIXOXC3/PAh1X+fVrEnqCYCGz/7QFeAeMoy3M=",
    }


@pytest.mark.parametrize("end", ["", ";", "/;"])
def test_the_connection_string_as_the_portal_shows_it(end: str) -> None:
    text = (
        f"endpoint=https://name.communication.azure.com{end[:1].replace(';', '')};accesskey={KEY}{end[-1:]}"
    )
    settings = from_env({"ACS_CONNECTION_STRING": text})
    to = resource(settings)
    assert to is not None
    asked = command(to, "callConnections/c-1:terminate", {}, NOW)
    assert asked.url.startswith(
        "https://name.communication.azure.com/calling/callConnections/c-1:terminate?"
    )
    assert KEY not in repr(settings) + repr(to) + repr(asked)
