"""How a request proves whose it is, by a header."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

from tools.http.model import Auth
from tools.secrets import SecretError, Secrets

__all__ = ["proof", "proof_headers", "spellings"]


async def proof(auth: Auth | None, secrets: Secrets) -> dict[str, str]:
    """Reads the secret. Raises SecretError."""
    return {} if auth is None else proof_headers(auth, await secrets.read(auth.secret))


def proof_headers(auth: Auth, value: str) -> dict[str, str]:
    """Empty where the proof is no header. Raises SecretError for a value that is none."""
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise SecretError(f"the secret {auth.secret} has more than one line")
    if auth.bearer is not None:
        return {"Authorization": f"Bearer {value}"}
    if auth.basic is not None:
        return {"Authorization": f"Basic {b64encode(f'{auth.basic.user}:{value}'.encode()).decode()}"}
    return {} if auth.header is None else {auth.header.name: value}


def spellings(auth: Auth | None, value: str) -> list[str]:
    """All ways in which the value is written in a request, for who hides it where a service says back what it was
    sent."""
    found = {value, quote(value), quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    if auth is not None and auth.basic is not None:
        found.add(b64encode(f"{auth.basic.user}:{value}".encode()).decode())
    return sorted(found)
