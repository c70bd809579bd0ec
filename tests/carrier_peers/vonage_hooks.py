"""Vonage's webhooks and tokens (reference 3.3)."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.carrier_peers.http import Asked, json_request
from tests.carrier_peers.ids import new_uuid

__all__ = ["Account", "Legs", "Status", "answer", "event", "signed", "token"]

Status = Literal[
    "started",
    "ringing",
    "answered",
    "machine",
    "human",
    "completed",
    "busy",
    "cancelled",
    "failed",
    "rejected",
    "timeout",
    "unanswered",
    "disconnected",
]


@dataclass(frozen=True, slots=True)
class Account:
    """One application; its private key signs what it asks, the signature secret what it is told."""

    api_key: str = "abcd1234"
    secret: str = "0123456789abcdef0123456789abcdef"
    application: str = field(default_factory=new_uuid)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048))

    @property
    def private_key(self) -> str:
        """PEM, as the dashboard gives it away once."""
        return self.key.as_pem(private=True).decode()


@dataclass(frozen=True, slots=True)
class Legs:
    """A call and its conversation; numbers have no plus."""

    from_: str = "15550100001"
    to: str = "15550100002"
    direction: Literal["inbound", "outbound"] = "inbound"
    uuid: str = field(default_factory=new_uuid)
    conversation: str = field(default_factory=lambda: f"CON-{new_uuid()}")


def token(account: Account, payload: bytes | None, at: int | None = None) -> str:
    """A JWT for a webhook with that payload; for a socket's handshake there is none."""
    claims: dict[str, object] = {
        "iat": round(time.time()) if at is None else at,
        "jti": new_uuid(),
        "iss": "Vonage",
        "api_key": account.api_key,
        "application_id": account.application,
    }
    if payload is not None:
        claims["payload_hash"] = hashlib.sha256(payload).hexdigest()
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.import_key(account.secret))


def signed(account: Account, asked: Asked, at: int | None = None) -> Asked:
    """With its bearer token: over the body, or over the query as a compact JSON object in the order received."""
    payload = asked.body
    if asked.method == "GET":
        payload = json.dumps(asked.form, separators=(",", ":"), ensure_ascii=False).encode()
    bearer = f"Bearer {token(account, payload, at)}"
    return replace(asked, headers={**asked.headers, "Authorization": bearer})


def answer(account: Account, legs: Legs, url: str, method: Literal["GET", "POST"] = "GET") -> Asked:
    """Ask what to do with a call; the answer is an NCCO."""
    fields = {
        "to": legs.to,
        "from": legs.from_,
        "endpoint_type": "phone",
        "conversation_uuid": legs.conversation,
        "uuid": legs.uuid,
        "region_url": "https://api-us-3.vonage.com",
    }
    if method == "POST":
        return signed(account, json_request(url, fields))
    joint = "&" if urlsplit(url).query else "?"
    return signed(account, Asked("GET", f"{url}{joint}{urlencode(fields)}", {}))


def event(account: Account, legs: Legs, url: str, status: Status, **extra: object) -> Asked:
    """Tell how a leg goes on; `extra` such as `duration`, or another leg's `uuid`."""
    told: dict[str, object] = {
        "from": legs.from_,
        "to": legs.to,
        "uuid": legs.uuid,
        "conversation_uuid": legs.conversation,
        "status": status,
        "direction": legs.direction,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if status == "completed":
        told |= {"rate": "0.00450000", "price": "0.00015000", "duration": "2", "network": "US-FIXED"}
    return signed(account, json_request(url, {**told, **extra}))
