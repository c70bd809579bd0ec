"""Plivo's `extraHeaders`: what a document gives to its stream, in letters and digits only (section 4.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["headers_in", "headers_out"]

AT_MOST = 512
"""Bytes of them all."""
HEX = "hex"
"""Begins the name of a value that is written as the hexadecimal digits of its UTF-8: `hexcaller=2b31555…`."""

PLAIN = re.compile(r"[A-Za-z0-9]+")
PREFIX = re.compile(r"x-ph-", re.IGNORECASE)
"""Plivo puts it before names that it carries to the other side; streams do not show it, so far."""


def headers_out(given: Mapping[str, str]) -> str:
    """`given` as `name=value,…`. Values with other characters than letters and digits travel as hexadecimal digits,
    so `+15550100001` comes through whole. Raises ValueError for a name that cannot, or more than Plivo takes."""
    pairs = []
    for name, value in given.items():
        if not PLAIN.fullmatch(name) or name.startswith(HEX):
            raise ValueError(f"a header's name is letters and digits, and does not begin with {HEX}")
        plain = PLAIN.fullmatch(value)
        pairs.append(f"{name}={value}" if plain else f"{HEX}{name}={value.encode().hex()}")
    written = ",".join(pairs)
    if len(written) > AT_MOST:
        raise ValueError(f"more than {AT_MOST} bytes of headers")
    return written


def headers_in(told: object) -> dict[str, str]:
    """What `headers_out` wrote: one text, with semicolons as Plivo returns it or with commas, or an object."""
    if isinstance(told, dict):
        pairs = [(name, value) for name, value in told.items() if isinstance(value, str)]
    elif isinstance(told, str):
        split = (one.partition("=") for one in re.split("[;,]", told.strip("{} ")))
        pairs = [(name.strip(), value.strip()) for name, _, value in split]
    else:
        pairs = []
    given: dict[str, str] = {}
    for name, value in pairs:
        plain = PREFIX.sub("", name, count=1)
        if plain.startswith(HEX) and len(plain) > len(HEX):
            try:
                given[plain.removeprefix(HEX)] = bytes.fromhex(value).decode()
            except ValueError:
                given[plain] = value
        elif plain:
            given[plain] = value
    return given
