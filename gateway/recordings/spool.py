"""Recordings on their way: files of this machine, written by one thread while the calls go on.

A file of the spool is a valid WAV file after every write, so what a killed process leaves can be played. Its name is
the call's id; it ends in `.part` while it is written, and for ever if something of it is missing. Whoever holds its
lock is writing it: the kernel lets go of the lock when the process dies, whatever it died of.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from gateway.metrics.counts import let_go
from media.audio import AudioFormat
from media.record import Chunk
from media.wav import HEAD_BYTES, MOST_BYTES, WavError, head, moment, read_head

__all__ = ["PART", "WHOLE", "Spool", "SpoolTape", "measured"]

logger = logging.getLogger(__name__)

PART, WHOLE = ".part", ".wav"
WAITING = 10
"""Chunks of one call, of a second or so each, that wait for the disk; then the newest is lost, and the recording is
incomplete."""
FRESH_S = 10.0
"""A file so young may not have been locked yet."""
FILL = 64 * 1024
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class SpoolTape:
    """The recording of one call (`gateway.ports.Tape`). `write` and `close` are the loop's, the rest the thread's."""

    def __init__(
        self, path: Path, form: AudioFormat, thread: ThreadPoolExecutor, closed: Callable[[], None]
    ) -> None:
        self._path = path
        self._form = form
        self._thread = thread
        self._closed = closed
        self._given = self._taken = 0
        """Chunks: the loop counts the first, the thread the second."""
        self._missing = False
        self._file: int | None = None
        self._count = 0
        """Bytes of sound in the file."""

    def write(self, chunk: Chunk) -> None:
        """Returns at once."""
        if self._given - self._taken >= WAITING:
            self._lost("the disk is too slow")
            return
        self._given += 1
        self._thread.submit(self._write, chunk)

    async def close(self) -> None:
        """What was written is all; returns when it is on its way to where recordings are kept."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._closed()

    def _write(self, chunk: Chunk) -> None:
        self._taken += 1
        try:
            if self._file is None:
                self._file = _created(self._path)
            self._append(chunk, self._file)
        except OSError as error:
            self._lost(error.strerror or "it cannot be written")

    def _append(self, chunk: Chunk, file: int) -> None:
        begin = chunk.position * moment(self._form)
        end = begin + 2 * len(chunk.caller)
        if end > MOST_BYTES:
            self._lost("a file of this kind holds no more")
            return
        while self._count < begin:
            silence = self._form.silence * min(FILL, begin - self._count)
            self._put(silence, file)
        self._put(_interleaved(chunk, self._form), file)
        _put_at(file, head(self._form, self._count), 0)

    def _put(self, piece: bytes, file: int) -> None:
        _put_at(file, piece, HEAD_BYTES + self._count)
        self._count += len(piece)

    def _close(self) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            if not self._missing:
                self._path.rename(self._path.with_suffix(WHOLE))
        except OSError as error:
            logger.warning("a recording is incomplete: %s", error.strerror)
        finally:
            os.close(file)

    def _lost(self, why: str) -> None:
        let_go("recording")
        if not self._missing:
            self._missing = True
            logger.warning("a recording is incomplete: %s", why)


class Spool:
    """The folder, and the thread that writes to it."""

    def __init__(self, folder: Path, thread: ThreadPoolExecutor, closed: Callable[[], None]) -> None:
        self._folder = folder
        self._thread = thread
        self._on_closed = closed

    @classmethod
    @contextmanager
    def open(cls, folder: Path, closed: Callable[[], None]) -> Iterator[Spool]:
        """`closed` is called on the loop whenever a recording is finished. Reads the disk. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ThreadPoolExecutor(1, "recorder") as thread:
            thread.submit(int).result()
            yield cls(folder, thread, closed)

    def tape(self, call_id: str, form: AudioFormat) -> SpoolTape:
        return SpoolTape(self._folder / f"{call_id}{PART}", form, self._thread, self._on_closed)

    def finished(self) -> list[Path]:
        """The files that nobody writes any more. Reads the disk."""
        return [path for path in sorted(self._folder.iterdir()) if _is_finished(path)]


def measured(path: Path) -> tuple[AudioFormat, int]:
    """Of a finished file: its format and its length in samples. Mends its head, should a crash have come between sound
    and head. Raises OSError, WavError when there is no sound in it."""
    with path.open("r+b") as file:
        form = read_head(file.read(HEAD_BYTES))
        size = file.seek(0, os.SEEK_END)
        count = (size - HEAD_BYTES) // moment(form) * moment(form)
        if count <= 0:
            raise WavError("no sound in it")
        file.truncate(HEAD_BYTES + count)
        file.seek(0)
        file.write(head(form, count))
    return form, count // moment(form)


def _created(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _put_at(file: int, data: bytes, offset: int) -> None:
    """A full disk may take a part before it refuses."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written


def _interleaved(chunk: Chunk, form: AudioFormat) -> bytes:
    kind = np.dtype(np.uint8 if form.sample_bytes == 1 else "<i2")
    both = np.empty((len(chunk.caller) // form.sample_bytes, 2), kind)
    both[:, 0] = np.frombuffer(chunk.caller, kind)
    both[:, 1] = np.frombuffer(chunk.agent, kind)
    return both.tobytes()


def _is_finished(path: Path) -> bool:
    if path.suffix not in (PART, WHOLE) or NAME.fullmatch(path.stem) is None:
        return False
    with suppress(OSError):
        if path.suffix == WHOLE:
            return True
        if time.time() - path.stat().st_mtime < FRESH_S and path.stat().st_size == 0:
            return False
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
