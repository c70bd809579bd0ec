"""JWTs (HS256, RFC 7515) of which the header is left out, since it is always the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

__all__ = ["Signer"]

_HEADER = {"alg": "HS256", "typ": "JWT"}


class Signer:
    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)
        self._header = jwt.encode(_HEADER, {}, self._key).partition(".")[0]

    def sign(self, claims: dict[str, Any]) -> tuple[str, str]:
        """The payload and its signature, each in base64url."""
        _, payload, signature = jwt.encode(_HEADER, claims, self._key).split(".")
        return payload, signature

    def read(self, payload: str, signature: str) -> Mapping[str, Any]:
        """The claims. Raises ValueError for what was not signed with this key, or is no JWT."""
        try:
            return jwt.decode(
                f"{self._header}.{payload}.{signature}", self._key, algorithms=["HS256"]
            ).claims
        except JoseError as error:
            raise ValueError("not signed with this key") from error
