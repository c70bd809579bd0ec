"""What an Asterisk is to be told: who calls through it, and where Parley is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.errors import ConfigError

__all__ = ["CODECS", "USER", "Plan", "ports"]

USER = "parley"
"""Who Asterisk says it is at Parley's media socket; its password is the secret."""
CODECS = {"ulaw": "µ-law", "alaw": "A-law"}
"""What trunks and telephones speak, by Asterisk's name: it passes through unchanged."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
PERSONA = re.compile(r"[A-Za-z0-9_.-]{1,128}")
EXTENSION = re.compile(r"_?[A-Za-z0-9+*#.!\[\]-]{1,60}")
"""A number, or a pattern (`_…`) of pbx_config."""
SECRET = re.compile(r"[!-:<-~]{1,200}")
"""Printable, without blanks and without the semicolon, which begins a comment in Asterisk's files."""
HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
RTP = "--rtp must be first-last, such as 10000-20000: UDP ports from 1024 on, four of them at least"
RESERVED = frozenset({"general", "globals", "global", "system", "parley", "parley-udp"})
"""Sections that Asterisk or the other files have already."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One endpoint, telephone or trunk, whose calls go to Parley."""

    server: str
    """Parley's address as Asterisk reaches it: `ws://host:port` or `wss://host`, with a path if a proxy needs one."""
    secret: str
    """What proves Asterisk at Parley's media socket."""
    endpoint: str = "phone"
    """Name of the endpoint in pjsip.conf; a telephone registers under it."""
    password: str = ""
    """The telephone's."""
    trunk: str = ""
    """Host of the provider (`host` or `host:port`), whose calls are taken by its address, without a password. Empty for
    a telephone, which registers."""
    extensions: tuple[str, ...] = ("_[+0-9]!",)
    """What is dialled to reach Parley: numbers or patterns."""
    persona: str = ""
    """Who answers; empty for whom Parley's own settings name."""
    codec: str = "ulaw"
    bind: str = "0.0.0.0:5060"
    """Address and port of SIP over UDP."""
    rtp: tuple[int, int] = (10000, 20000)
    """First and last UDP port of the sound."""

    def check(self) -> None:
        """Raises ConfigError with everything that cannot be meant, and how to mend it."""
        faults = [
            fault
            for fault in (
                _server(self.server),
                _secret("the secret", self.secret),
                _name(self.endpoint),
                None if self.trunk else _secret("the telephone's password", self.password),
                _host_port("--trunk", self.trunk, named=True) if self.trunk else None,
                *(_extension(one) for one in self.extensions),
                None if self.extensions else "--extension: at least one is needed, such as 100 or _[+0-9]!",
                None
                if not self.persona or PERSONA.fullmatch(self.persona)
                else "--persona: the id of a persona, such as dental_reception",
                None if self.codec in CODECS else f"--codec must be {' or '.join(CODECS)}",
                _host_port("--bind", self.bind, named=False),
                _rtp(self.rtp),
            )
            if fault is not None
        ]
        if faults:
            raise ConfigError(faults)


def _server(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if (
        not SECRET.fullmatch(url)  # urlsplit drops line ends
        or parts.scheme not in ("ws", "wss")
        or not HOST.fullmatch(parts.hostname or "")
        or parts.username is not None
        or parts.query
        or parts.fragment
        or port == 0
        or not re.fullmatch(r"[A-Za-z0-9/._~-]*", parts.path)
    ):
        return "--server must be ws://host:port or wss://host: Parley's address as Asterisk reaches it, without a query"
    return None


def _secret(what: str, text: str) -> str | None:
    if SECRET.fullmatch(text):
        return None
    return f"{what} must be 1 to 200 printable ASCII characters without blanks and semicolons"


def _name(name: str) -> str | None:
    if NAME.fullmatch(name) and name not in RESERVED:
        return None
    return "--endpoint must be a letter followed by up to 39 of A-Z a-z 0-9 _ -, and no section that is there already"


def _extension(text: str) -> str | None:
    if EXTENSION.fullmatch(text) and text.count("[") == text.count("]"):
        return None
    return (
        "--extension must be a number or a name, such as 100, or a pattern of Asterisk's, such as _[+0-9]!"
    )


def _host_port(option: str, text: str, *, named: bool) -> str | None:
    """A host, where `named`, or else an address; with a port, optional for a host."""
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = text, "5060" if named else ""
    good = bool(HOST.fullmatch(host)) and (named or _is_address(host))
    if good and port.isascii() and port.isdigit() and 0 < int(port) < 65536:
        return None
    wish = "host or host:port of the trunk" if named else "address:port, such as 0.0.0.0:5060"
    return f"{option} must be {wish}"


def _is_address(text: str) -> bool:
    try:
        return ip_address(text).version == 4
    except ValueError:
        return False


def ports(text: str) -> tuple[int, int]:
    """`first-last`. Raises ConfigError."""
    first, _, last = text.partition("-")
    if not all(one.isascii() and one.isdigit() and len(one) < 6 for one in (first, last)):
        raise ConfigError([RTP])
    return int(first), int(last)


def _rtp(ports: tuple[int, int]) -> str | None:
    first, last = ports
    if 1024 <= first < last - 2 and last < 65536:
        return None
    return RTP
