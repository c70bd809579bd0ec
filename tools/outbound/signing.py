"""Signing what goes out, as the Standard Webhooks specification says: whoever gets it can tell that it is ours, that
nothing was changed, and that it is of now; what comes twice has the same id."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from tools.secrets import SecretError

__all__ = ["PREFIX", "signature_headers"]

PREFIX = "whsec_"


def signature_headers(body: bytes, *, key: str, now: float, name: str, secret: str) -> dict[str, str]:
    """`webhook-id`, `webhook-timestamp` and `webhook-signature`. `key`: the same for the same event, also when it is
    sent again; `now`: Unix seconds; `name`: the secret's, for the message when it cannot be used.

    Raises SecretError: a secret is base64, after `whsec_` if that stands before it, of 24 bytes at least.
    """
    try:
        material = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        material = b""
    if len(material) < 24:
        raise SecretError(
            f"the secret {name} cannot sign: it has to be base64 of 24 bytes at least, as of `openssl rand -base64 32`"
        )
    # The specification's delimiter may not stand in the id.
    identity = f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    stamp = str(int(now))
    signed = b".".join((identity.encode(), stamp.encode(), body))
    made = base64.b64encode(hmac.digest(material, signed, hashlib.sha256)).decode()
    return {"webhook-id": identity, "webhook-timestamp": stamp, "webhook-signature": f"v1,{made}"}
