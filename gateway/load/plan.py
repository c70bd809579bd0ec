"""What is asked of a run: read from the command line once, and handed on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["KINDS", "Plan", "Threshold", "Unclear"]

KINDS = ("webrtc", "phone", "ws")
THRESHOLD = re.compile(r"([a-z_0-9]+)\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?)")


class Unclear(Exception):
    """What was asked for cannot be meant. The text says what would do."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """`figure` must not be `sign` `value`."""

    text: str
    figure: str
    sign: str
    value: float

    @classmethod
    def read(cls, text: str) -> Threshold:
        """Raises Unclear."""
        found = THRESHOLD.fullmatch(text.strip())
        if found is None:
            raise Unclear(f"--fail-if {text!r} is not FIGURE>NUMBER: first_audio_p95>800")
        return cls(text.strip(), found[1], found[2], float(found[3]))

    def broken(self, value: float) -> bool:
        return {
            ">": value > self.value,
            "<": value < self.value,
            ">=": value >= self.value,
            "<=": value <= self.value,
        }[self.sign]


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. Times in seconds, where the name does not say otherwise."""

    url: str
    """Scheme, host and port; and a path, where one kind alone is asked for."""
    kinds: tuple[str, ...] = ("webrtc",)
    """Calls take them in turn."""
    calls: int = 1
    duration_s: float = 60.0
    """From the first call to the last hang-up."""
    ramp_s: float = 5.0
    """From the first call to the last one."""
    lead_s: float = 3.0
    """Before a caller's first word: a greeting is heard out."""
    patience_s: float = 10.0
    """How long a caller waits for a reply before the next turn."""
    barge_in_every: int = 3
    """Each so-manieth reply is interrupted; 0: none."""
    barge_in_after_s: float = 1.2
    loss_percent: float = 0.0
    jitter_ms: float = 0.0
    speech: tuple[Path, ...] = ()
    interruption: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    """By kind."""
    offer: str = "raw"
    """`raw` SDP, or `json`: {sdp, type}."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """More of the JSON offer; `{n}` is the number of the call."""
    carrier: str = "twilio"
    persona: str | None = None
    insecure: bool = False
    tones: bool = False
    pid: int | None = None
    reply_ms: float = 0.0
    """How long each reply of this server sounds, where all are alike; 0: not known."""

    def address(self, kind: str, default: str, *, sockets: bool = False) -> str:
        """The URL of that kind of call."""
        parts = urlsplit(self.url)
        secure = parts.scheme in ("https", "wss")
        scheme = ("wss" if secure else "ws") if sockets else ("https" if secure else "http")
        own = parts.path.rstrip("/") and f"{parts.path}{'?' if parts.query else ''}{parts.query}"
        return f"{scheme}://{parts.netloc}{self.paths.get(kind) or own or default}"

    def address_of_server(self) -> str:
        """Without a path, for requests."""
        parts = urlsplit(self.url)
        return f"{'https' if parts.scheme in ('https', 'wss') else 'http'}://{parts.netloc}"

    @property
    def secure(self) -> bool:
        return urlsplit(self.url).scheme in ("https", "wss")

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def has_path(self) -> bool:
        return bool(urlsplit(self.url).path.rstrip("/"))

    @property
    def loopback(self) -> bool:
        host = urlsplit(self.url).hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.")
