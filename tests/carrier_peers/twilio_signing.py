"""Twilio's signatures (reference 1.4; twilio.request_validator of the vendor's package 9.13)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

__all__ = ["Form", "signature"]

Form = Sequence[tuple[str, str]]
"""Fields of a form in the order of the body; names may come twice."""


def signed_text(url: str, form: Form = ()) -> str:
    """What is signed: the whole URL, then every name with its different values, sorted by name and value."""
    fields: dict[str, set[str]] = {}
    for name, value in form:
        fields.setdefault(name, set()).add(value)
    return url + "".join(name + value for name in sorted(fields) for value in sorted(fields[name]))


def signature(secret: str, url: str, form: Form | Mapping[str, str] = (), sha256: bool = False) -> str:
    """`X-Twilio-Signature` of a request; `sha256` is the new kind, whose secret is a shared key."""
    fields = tuple(form.items()) if isinstance(form, Mapping) else form
    text = signed_text(url, fields)
    kind = hashlib.sha256 if sha256 else hashlib.sha1
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), kind).digest()).decode()
