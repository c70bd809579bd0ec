"""The carriers' accounts that the server of two workers has, and its server key."""

from __future__ import annotations

import socket

from tests.carrier_peers import plivo_hooks, twilio_hooks, vonage_hooks
from tests.peers import openai_calls, openai_ga
from tests.telephony.whole import TELNYX

__all__ = [
    "API_PORT",
    "ASTERISK",
    "AUDIOSOCKET_PORT",
    "GENESYS",
    "KEY",
    "OPENAI_PORT",
    "PLIVO",
    "SETTINGS",
    "TELNYX",
    "TWILIO",
    "VONAGE",
]

KEY = "sk-5f0c6a1f8f7d4b6a"
TWILIO = twilio_hooks.Account()
PLIVO = plivo_hooks.Account()
VONAGE = vonage_hooks.Account()
ASTERISK = "0123456789abcdef0123456789abcdef"
GENESYS = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


API_PORT = _free_port()
"""Where Twilio's API is played, by whichever test has a call placed."""
OPENAI_PORT = _free_port()
"""Where OpenAI's calls on SIP are played, by whichever test has one ring."""
AUDIOSOCKET_PORT = _free_port()
SETTINGS = {
    "PARLEY_API_KEYS": KEY,
    "PARLEY_PHONE_PERSONA": "dental_reception",
    "PARLEY_OUTBOUND_CARRIER": "twilio",
    "TWILIO_ACCOUNT_SID": TWILIO.sid,
    "TWILIO_AUTH_TOKEN": TWILIO.token,
    "TWILIO_PHONE_NUMBER": "+15550100002",
    "PARLEY_TWILIO_API_URL": f"http://127.0.0.1:{API_PORT}",
    "PLIVO_AUTH_ID": PLIVO.auth_id,
    "PLIVO_AUTH_TOKEN": PLIVO.token,
    "VONAGE_SIGNATURE_SECRET": VONAGE.secret,
    "VONAGE_APPLICATION_ID": VONAGE.application,
    "TELNYX_PUBLIC_KEY": TELNYX.public,
    "GENESYS_API_KEY": "demo-api-key",
    "GENESYS_CLIENT_SECRET": GENESYS,
    "OPENAI_API_KEY": openai_ga.KEY,
    "OPENAI_WEBHOOK_SECRET": openai_calls.SECRET,
    "PARLEY_OPENAI_API_URL": f"http://127.0.0.1:{OPENAI_PORT}/v1",
    "PARLEY_ASTERISK_SECRET": ASTERISK,
    "PARLEY_AUDIOSOCKET": f"127.0.0.1:{AUDIOSOCKET_PORT}",
}
