"""What every text message of AudioHook version 2 carries: who counts what, and how time is written.

Both sides number their messages from one without a gap and acknowledge the last number of the other's
(reference/telephony.md, section 7).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from gateway.carriers.dialects.reading import text_in
from gateway.wire import StreamFault

__all__ = ["Ledger", "milliseconds", "number"]

VERSION = "2"
DURATION = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,8}(?:\.\d{1,9})?)S)?")


class Ledger:
    """The counts of one session."""

    def __init__(self) -> None:
        self.session = ""
        """Its id, of the first message."""
        self.seq = 0
        """Messages that we sent."""
        self._client_seq = 0

    def accept(self, fields: Mapping[str, object]) -> str:
        """Counts a message of Genesys and tells its type. Raises StreamFault for one that cannot be the next."""
        kind, session, seq = text_in(fields, "type"), text_in(fields, "id"), fields.get("seq")
        acknowledged = number(fields.get("serverseq"))
        if fields.get("version") != VERSION or not kind or not session:
            raise StreamFault("no message of AudioHook version 2")
        if self.session and session != self.session:
            raise StreamFault("a message of another session")
        if seq != self._client_seq + 1:
            raise StreamFault("a message out of its order")
        if acknowledged is None or not 0 <= acknowledged <= self.seq:
            raise StreamFault("a message that acknowledges what was never sent")
        self._client_seq += 1
        self.session = session
        return kind

    def say(self, kind: str, parameters: Mapping[str, object]) -> str:
        """The next message of ours."""
        self.seq += 1
        said = {
            "version": VERSION,
            "id": self.session,
            "type": kind,
            "seq": self.seq,
            "clientseq": self._client_seq,
            "parameters": parameters,
        }
        return orjson.dumps(said).decode()


def number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def milliseconds(value: object) -> int:
    """Of a duration (ISO 8601, hours and below); 0 for anything else."""
    found = DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return 0
    hours, minutes, seconds = found.groups()
    return int((int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)) * 1000)
