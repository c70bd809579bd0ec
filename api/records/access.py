"""The access key of a session: who holds it may read the session."""

from __future__ import annotations

import base64
import hashlib
import hmac

__all__ = ["AccessKeys"]


class AccessKeys:
    """A session's key is derived from its id with a secret, so that a call can be answered with it although only
    its hash is stored. Whether a presented key is right is decided by the stored hash alone."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def key_of(self, session_id: str) -> str:
        """The key, 43 URL-safe characters."""
        digest = hmac.digest(self._secret, session_id.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def csrf_of(self, cookie: str) -> str:
        """The token that goes with requests which the cookie `cookie` allows to change something: only a page that may
        read our answers knows it. 43 URL-safe characters."""
        digest = hmac.digest(self._secret, b"csrf:" + cookie.encode("utf-8", "replace"), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    @staticmethod
    def hash_of(key: str) -> str:
        """What is stored: SHA-256 in hex. The key has 256 random bits, so nothing slower is needed."""
        return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()

    @classmethod
    def opens(cls, key: str, stored_hash: str) -> bool:
        """Whether the key is the session's, in constant time."""
        return hmac.compare_digest(cls.hash_of(key), stored_hash)
