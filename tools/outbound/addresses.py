"""Which network addresses a request of ours may go to. Arithmetic on addresses; no name is looked up.

A tool's URL, an MCP server's, a webhook's: each names a host that somebody else may come to control. Without a rule a
name that leads to 127.0.0.1 or 169.254.169.254 would have Parley read what only this machine may read.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

__all__ = ["NOWHERE_ELSE", "Allowed", "why_refused"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ip_network("::/96")
"""IPv4-compatible addresses (RFC 4291 2.5.5.1), which some systems still route as what they hold."""

_MORE = (ip_network("192.0.0.0/24"), ip_network("192.88.99.0/24"), ip_network("168.63.129.16/32"))
"""Out of bounds, though `ipaddress` takes some of it for public: protocol assignments (RFC 6890), of which a cloud has
its metadata on 192.0.0.192; relays of 6to4 (RFC 7526); the host of a virtual machine at Azure."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be reached although it is not public: networks, and names with or without a port.

    A name is trusted wherever it leads, so it should be one that nobody else can change.
    """

    networks: tuple[Network, ...] = ()
    hosts: frozenset[tuple[str, int | None]] = frozenset()

    @classmethod
    def read(cls, entries: tuple[str, ...]) -> Allowed:
        """From `10.1.0.0/16`, `192.0.2.7`, `crm.internal`, `crm.internal:8443`. Raises ValueError naming the entry."""
        networks: list[Network] = []
        hosts: set[tuple[str, int | None]] = set()
        for entry in entries:
            try:
                networks.append(ip_network(entry.strip("[]")))
                continue
            except ValueError:
                if "/" in entry:
                    raise ValueError(
                        f"{entry!r} is no network; write it like 10.1.0.0/16, or a name like crm.internal:8443"
                    ) from None
            name, _, port = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
            if not name or ":" in name or (port and not (port.isdigit() and 0 < int(port) < 65536)):
                raise ValueError(
                    f"{entry!r} is neither a network nor a name; write crm.internal or crm.internal:8443"
                )
            hosts.add((name.lower().rstrip("."), int(port) if port else None))
        return cls(tuple(networks), frozenset(hosts))

    def host(self, name: str, port: int) -> bool:
        name = name.lower().rstrip(".")
        return (name, None) in self.hosts or (name, port) in self.hosts

    def address(self, address: Address) -> bool:
        return any(
            each.version == network.version and each in network
            for each in _faces(address)
            for network in self.networks
        )


NOWHERE_ELSE = Allowed()
"""Nothing but what is public."""


def why_refused(address: str) -> str | None:
    """What the address is that makes it out of bounds, in words; None for a public one. What it holds counts as well:
    `::ffff:127.0.0.1` is loopback, and so is a tunnel's address that leads there.

    Raises ValueError when it is no address.
    """
    for each in _faces(ip_address(address.partition("%")[0])):
        if (kind := _kind(each)) is not None:
            return kind
    return None


def _faces(address: Address) -> tuple[Address, ...]:
    """The address, and each IPv4 address that it stands for."""
    if isinstance(address, IPv4Address):
        return (address,)
    held: list[Address] = [address]
    if address.ipv4_mapped is not None:
        # The mapped address alone: that ::ffff:0:0/96 itself is reserved says nothing about it.
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        held.append(address.sixtofour)
    if address.teredo is not None:
        held += address.teredo
    if any(address in network for network in _NAT64) or (address in _COMPATIBLE and int(address) > 1):
        held.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(held)


def _kind(address: Address) -> str | None:
    if isinstance(address, IPv6Address) and any(address in network for network in _NAT64):
        # A translator's address is as public as the one it holds, which is judged beside it.
        return None
    if address.is_unspecified:
        return "the unspecified address"
    if address.is_loopback:
        return "this machine"
    if address.is_link_local:
        return "link-local, where clouds keep their machines' credentials"
    if address.is_multicast:
        return "multicast"
    if isinstance(address, IPv6Address) and address.is_site_local:
        return "a private network"
    if address.is_private:
        return "a private network"
    if not address.is_global or address.is_reserved or any(address in network for network in _MORE):
        return "not a public address"
    return None
