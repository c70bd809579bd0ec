"""Signatures by a key that the carrier publishes (RFC 8032)."""

from __future__ import annotations

import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.wire import Unverified

__all__ = ["verify_ed25519"]


def verify_ed25519(signature: str, signed: bytes, *, public_key: str) -> None:
    """Checks a base64 signature by a base64 key of 32 bytes. Raises Unverified."""
    try:
        key = Ed25519PublicKey.from_public_bytes(binascii.a2b_base64(public_key, strict_mode=True))
    except ValueError:
        raise Unverified("no key of the carrier's to check it with") from None
    try:
        key.verify(binascii.a2b_base64(signature, strict_mode=True), signed)
    except ValueError:
        raise Unverified("not signed") from None
    except InvalidSignature:
        raise Unverified("signed otherwise") from None
