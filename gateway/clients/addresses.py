"""Which addresses are this machine's own."""

from __future__ import annotations

import socket

__all__ = ["is_ours"]


def is_ours(address: str) -> bool:
    """Whether a socket can be bound to the IP address: not so for the public side of a 1:1 NAT."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
