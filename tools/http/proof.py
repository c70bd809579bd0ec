"""How a request proves whose it is, by a header."""

from __future__ import annotations

from base64 import b64encode

from tools.http.model import Auth
from tools.secrets import SecretError, Secrets

__all__ = ["proof", "proof_headers"]


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
