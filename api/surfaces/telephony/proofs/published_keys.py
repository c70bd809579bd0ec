"""Keys that a carrier signs with and publishes (JWKS, found by an OpenID document): fetched, kept, and fetched anew
when it signs with one that is not known yet."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from api.surfaces.telephony.commands.client import Unreached

__all__ = ["PublishedKeys"]

logger = logging.getLogger(__name__)

FRESH_S = 24 * 3600.0
"""Keys that are older are fetched again."""
APART_S = 60.0
"""Between two fetches, whatever is asked for: names of keys that nobody has cost nothing more."""
APART_WITHOUT_S = 2.0
"""The same while there are no keys at all."""
KEYS_AT_MOST = 64
HEADER_LONGEST = 2048

Read = Callable[[str], Awaitable[dict[str, Any]]]
"""The JSON object at a URL. Raises Unreached."""


class PublishedKeys:
    """Of one carrier."""

    def __init__(self, url: str, read: Read) -> None:
        """`url`: the OpenID document."""
        self._url = url
        self._read = read
        self._keys: dict[str, Any] = {"keys": []}
        self._fetched = self._tried = float("-inf")
        self._fetching = asyncio.Lock()

    async def for_token(self, authorization: str, now: float) -> Mapping[str, Any]:
        """The keys to check `Authorization: Bearer …` with, as far as they can be had; `now` in Unix seconds. Whatever
        is no token of anybody's is no reason to fetch any."""
        kid = _kid(authorization)
        if kid is not None and not self._has(kid, now):
            async with self._fetching:
                if not self._has(kid, now) and now - self._tried >= self._apart:
                    self._tried = now
                    await self._fetch(now)
        return self._keys

    def _has(self, kid: str, now: float) -> bool:
        return now - self._fetched < FRESH_S and any(key.get("kid") == kid for key in self._keys["keys"])

    @property
    def _apart(self) -> float:
        return APART_S if self._keys["keys"] else APART_WITHOUT_S

    async def _fetch(self, now: float) -> None:
        """What is there stays when nothing better comes."""
        try:
            where = (await self._read(self._url)).get("jwks_uri")
            if not isinstance(where, str) or not _same_kind(where, self._url):
                logger.warning("the document at %s tells of no keys that can be fetched", self._url)
                return
            found = (await self._read(where)).get("keys")
        except Unreached:
            logger.warning("the keys that %s tells of cannot be had", self._url)
            return
        keys = [key for key in found if isinstance(key, dict)] if isinstance(found, list) else []
        if keys:
            self._keys, self._fetched = {"keys": keys[:KEYS_AT_MOST]}, now


def _same_kind(url: str, document: str) -> bool:
    """Keys come over TLS, as the document does; without it only from where that is (in tests)."""
    one, other = urlsplit(url), urlsplit(document)
    return one.scheme == "https" or (one.scheme, one.netloc) == (other.scheme, other.netloc)


def _kid(authorization: str) -> str | None:
    """The name of the key in a token's header, of which nothing is proved; None where there is no token."""
    scheme, _, token = authorization.partition(" ")
    head = token.strip().partition(".")[0]
    if scheme.lower() != "bearer" or not 0 < len(head) <= HEADER_LONGEST:
        return None
    try:
        value = orjson.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError):
        return None
    kid = value.get("kid") if isinstance(value, dict) else None
    return kid if isinstance(kid, str) else None
