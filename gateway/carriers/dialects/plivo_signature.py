"""Plivo's way of signing webhooks and handshakes, version 3 (reference/telephony.md, section 4.4)."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from gateway.carriers.dialects.proof import form, header, require, same
from gateway.wire import Unverified

__all__ = ["signature", "verify_request"]

SIGNATURES = ("X-Plivo-Signature-V3", "X-Plivo-Signature-Ma-V3")
NONCE = "X-Plivo-Signature-V3-Nonce"


def signature(
    secret: str, nonce: str, *, method: str, url: str, fields: Mapping[str, list[str]] | None = None
) -> str:
    """The signature of one request. What is in the query is signed decoded and sorted, joined as a query; the fields
    of a POST are joined as names and values, after a dot where there is a query. Of a GET all is one query."""
    parts = urlsplit(url)
    query = parse_qs(parts.query, keep_blank_values=True)
    posted: dict[str, list[str]] = dict(fields or {})
    if method.upper() == "GET":
        query, posted = {**posted, **query}, {}
    base = parts._replace(query="", fragment="").geturl()
    if query or posted:
        base += "?" + "&".join(f"{name}={value}" for name in sorted(query) for value in sorted(query[name]))
    if query and posted:
        base += "."
    base += "".join(name + value for name in sorted(posted) for value in sorted(posted[name]))
    signed = f"{base}.{nonce}".encode("utf-8", "surrogateescape")
    return b64encode(hmac.new(secret.encode(), signed, "sha256").digest()).decode()


def verify_request(method: str, url: str, headers: Mapping[str, str], body: bytes, *, secret: str) -> None:
    """Checks one request, signed by the auth token of the account or of the main account. Raises Unverified."""
    require(secret)
    nonce = header(headers, NONCE)
    candidates = [
        one.strip() for name in SIGNATURES for one in header(headers, name).split(",") if one.strip()
    ]
    if not nonce or not candidates:
        raise Unverified("not signed")
    wanted = signature(secret, nonce, method=method, url=url, fields=form(body))
    # Compared all, so that the time tells nothing of the one that fits.
    fits = [same(one, wanted) for one in candidates]
    if not any(fits):
        raise Unverified("signed otherwise")
