"""Twilio's way of signing webhooks and handshakes, which SignalWire took over (reference/telephony.md, section 1.4)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from gateway.carriers.dialects.proof import form, is_form, require, same
from gateway.wire import Unverified

__all__ = ["Hash", "signature", "verify_request"]

Hash = Literal["sha1", "sha256"]

SECURE = frozenset({"https", "wss"})


def signature(
    secret: str, url: str, fields: Mapping[str, list[str]] | None = None, *, algorithm: Hash = "sha1"
) -> str:
    """The signature of one request: the URL, then each field's name and value, sorted, every pair once."""
    signed = [url]
    for name in sorted(fields or ()):
        signed += [name + value for value in sorted(set((fields or {})[name]))]
    text = "".join(signed).encode("utf-8", "surrogateescape")
    return b64encode(hmac.new(secret.encode(), text, algorithm).digest()).decode()


def verify_request(
    given: str, *, url: str, headers: Mapping[str, str], body: bytes, secret: str, algorithm: Hash = "sha1"
) -> None:
    """Checks the signature `given` of one request: a form, a JSON body whose hash stands in the URL as `bodySHA256`,
    or none. `url` is the public one, as it was configured. Raises Unverified."""
    require(secret)
    if not given:
        raise Unverified("not signed")
    fields = signed_fields(url, headers, body)
    # Compared all, so that the time tells nothing of the one that fits.
    fits = [same(signature(secret, one, fields, algorithm=algorithm), given) for one in spellings(url)]
    if not any(fits):
        raise Unverified("signed otherwise")


def signed_fields(url: str, headers: Mapping[str, str], body: bytes) -> dict[str, list[str]]:
    """The fields that are signed beside the URL. Raises Unverified for a body that nothing signs."""
    if not body:
        return {}
    promised = parse_qs(urlsplit(url).query).get("bodySHA256")
    if promised:
        if not same(hashlib.sha256(body).hexdigest(), promised[0].lower()):
            raise Unverified("the body is not the one that was signed")
        return {}
    if not is_form(headers):
        raise Unverified("a body that nothing signs")
    return form(body)


def spellings(url: str) -> Iterator[str]:
    """The URL as given, without its port, and with the ports that Twilio is known to add: 443, and 80 for all but
    https, wss among it."""
    yield url
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return
    if port is not None:
        yield parts._replace(netloc=parts.netloc.rpartition(":")[0]).geturl()
        return
    for added in (443, 80) if parts.scheme in SECURE else (80,):
        yield parts._replace(netloc=f"{parts.netloc}:{added}").geturl()
