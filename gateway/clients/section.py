"""One `m=` section of an SDP (RFC 8866 section 5.14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Section"]

OPUS = re.compile(r"(\d{1,3}) opus/48000/2", re.IGNORECASE)
DIRECTIONS = ("sendrecv", "recvonly", "sendonly", "inactive")


@dataclass(frozen=True, slots=True)
class Section:
    """One `m=` section as it was offered."""

    kind: str
    port: int
    profile: str
    formats: str
    attributes: tuple[str, ...]
    """Without `a=`."""

    def first(self, name: str) -> str | None:
        """The value of the first attribute of that name."""
        prefix = name + ":"
        return next((a[len(prefix) :] for a in self.attributes if a.startswith(prefix)), None)

    def every(self, name: str) -> list[str]:
        prefix = name + ":"
        return [a[len(prefix) :] for a in self.attributes if a.startswith(prefix)]

    @property
    def direction(self) -> str:
        """RFC 8866 section 6.7: sendrecv when it does not say."""
        return next((a for a in self.attributes if a in DIRECTIONS), "sendrecv")

    @property
    def opus(self) -> int | None:
        """The payload type of Opus."""
        listed = self.formats.split()
        for value in self.every("rtpmap"):
            match = OPUS.fullmatch(value)
            if match and match[1] in listed and 96 <= int(match[1]) <= 127:
                return int(match[1])
        return None
