"""Plivo's webhooks and their signatures (reference 4.3, 4.4; plivo.utils.signature_v3 of the vendor's package 4.63)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from tests.carrier_peers.http import Asked, form_request
from tests.carrier_peers.ids import new_uuid

__all__ = [
    "NONCE",
    "SIGNATURE",
    "Account",
    "PhoneLeg",
    "answer",
    "hangup",
    "machine",
    "ring",
    "signature",
    "stream_event",
]

SIGNATURE, NONCE = "X-Plivo-Signature-V3", "X-Plivo-Signature-V3-Nonce"
Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Account:
    auth_id: str = "MA000000000000000001"
    token: str = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class PhoneLeg:
    """What Plivo knows of a call; numbers have no plus."""

    from_: str = "15550100001"
    to: str = "15550100002"
    direction: Literal["inbound", "outbound"] = "inbound"
    status: str = "ringing"
    uuid: str = field(default_factory=new_uuid)
    request: str | None = None
    """The id that the API gave for an outgoing call: another than the call's."""

    def now(self, status: str) -> PhoneLeg:
        return replace(self, status=status)


def signed_text(method: str, url: str, form: Fields) -> str:
    """What is signed, before the nonce."""
    parts = urlsplit(url)
    bare = f"{parts.scheme}://{parts.netloc}{parts.path}"
    query = parse_qsl(parts.query, keep_blank_values=True)
    if method == "GET":
        merged = "&".join(f"{name}={value}" for name, value in sorted([*query, *form]))
        return f"{bare}?{merged}" if merged else bare
    sorted_query = "&".join(f"{name}={value}" for name, value in sorted(query))
    if not form:
        return f"{bare}?{sorted_query}" if sorted_query else bare
    fields = "".join(name + value for name, value in sorted(form))
    return f"{bare}?{sorted_query}.{fields}" if sorted_query else f"{bare}?{fields}"


def signature(token: str, method: str, url: str, form: Fields, nonce: str) -> str:
    text = f"{signed_text(method, url, form)}.{nonce}"
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha256).digest()).decode()


def answer(
    account: Account,
    leg: PhoneLeg,
    url: str,
    method: str = "POST",
    extra: Fields = (),
    event: str = "StartApp",
) -> Asked:
    """Ask what to do with a call; the answer is XML."""
    return _signed(account, method, url, [*_common(account, leg, event), *extra])


def ring(account: Account, leg: PhoneLeg, url: str, method: str = "POST") -> Asked:
    """Tell that an outgoing call rings; here its own id is first told."""
    return _signed(account, method, url, _common(account, leg.now("ringing"), "Ring"))


def hangup(
    account: Account, leg: PhoneLeg, url: str, cause: str, code: int, duration_s: int, method: str = "POST"
) -> Asked:
    """Tell that a call is over."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    ended = [
        ("HangupCause", cause),
        ("HangupCauseCode", str(code)),
        ("HangupSource", "Caller"),
        ("Duration", str(duration_s)),
        ("BillDuration", str(60 * -(-duration_s // 60))),
        ("TotalCost", "0.00500"),
        ("EndTime", now),
    ]
    return _signed(account, method, url, [*_common(account, leg, "Hangup"), *ended])


def machine(account: Account, leg: PhoneLeg, url: str, is_machine: bool, method: str = "POST") -> Asked:
    """The verdict of asynchronous machine detection."""
    fields = [*_common(account, leg, "MachineDetection"), ("Machine", str(is_machine).lower())]
    return _signed(account, method, url, fields)


def stream_event(
    account: Account,
    leg: PhoneLeg,
    url: str,
    stream: str,
    event: Literal["StartStream", "StopStream", "DroppedStream"],
    method: str = "POST",
) -> Asked:
    """Tell how a stream goes on."""
    fields = [
        ("Event", event),
        ("CallUUID", leg.uuid),
        ("StreamID", stream),
        ("From", leg.from_),
        ("To", leg.to),
        ("Timestamp", datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")),
    ]
    return _signed(account, method, url, fields)


def _common(account: Account, leg: PhoneLeg, event: str) -> list[tuple[str, str]]:
    fields = [
        ("CallUUID", leg.uuid),
        ("From", leg.from_),
        ("To", leg.to),
        ("CallStatus", leg.status),
        ("Direction", leg.direction),
        ("Event", event),
        ("BillRate", "0.0055"),
        ("ParentAuthID", account.auth_id),
    ]
    if leg.request is not None:
        fields += [("RequestUUID", leg.request), ("ALegUUID", leg.uuid), ("ALegRequestUUID", leg.request)]
    return fields


def _signed(account: Account, method: str, url: str, fields: Fields) -> Asked:
    asked = form_request(method, url, fields)
    nonce = str(secrets.randbelow(10**20))
    made = signature(account.token, method, url, fields, nonce)
    own = {SIGNATURE: made, NONCE: nonce, "X-Plivo-Signature-Ma-V3": made}
    return replace(asked, headers={**asked.headers, **own})
