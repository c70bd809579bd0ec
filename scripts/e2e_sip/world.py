"""A network and processes of their own: they meet nothing that runs on the machine, and all of it ends with us."""

from __future__ import annotations

import fcntl
import socket
import struct
import sys

__all__ = ["command_inside", "raise_loopback"]

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def command_inside(module: str, *arguments: str) -> list[str]:
    """A command that runs a module of ours in namespaces of its own (unshare(1), of util-linux)."""
    unshare = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return [*unshare, sys.executable, "-m", module, *arguments]


def raise_loopback() -> None:
    """A new network has nothing but a loopback that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, asked))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
