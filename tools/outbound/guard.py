"""The guard of every request that goes out: to hosts that are public, or that the operator allowed, and nowhere else.

A name is looked up here, each of its addresses is judged, and the connection goes to the very addresses that were
judged: a name that changes its mind meanwhile (DNS rebinding) changes nothing. Who connects by other means than aiohttp
asks `Guard.addresses` and connects to what it gives.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tools.outbound.addresses import NOWHERE_ELSE, Allowed, why_refused

__all__ = ["Guard", "Lookup", "Refused"]

_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
"""A last label that has resolvers take the name for an IPv4 address: `2130706433`, `0x7f.1`, `0177.0.0.1`
(the WHATWG URL standard, 3.5: "ends in a number")."""

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Name and port → addresses. Raises OSError."""


class Refused(OSError):
    """The guard lets no request go there. The message names the host and how to allow it, and no secret."""


async def system_lookup(host: str, port: int) -> list[str]:
    """As the system resolves names. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class Guard:
    def __init__(self, allowed: Allowed = NOWHERE_ELSE, lookup: Lookup = system_lookup) -> None:
        self._allowed = allowed
        self._lookup = lookup

    def check(self, url: str | URL) -> URL:
        """The URL, if its form and its host may be asked at all; a name is judged when it is looked up.

        Raises Refused.
        """
        try:
            parsed = URL(url) if isinstance(url, str) else url
            host, port = parsed.host, parsed.port
        except ValueError:
            raise Refused("the URL cannot be read; write https://host/path") from None
        if parsed.scheme not in ("http", "https"):
            raise Refused(
                f"the URL begins with {parsed.scheme or 'no scheme'}:; only https:// and http:// are asked"
            )
        if not host or port is None:
            raise Refused("the URL names no host; write https://host/path")
        if parsed.user is not None or parsed.password is not None:
            raise Refused(
                "the URL holds a user or password; put them under `auth` and the password among the secrets"
            )
        self._check_host(host, port)
        return parsed

    async def addresses(self, host: str, port: int) -> list[str]:
        """Where a connection to `host` may go. Raises Refused when one of its addresses is out of bounds: a name with
        a public and a private one is an attack, or a mistake. Raises OSError when the name has no address."""
        self._check_host(host, port)
        literal = _literal(host)
        found = [literal] if literal is not None else await self._lookup(host, port)
        if not found:
            raise OSError(f"{host} has no address")
        if not self._allowed.host(host, port):
            for address in found:
                self._check_address(host, port, address)
        return found

    def session(self, *, connect_s: float = 5.0, total_s: float = 30.0, limit: int = 100) -> ClientSession:
        """A client whose connections pass the guard; it reads no proxy from the environment and keeps no cookies. At
        most `limit` connections; who wants one more waits, within its timeout. Needs a running loop."""
        connector = TCPConnector(resolver=_Resolver(self), use_dns_cache=False, limit=limit)
        return ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=total_s, connect=connect_s),
            trust_env=False,
        )

    def _check_host(self, host: str, port: int) -> None:
        if self._allowed.host(host, port):
            return
        literal = _literal(host)
        if literal is not None:
            # aiohttp connects to a written address without asking its resolver.
            self._check_address(host, port, literal)
        elif _NUMERIC.fullmatch(host.rstrip(".").rpartition(".")[2]):
            raise Refused(f"{host} is an address in disguise; write it as four decimal numbers")
        elif host.lower().rstrip(".").rpartition(".")[2] == "localhost":
            raise Refused(_sentence(host, port, "this machine"))

    def _check_address(self, host: str, port: int, address: str) -> None:
        why = why_refused(address)
        if why is not None and not self._allowed.address(ip_address(address.partition("%")[0])):
            raise Refused(_sentence(host, port, why))


class _Resolver(AbstractResolver):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found: list[ResolveResult] = []
        for address in await self._guard.addresses(host, port):
            kind = socket.AF_INET6 if ":" in address else socket.AF_INET
            if family in (socket.AF_UNSPEC, kind):
                found.append(
                    ResolveResult(
                        hostname=host, host=address, port=port, family=kind, proto=0,
                        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                    )
                )  # fmt: skip
        return found

    async def close(self) -> None:
        pass


def _literal(host: str) -> str | None:
    """The address, where the host is written as one: in four decimal numbers or in IPv6."""
    bare = host.strip("[]")
    try:
        ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return bare


def _sentence(host: str, port: int, why: str) -> str:
    return (
        f"{host}:{port} leads to {why}; no request goes there. If that is meant, add {host}:{port} to"
        " PARLEY_OUTBOUND_ALLOW"
    )
