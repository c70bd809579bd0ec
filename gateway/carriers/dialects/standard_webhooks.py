"""Signatures of the Standard Webhooks specification, as OpenAI signs (reference/openai-realtime.md, section 12).

HMAC-SHA256 over `id.timestamp.body`, with the key that stands in base64 behind `whsec_`; the header lists one signature
for each secret that is good at the moment.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping

from gateway.wire import Unverified

__all__ = ["ID", "PREFIX", "verify"]

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
TOLERANCE_S = 300
STAMP = re.compile(r"[0-9]{1,12}")


def verify(headers: Mapping[str, str], body: bytes, *, secret: str, now: float) -> str:
    """The webhook's id, which a new attempt at the same event has too. `now`: Unix seconds. Raises Unverified."""
    given = {name.lower(): value for name, value in headers.items()}
    identity, stamp, signatures = (given.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not identity or not signatures:
        raise Unverified("without an id or a signature")
    if not STAMP.fullmatch(stamp) or abs(now - int(stamp)) > TOLERANCE_S:
        raise Unverified("of another time than ours")
    signed = b".".join((identity.encode("utf-8", "surrogateescape"), stamp.encode(), body))
    expected = b"v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256))
    good = False
    for signature in signatures.split(" ")[:10]:
        good |= hmac.compare_digest(signature.encode("utf-8", "surrogateescape"), expected)
    if not good:
        raise Unverified("with a signature that none of our secrets makes")
    return identity


def _key(secret: str) -> bytes:
    """Raises Unverified: nothing is proved by a secret that is none."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise Unverified("checked with a secret that is not base64") from None
