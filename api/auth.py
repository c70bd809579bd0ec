"""Who asks: bearers, keys, origins. Secrets are compared in constant time and never logged."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import SecretStr

from api.errors import ApiError
from api.limits import Rate, RateLimiter
from gateway.config import Settings
from gateway.stores.schema import DEFAULT_TENANT

__all__ = [
    "HANDED",
    "bearer",
    "foreign_origin",
    "from_this_machine",
    "is_one_of",
    "operator_tenant",
    "spend",
    "tenant_of_key",
    "tenant_of_session",
]

HANDED = web.RequestKey("HANDED", bool)
"""Of a request that another worker had first, and counted."""
_PROXIED = re.compile(
    r"forwarded|via|x-(forwarded|original|envoy)-.*|x-real-ip|cdn-loop|cf-.*|(true|x|x-cluster|fastly)-client-ip",
    re.IGNORECASE,
)
"""The headers by which proxies, tunnels and content networks tell that they stand in between."""


def bearer(request: web.Request, scheme: str = "Bearer") -> str | None:
    """What follows the scheme in `Authorization`, or None."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if kind.lower() == scheme.lower() and value.strip() else None


def is_one_of(presented: str, secrets: Iterable[SecretStr]) -> bool:
    """Whether it is one of the secrets. Compares with every one, so that time tells nothing."""
    given = presented.encode("utf-8", "replace")
    found = False
    for secret in secrets:
        found |= hmac.compare_digest(given, secret.get_secret_value().encode())
    return found


def tenant_of_key(presented: str, settings: Settings) -> str | None:
    """Whose server key it is, or None when it is nobody's. Compares with every one, so that time tells nothing."""
    given = presented.encode("utf-8", "replace")
    tenant = None
    for key in settings.server_keys:
        if hmac.compare_digest(given, key.secret.get_secret_value().encode()):
            tenant = key.tenant or DEFAULT_TENANT
    return tenant


def tenant_of_session(request: web.Request, asked: str | None, settings: Settings) -> str:
    """Whose a new session is: the tenant that is asked for, else that of the server key that comes along, else the
    default one. A tenant that has a server key of its own is opened with that only. Raises ApiError 401."""
    key = bearer(request)
    owner = None if key is None else tenant_of_key(key, settings)
    if asked is None or asked == owner:
        return owner or DEFAULT_TENANT
    if asked != DEFAULT_TENANT and any(key.tenant == asked for key in settings.server_keys):
        raise ApiError(
            401,
            "Sessions of this tenant are opened with its server key: send it as Authorization: Bearer.",
            param="tenantId",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return asked


def operator_tenant(request: web.Request, settings: Settings) -> str:
    """Whose server asks the control plane. Without server keys only programs on this machine may. Raises ApiError
    401."""
    if not settings.server_keys and from_this_machine(request, settings):
        return DEFAULT_TENANT
    key = bearer(request)
    tenant = None if key is None else tenant_of_key(key, settings)
    if tenant is None:
        raise ApiError(
            401, "Send a server key as Authorization: Bearer.", headers={"WWW-Authenticate": "Bearer"}
        )
    return tenant


def from_this_machine(request: web.Request, settings: Settings) -> bool:
    """Whether only a program on this machine, or a page of this server that is open on it, can have sent this.

    Not with `PARLEY_PUBLIC_URL` set, nor when a proxy left its mark: then the world comes in over loopback.
    """
    return (
        settings.loopback
        and settings.public_url is None
        and _is_loopback(request.host)
        and not any(_PROXIED.fullmatch(name) for name in request.headers)
        and not foreign_origin(request, settings)
    )


def foreign_origin(request: web.Request, settings: Settings) -> bool:
    """Whether a browser sent this from a page of another origin than ours and those of FRONTEND_URLS.

    Ours is the host that was asked for; the scheme may differ behind a proxy. A server for this machine only
    believes no other name, or any site could point its own at 127.0.0.1 and pass for us.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if origin in {url.rstrip("/") for url in settings.frontend_urls}:
        return False
    ours = {urlsplit(settings.public_url).netloc} if settings.public_url else set()
    if not settings.loopback or _is_loopback(request.host):
        ours.add(request.host)
    try:
        return urlsplit(origin).netloc not in ours
    except ValueError:
        return True


def _is_loopback(host: str) -> bool:
    try:
        name = "" if "@" in host else urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def spend(request: web.Request, limiter: RateLimiter, rate: Rate, settings: Settings) -> None:
    """Take one of the caller's requests. Callers on this machine have no limit when only they can come.
    Raises ApiError 429 with Retry-After."""
    if settings.loopback or request.get(HANDED):
        return
    wait = await limiter.take(rate, request.remote or "unknown")
    if wait > 0:
        seconds = int(wait) + 1
        raise ApiError(
            429, f"Too many requests; try again in {seconds} s.", headers={"Retry-After": str(seconds)}
        )
