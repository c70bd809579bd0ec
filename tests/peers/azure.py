"""What Azure's servers have in common: keys, and how they refuse (section 14.1)."""

from __future__ import annotations

import hmac

from tests.peers.faults import Event
from tests.peers.script import Refusal
from tests.peers.vendor import Upgrade

__all__ = ["KEY", "TOKEN", "azure_body", "has_key", "no_access", "no_deployment", "not_found"]

KEY = "azure-peer-0123456789"
TOKEN = "entra-peer-0123456789"


def has_key(upgrade: Upgrade) -> bool:
    """`api-key` as a header or in the query, or an Entra token as bearer; a key as bearer does not count."""
    given = upgrade.headers.get("api-key") or upgrade.query.get("api-key") or ""
    scheme, _, token = upgrade.headers.get("authorization", "").partition(" ")
    by_token = scheme == "Bearer" and hmac.compare_digest(token, TOKEN)
    return hmac.compare_digest(given, KEY) or by_token


def no_access() -> Refusal:
    message = (
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for "
        "an active subscription and use a correct regional API endpoint for your resource."
    )
    return Refusal(401, "401", message)


def not_found() -> Refusal:
    return Refusal(404, "404", "Resource not found")


def no_deployment() -> Refusal:
    return Refusal(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")


def azure_body(refusal: Refusal) -> Event:
    """Azure tells code and message only."""
    return {"error": {"code": refusal.code or str(refusal.status), "message": refusal.message}}
