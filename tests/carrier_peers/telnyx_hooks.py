"""Telnyx's webhooks and their signatures (reference 2.1; telnyx.types.call_* of the vendor's package 4.189)."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.carrier_peers.http import Asked, json_request
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.telnyx_stream import CallIds

__all__ = ["SIGNATURE", "TIMESTAMP", "Keys", "event", "retried", "signed", "verified"]

SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"


@dataclass(frozen=True, slots=True)
class Keys:
    """Telnyx's key pair for one account."""

    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> str:
        """As the portal shows it: base64 of 32 bytes."""
        return b64encode(self.private.public_key().public_bytes_raw()).decode()


def verified(public: str, signature: str, timestamp: str, body: bytes) -> None:
    """Raises cryptography.exceptions.InvalidSignature."""
    key = Ed25519PublicKey.from_public_bytes(b64decode(public))
    key.verify(b64decode(signature), timestamp.encode() + b"|" + body)


def signed(keys: Keys, asked: Asked, at: int | None = None) -> Asked:
    """With the headers of its signature, made at a Unix time (now)."""
    stamp = str(round(time.time()) if at is None else at)
    signature = keys.private.sign(stamp.encode() + b"|" + asked.body)
    headers = {SIGNATURE: b64encode(signature).decode(), TIMESTAMP: stamp, "User-Agent": "telnyx-webhooks"}
    return replace(asked, headers={**asked.headers, **headers})


def event(
    keys: Keys,
    url: str,
    kind: str,
    ids: CallIds,
    payload: Mapping[str, object],
    *,
    underscores: bool = False,
    at: int | None = None,
) -> Asked:
    """One event, such as `call.initiated`; with `underscores` named `call_initiated`, as some are delivered."""
    name = kind.replace(".", "_") if underscores else kind
    common = {
        "call_control_id": ids.control,
        "call_leg_id": ids.leg,
        "call_session_id": ids.session,
        "connection_id": ids.connection,
    }
    body = {
        "data": {
            "record_type": "event",
            "event_type": name,
            "id": new_uuid(),
            "occurred_at": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "payload": {**common, **payload},
        },
        "meta": {"attempt": 1, "delivered_to": url},
    }
    return signed(keys, json_request(url, body), at)


def retried(keys: Keys, asked: Asked) -> Asked:
    """The next attempt at the same event: its id stays, its number and signature do not."""
    body = asked.json
    body["meta"]["attempt"] += 1
    return signed(keys, replace(asked, body=json.dumps(body, separators=(",", ":")).encode()))
