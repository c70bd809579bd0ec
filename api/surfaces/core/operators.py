"""Who runs this server: who holds a server key, for its tenant; or a program on this machine, while there is none."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from aiohttp import web

from api import auth
from api.deps import Deps
from api.errors import ApiError

__all__ = ["Operator", "operator", "operator_or_none"]


@dataclass(frozen=True, slots=True)
class Operator:
    """Who asks of the control plane."""

    tenant: str
    everywhere: bool
    """They may lay down what holds for all tenants: their key is no tenant's."""

    name: str
    """For who reads later who it was."""

    def of(self, tenant: str) -> bool:
        """Whether they may decide for this tenant."""
        return self.everywhere or self.tenant == tenant


def operator(request: web.Request, deps: Deps) -> Operator:
    """Raises ApiError 401."""
    tenant = auth.operator_tenant(request, deps.settings)
    keys = deps.settings.server_keys
    if not keys:
        return Operator(tenant, everywhere=True, name="this machine")
    given = (auth.bearer(request) or "").encode("utf-8", "replace")
    owners = [
        key.tenant for key in keys if hmac.compare_digest(given, key.secret.get_secret_value().encode())
    ]
    if None in owners:
        return Operator(tenant, everywhere=True, name="server key")
    return Operator(tenant, everywhere=False, name=f"server key of {tenant}")


def operator_or_none(request: web.Request, deps: Deps) -> Operator | None:
    """The operator, or None when who asks is none."""
    try:
        return operator(request, deps)
    except ApiError:
        return None
