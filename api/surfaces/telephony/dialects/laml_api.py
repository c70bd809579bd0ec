"""Commands to Twilio's API, and to SignalWire's after it (reference/telephony.md, 1.5 and 8): forms over HTTPS."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from api.surfaces.telephony.desk import Calling, Command, Unreadable
from api.surfaces.telephony.dialects.fields import identity
from gateway.carriers.dialects import twiml

__all__ = ["Account", "dial", "hang_up", "placed", "transfer"]

EVENTS = ("initiated", "ringing", "answered", "completed")
VERSION = "2010-04-01"


@dataclass(frozen=True, slots=True)
class Account:
    """What opens the API."""

    base: str
    """`https://api.twilio.com`."""
    user: str
    secret: str = field(repr=False)


def dial(account: Account, number: str, to: str, calling: Calling, *, machine_detection: bool) -> Command:
    """From `number` to `to`. With detection the call is connected at once, and the verdict comes to the status URL:
    whether a machine answered, and if so when its greeting is over."""
    fields = [("To", to), ("From", number), ("Url", calling.voice), ("Method", "POST")]
    fields += [("StatusCallback", calling.place.status), ("StatusCallbackMethod", "POST")]
    fields += [("StatusCallbackEvent", event) for event in EVENTS]
    fields.append(("Timeout", str(calling.ring_s)))
    if machine_detection:
        fields += [("MachineDetection", "DetectMessageEnd"), ("AsyncAmd", "true")]
        fields += [
            ("AsyncAmdStatusCallback", calling.place.status),
            ("AsyncAmdStatusCallbackMethod", "POST"),
        ]
    return _command(account, "", fields)


def placed(answer: dict[str, Any]) -> str:
    """Raises Unreadable."""
    try:
        return identity(answer, "sid")
    except Unreadable:
        raise Unreadable("The answer names no call: sid is missing.") from None


def hang_up(account: Account, call: str) -> Command:
    """`completed` ends a call that rings as it does one that was answered."""
    return _command(account, call, [("Status", "completed")])


def transfer(account: Account, call: str, to: str, caller_id: str) -> Command:
    """The call goes on with a document of its own, and the stream that it is in is stopped."""
    return _command(account, call, [("Twiml", twiml.transfer(to, caller_id=caller_id or None))])


def _command(account: Account, call: str, fields: Sequence[tuple[str, str]]) -> Command:
    basic = b64encode(f"{account.user}:{account.secret}".encode()).decode()
    path = f"/{VERSION}/Accounts/{quote(account.user, safe='')}/Calls"
    if call:
        path += f"/{quote(call, safe='')}"
    body = urlencode(fields).encode()
    return Command(
        f"{account.base}{path}.json", body, f"Basic {basic}", "application/x-www-form-urlencoded"
    )
