"""What proofs of origin have in common: headers by any case, comparing in constant time, forms as they were signed."""

from __future__ import annotations

import binascii
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from gateway.wire import Unverified

__all__ = ["basic", "bearer", "form", "header", "is_form", "require", "same", "secret_in_url"]

FIELDS_AT_MOST = 200
"""Parameters of one webhook; carriers send a few dozen."""


def header(headers: Mapping[str, str], name: str) -> str:
    """The header called `name`, in whatever case; empty when there is none."""
    found = headers.get(name)
    if found is None:
        wanted = name.lower()
        found = next((value for key, value in headers.items() if key.lower() == wanted), "")
    return found.strip()


def same(one: str, other: str) -> bool:
    """Compares in a time that tells nothing of where they differ."""
    return hmac.compare_digest(
        one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape")
    )


def require(secret: str) -> None:
    """Raises Unverified without a secret: an empty one would prove everybody."""
    if not secret:
        raise Unverified("no secret of ours to check it with")


def is_form(headers: Mapping[str, str]) -> bool:
    """The body is a form; also when nothing says what it is, as carriers post forms."""
    kind = header(headers, "Content-Type").partition(";")[0].strip().lower()
    return kind in ("application/x-www-form-urlencoded", "")


def form(body: bytes) -> dict[str, list[str]]:
    """The fields of a form, decoded, each with its values in the order received. Raises Unverified for what is no
    form."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_AT_MOST
        )
    except ValueError:
        raise Unverified("a body that is no form") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def secret_in_url(url: str, secret: str, name: str = "secret") -> None:
    """Checks the query's parameter of this name, for carriers that can show nothing else. Raises Unverified."""
    require(secret)
    try:
        given = dict(parse_qsl(urlsplit(url).query, max_num_fields=FIELDS_AT_MOST)).get(name, "")
    except ValueError:
        raise Unverified("a request that cannot be read") from None
    if not same(given, secret):
        raise Unverified(f"without the {name} in its URL")


def bearer(headers: Mapping[str, str], secret: str) -> None:
    """Checks `Authorization: Bearer …` against the token we gave. Raises Unverified."""
    require(secret)
    scheme, _, token = header(headers, "Authorization").partition(" ")
    if scheme.lower() != "bearer" or not same(token.strip(), secret):
        raise Unverified("without the token we gave")


def basic(headers: Mapping[str, str], credentials: str) -> None:
    """Checks `Authorization: Basic …` (RFC 7617) against `user:password`. Raises Unverified."""
    require(credentials.partition(":")[2])
    scheme, _, encoded = header(headers, "Authorization").partition(" ")
    try:
        given = binascii.a2b_base64(encoded.strip(), strict_mode=True)
    except ValueError:
        raise Unverified("a user and password that cannot be read") from None
    if scheme.lower() != "basic" or not hmac.compare_digest(given, credentials.encode()):
        raise Unverified("another user or password")
