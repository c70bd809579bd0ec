"""The network: the port to listen on, the addresses to offer, the providers to reach."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from pathlib import Path
from urllib.parse import urlsplit

from gateway.checks.finding import Finding, fault, ok, warning
from gateway.clients.addresses import is_ours
from gateway.config import Settings
from gateway.stages import STAGES

__all__ = ["check_ice", "check_port", "check_upstreams"]

REACH_S = 3.0
OPENAI = "https://api.openai.com"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LISTENING = "0A"
"""TCP_LISTEN as /proc/net/tcp writes it."""


async def check_port(settings: Settings) -> Finding:
    """Whether the address can be bound; when not, who holds it."""
    place = f"{settings.host}:{settings.port}"
    if settings.port == 0:
        return ok("port", f"any free one on {settings.host}")
    try:
        family, _, _, _, address = (
            await asyncio.get_running_loop().getaddrinfo(
                settings.host, settings.port, type=socket.SOCK_STREAM
            )
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the server does: an address of a connection that just ended is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError:
        return fault("port", f"{place} needs privileges", "choose a PARLEY_PORT above 1023")
    except socket.gaierror:
        return fault("port", f"{settings.host!r} has no address", "correct PARLEY_HOST")
    except OSError as error:
        holder = await asyncio.to_thread(_holder, settings.port)
        if holder and "parley" in holder[1]:
            return warning(
                "port",
                f"{place} is served by process {holder[0]}, a Parley",
                "stop it before starting another",
            )
        by = f"taken by process {holder[0]} ({holder[1]})" if holder else f"not free ({error.strerror})"
        return fault("port", f"{place} is {by}", "stop that, or choose another PARLEY_PORT or PARLEY_HOST")
    return ok("port", f"{place} is free")


def _holder(port: int, proc: Path = Path("/proc")) -> tuple[int, str] | None:
    """Process id and name of who listens on `port`; None when the system does not tell us."""
    inodes = set()
    for table in ("net/tcp", "net/tcp6"):
        try:
            rows = [line.split() for line in (proc / table).read_text().splitlines()[1:]]
        except OSError:
            continue
        inodes |= {
            f"socket:[{row[9]}]"
            for row in rows
            if row[3] == LISTENING and int(row[1].rsplit(":", 1)[1], 16) == port
        }
    for folder in proc.iterdir() if inodes else ():
        if not folder.name.isdigit():
            continue
        try:
            if any(str(link.readlink()) in inodes for link in (folder / "fd").iterdir()):
                words = (folder / "cmdline").read_text().split("\0")
                return int(folder.name), " ".join(Path(word).name for word in words[:3] if word)
        except OSError:
            continue  # gone meanwhile, or another user's
    return None


def check_ice(settings: Settings) -> Finding:
    """The addresses that callers' media is to come to."""
    if not settings.ice_addresses:
        from aioice.ice import get_host_addresses

        here = get_host_addresses(use_ipv4=True, use_ipv6=True)
        if not here:
            return fault(
                "ice addresses",
                "this machine has no network address but loopback",
                "set PARLEY_ICE_ADDRESSES=127.0.0.1 to talk from a browser on this machine",
            )
        return ok("ice addresses", f"every interface: {', '.join(here)}")
    missing = [address for address in settings.ice_addresses if not is_ours(address)]
    listed = ", ".join(settings.ice_addresses)
    if missing:
        return warning(
            "ice addresses",
            f"{', '.join(missing)} is not an address of this machine",
            "right only as the public side of a 1:1 NAT; else correct PARLEY_ICE_ADDRESSES (see `ip address`)",
        )
    if all(ipaddress.ip_address(address).is_loopback for address in settings.ice_addresses):
        return warning(
            "ice addresses",
            f"{listed}: loopback only",
            "fine for a browser on this machine; others need a reachable address in PARLEY_ICE_ADDRESSES",
        )
    return ok("ice addresses", listed)


async def check_upstreams(settings: Settings) -> list[Finding]:
    """Whether the providers in use can be reached at all. No key is sent."""
    addresses = {
        "openai": OPENAI,
        "azure": settings.azure_openai_endpoint,
        "voicelive": settings.azure_voicelive_endpoint,
        "upstream": settings.upstream_url,
    }
    places = [(name, address) for name in settings.provider_order if (address := addresses.get(name))]
    if "cascade" in settings.provider_order:
        stages = [stage for name in STAGES if (stage := settings.stage(name)) is not None]
        places += [(f"cascade ({stage.name})", stage.url) for stage in stages]
    found = []
    for name, address in places:
        url = urlsplit(address)
        secure = url.scheme in ("https", "wss")
        if not secure and url.hostname not in LOOPBACK:
            mend = "the key and the call would travel in the clear; use https:// or wss://"
            found.append(warning(f"provider {name}", f"{url.scheme}:// to {url.hostname}", mend))
        found.append(await _reach(name, url.hostname or "", url.port or (443 if secure else 80)))
    return found


async def _reach(name: str, host: str, port: int) -> Finding:
    try:
        async with asyncio.timeout(REACH_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        mend = (
            "look at the network and the address; until then calls go to the next provider, if there is one"
        )
        return warning(f"provider {name}", f"{host}:{port} cannot be reached", mend)
    writer.close()
    return ok(f"provider {name}", f"{host}:{port} can be reached")
