"""What Twilio asks of an application over HTTP (reference 1.1, 1.4, 1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal

from tests.carrier_peers.http import Asked, form_request
from tests.carrier_peers.ids import new_uuid, sid
from tests.carrier_peers.twilio_signing import signature

__all__ = [
    "Account",
    "PhoneCall",
    "StreamEvent",
    "amd",
    "signed",
    "status",
    "stream_status",
    "voice",
]

Status = Literal[
    "queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"
]
StreamEvent = Literal["stream-started", "stream-stopped", "stream-error"]
Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Account:
    sid: str = field(default_factory=lambda: sid("AC"))
    token: str = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """What Twilio knows of a call."""

    from_: str = "+15550100001"
    to: str = "+15550100002"
    direction: Literal["inbound", "outbound-api"] = "inbound"
    status: Status = "ringing"
    sid: str = field(default_factory=lambda: sid("CA"))

    def now(self, status: Status) -> PhoneCall:
        """The same call, later."""
        return replace(self, status=status)


def signed(account: Account, asked: Asked, fields: Sequence[tuple[str, str]] = ()) -> Asked:
    """With `X-Twilio-Signature` and what else Twilio's requests carry. Delivering the result twice is what a retry is:
    the idempotency token stays."""
    form = fields if asked.method == "POST" else ()
    headers = {
        **asked.headers,
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
        "I-Twilio-Idempotency-Token": new_uuid(),
        "X-Twilio-Signature": signature(account.token, asked.url, form),
    }
    return replace(asked, headers=headers)


def voice(
    account: Account, call: PhoneCall, url: str, method: str = "POST", extra: Sequence[tuple[str, str]] = ()
) -> Asked:
    """Ask what to do with a call; the answer is TwiML. `extra` are optional parameters such as `AnsweredBy`."""
    return _form(account, method, url, [*_common(account, call), *extra])


def status(
    account: Account,
    call: PhoneCall,
    url: str,
    sequence: int,
    duration_s: int | None = None,
    method: str = "POST",
    extra: Sequence[tuple[str, str]] = (),
) -> Asked:
    """Tell how a call goes on; `duration_s` when it has completed."""
    fields = _common(account, call)
    fields += [
        ("CallbackSource", "call-progress-events"),
        ("SequenceNumber", str(sequence)),
        ("Timestamp", format_datetime(datetime.now(UTC))),
    ]
    if duration_s is not None:
        fields += [("CallDuration", str(duration_s)), ("Duration", str((duration_s + 59) // 60))]
    if call.status in ("completed", "busy", "no-answer", "failed"):
        codes = {"completed": "200", "busy": "486", "no-answer": "480", "failed": "404"}
        fields.append(("SipResponseCode", codes[call.status]))
    return _form(account, method, url, [*fields, *extra])


def stream_status(
    account: Account,
    call: PhoneCall,
    url: str,
    stream: str,
    event: StreamEvent,
    error: str = "",
    name: str = "",
    method: str = "POST",
) -> Asked:
    """Tell how a stream goes on."""
    fields = [
        ("AccountSid", account.sid),
        ("CallSid", call.sid),
        ("StreamSid", stream),
        ("StreamName", name or stream),
        ("StreamEvent", event),
        ("Timestamp", datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")),
    ]
    if error:
        fields.append(("StreamError", error))
    return _form(account, method, url, fields)


def amd(
    account: Account, call: PhoneCall, url: str, answered_by: str, after_ms: int, method: str = "POST"
) -> Asked:
    """The verdict of asynchronous answering-machine detection."""
    fields = [
        ("CallSid", call.sid),
        ("AccountSid", account.sid),
        ("AnsweredBy", answered_by),
        ("MachineDetectionDuration", str(after_ms)),
    ]
    return _form(account, method, url, fields)


def _common(account: Account, call: PhoneCall) -> Fields:
    return [
        ("CallSid", call.sid),
        ("AccountSid", account.sid),
        ("From", call.from_),
        ("To", call.to),
        ("Caller", call.from_),
        ("Called", call.to),
        ("CallStatus", call.status),
        ("ApiVersion", "2010-04-01"),
        ("Direction", call.direction),
    ]


def _form(account: Account, method: str, url: str, fields: Fields) -> Asked:
    return signed(account, form_request(method, url, fields), fields)
