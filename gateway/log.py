"""Logging: one line per record, for people or for machines. What is said in a call is never in it.

So a fault is logged as `where(error)` wherever its message may quote a caller or a model: `log.error("… %s",
where(error))`, never `log.exception`.
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from traceback import walk_tb
from typing import Literal

import orjson

__all__ = ["OURS", "call_id", "set_up", "where"]

call_id: ContextVar[str] = ContextVar("call_id", default="")
"""The call this task works for, or nothing: every line logged in it then tells which call it is of."""

FRAMES = 4
"""The innermost frames that `where` names."""
CHAIN = 4
"""How many causes, or members of a group, `where` follows."""

OURS = ("api", "gateway", "media", "personas", "tools")
"""What the level is for. Of a library's own account nobody knows what it quotes: a database driver's holds what was
said in a call."""


class JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if call := call_id.get():
            line["call_id"] = call
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


class TextLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        call = call_id.get()
        line = f"{at} {record.levelname.lower():<7} {record.name}: {record.getMessage()}"
        if call:
            line += f" [{call}]"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def where(error: BaseException) -> str:
    """What kind of fault, and where: `KeyError at call/core.py:88 < call/run.py:112`, innermost first, then what
    caused it. No message and no values: those may quote speech or a key."""
    told: list[str] = []
    waiting = [error]
    while waiting and len(told) < CHAIN:
        one = waiting.pop(0)
        frames = list(walk_tb(one.__traceback__))[-FRAMES:]
        places = " < ".join(
            f"{'/'.join(Path(frame.f_code.co_filename).parts[-2:])}:{line}"
            for frame, line in reversed(frames)
        )
        told.append(f"{type(one).__name__} at {places}" if places else type(one).__name__)
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        cause = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if cause is not None:
            waiting.append(cause)
    return "; from ".join(told)


def set_up(level: str, form: Literal["text", "json"]) -> None:
    """Log to standard error, at `level` and above; of libraries from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine() if form == "json" else TextLine())
    told = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(told, logging.WARNING), handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(told)
