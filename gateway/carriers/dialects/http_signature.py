"""HTTP message signatures with a shared key (draft-ietf-httpbis-message-signatures-11, later RFC 9421).

One signature a request, HMAC-SHA256, over named headers, the request's target and its authority: what the carriers use
of it. Whatever is written otherwise than the canonical form is refused, so that nothing can be read in two ways.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.wire import Unverified

__all__ = ["Signed", "verify"]

NAME = r'"(?:@?[a-z0-9-]+)"'
PARAMETER = r';[a-z]+=(?:"[\x20-\x21\x23-\x5b\x5d-\x7e]*"|\d{1,15})'
INPUT = re.compile(rf"([a-z][a-z0-9_.*-]*)=(\(({NAME}(?: {NAME})*)\)((?:{PARAMETER})*))")
SIGNATURE = re.compile(r"([a-z][a-z0-9_.*-]*)=:([A-Za-z0-9+/]+={0,2}):")
NONCE_AT_LEAST = 22
"""Characters that 16 random bytes take."""


@dataclass(frozen=True, slots=True)
class Signed:
    key_id: str
    nonce: str
    """Never used twice by an honest sender: remember it for as long as a signature may be old to refuse a replay."""
    created: int


def verify(
    headers: Mapping[str, str],
    *,
    target: str,
    authority: str,
    cover: Iterable[str],
    key: bytes,
    now: float,
    age_s: float,
    skew_s: float,
) -> Signed:
    """Checks `Signature` and `Signature-Input`. `headers` by lower-case name, `target` path and query as received,
    `authority` the public host, `cover` what the signature has to cover, `now` a Unix time. Raises Unverified."""
    given = INPUT.fullmatch(headers.get("signature-input", "").strip())
    found = SIGNATURE.fullmatch(headers.get("signature", "").strip())
    if given is None or found is None:
        raise Unverified("no signature, or none that can be read")
    label, described, listed, tail = given.groups()
    if found[1] != label:
        raise Unverified("the signature has another label than its description")
    names = [name.strip('"') for name in listed.split(" ")]
    if len(set(names)) != len(names) or not set(cover) <= set(names):
        raise Unverified("the signature does not cover what it has to")
    lines = [f'"{name}": {_value(name, headers, target, authority)}' for name in names]
    lines.append(f'"@signature-params": {described}')
    if not hmac.compare_digest(_mac(key, "\n".join(lines)), _bytes(found[2])):
        raise Unverified("signed with another key, or something else was signed")
    return _current(tail, now, age_s, skew_s)


def _value(name: str, headers: Mapping[str, str], target: str, authority: str) -> str:
    if name == "@request-target":
        return target
    if name == "@authority":
        return authority.lower()
    if name not in headers:
        raise Unverified("the signature covers a header that is not there")
    return headers[name].strip()


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def _bytes(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise Unverified("a signature that is no base64") from None


def _current(tail: str, now: float, age_s: float, skew_s: float) -> Signed:
    """The parameters of a signature that is proved."""
    parameters: dict[str, str] = {}
    for pair in re.findall(r';([a-z]+)=("[^"]*"|\d+)', tail):
        if pair[0] in parameters:
            raise Unverified("a parameter of the signature is given twice")
        parameters[pair[0]] = pair[1].strip('"')
    if parameters.get("alg", "hmac-sha256") != "hmac-sha256":
        raise Unverified("signed in another way than HMAC-SHA256")
    if len(parameters.get("nonce", "")) < NONCE_AT_LEAST:
        raise Unverified("signed without a nonce")
    created, expires = _time(parameters, "created"), _time(parameters, "expires")
    if created is None or created > now + skew_s:
        raise Unverified("signed in the future, or at no time at all")
    if created + age_s + skew_s < now or (expires is not None and expires + skew_s < now):
        raise Unverified("signed too long ago")
    return Signed(parameters.get("keyid", ""), parameters["nonce"], created)


def _time(parameters: Mapping[str, str], name: str) -> int | None:
    text = parameters.get(name, "")
    return int(text) if text.isdigit() else None
