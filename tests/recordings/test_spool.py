"""The spool: files that are whole after every write, whatever happens to the disk or the process."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from gateway.recordings.spool import PART, WAITING, WHOLE, Spool, measured
from media.audio import AudioFormat
from media.record import Chunk
from media.wav import HEAD_BYTES, WavError

pytestmark = pytest.mark.integration

MULAW = AudioFormat(8000, "mu")


@asynccontextmanager
async def opened(folder: Path, closed: Callable[[], None] = lambda: None) -> AsyncIterator[Spool]:
    """Off the loop, as all that reads the disk."""
    stack = ExitStack()
    spool = await asyncio.to_thread(stack.enter_context, Spool.open(folder, closed))
    try:
        yield spool
    finally:
        await asyncio.to_thread(stack.close)


async def only(spool: Spool) -> Path:
    (path,) = await asyncio.to_thread(spool.finished)
    return path


def chunk(second: int, left: bytes = b"\x01", right: bytes = b"\x02") -> Chunk:
    return Chunk(8000 * second, left * 8000, right * 8000)


async def test_a_recording_is_whole_when_its_call_is_over(tmp_path: Path) -> None:
    closed: list[bool] = []
    async with opened(tmp_path, lambda: closed.append(True)) as spool:
        tape = spool.tape("rtc_1", MULAW)
        for second in range(3):
            tape.write(chunk(second))
        assert await asyncio.to_thread(spool.finished) == []
        await tape.close()
        assert closed == [True]
        path = await only(spool)
    assert path.name == f"rtc_1{WHOLE}"
    assert path.stat().st_mode & 0o077 == 0
    assert await asyncio.to_thread(measured, path) == (MULAW, 24000)
    assert path.read_bytes()[HEAD_BYTES:] == b"\x01\x02" * 24000


async def test_a_call_without_sound_leaves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.tape("rtc_1", MULAW).close()
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_a_disk_that_is_full_for_a_while_costs_only_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = os.pwrite

    def full(file: int, data: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with opened(tmp_path) as spool:
        tape = spool.tape("rtc_1", MULAW)
        tape.write(chunk(0))
        await asyncio.sleep(0.05)
        monkeypatch.setattr(os, "pwrite", full)
        tape.write(chunk(1))
        tape.write(chunk(2))
        await asyncio.sleep(0.05)
        monkeypatch.setattr(os, "pwrite", real)
        tape.write(chunk(3))
        await tape.close()
        path = await only(spool)
    assert path.suffix == PART
    assert await asyncio.to_thread(measured, path) == (MULAW, 32000)
    sound = path.read_bytes()[HEAD_BYTES:]
    assert sound == b"\x01\x02" * 8000 + b"\xff" * 32000 + b"\x01\x02" * 8000
    assert caplog.messages == ["a recording is incomplete: No space left on device"]


async def test_a_disk_that_stands_still_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands, real = threading.Event(), os.pwrite

    def slow(file: int, data: bytes, offset: int) -> int:
        stands.wait(5)
        return real(file, data, offset)

    monkeypatch.setattr(os, "pwrite", slow)
    async with opened(tmp_path) as spool:
        tape = spool.tape("rtc_1", MULAW)
        began = asyncio.get_running_loop().time()
        for second in range(3 * WAITING):
            tape.write(chunk(second))
            await asyncio.sleep(0)
        assert asyncio.get_running_loop().time() - began < 0.5
        stands.set()
        await asyncio.sleep(0.2)
        tape.write(chunk(3 * WAITING))
        await tape.close()
        path = await only(spool)
    assert path.suffix == PART
    assert (await asyncio.to_thread(measured, path))[1] == 8000 * (3 * WAITING + 1)


KILLED = """
import asyncio, sys
from pathlib import Path
from gateway.recordings.spool import Spool
from media.record import Chunk
from media.audio import AudioFormat

async def main():
    with Spool.open(Path(sys.argv[1]), lambda: None) as spool:
        tape = spool.tape("rtc_1", AudioFormat(8000, "mu"))
        for second in range(600):
            tape.write(Chunk(8000 * second, b"\\x01" * 8000, b"\\x02" * 8000))
            await asyncio.sleep(0.01)
            if second == 20:
                print("now", flush=True)

asyncio.run(main())
"""


async def test_what_a_killed_process_leaves_is_a_valid_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    killed = await asyncio.to_thread(subprocess.Popen, command, stdout=subprocess.PIPE)
    assert killed.stdout is not None
    await asyncio.to_thread(killed.stdout.readline)
    async with opened(tmp_path) as spool:
        assert await asyncio.to_thread(spool.finished) == [], "somebody writes it"
        killed.send_signal(signal.SIGKILL)
        await asyncio.to_thread(killed.communicate)
        path = await only(spool)
    before = path.read_bytes()
    assert int.from_bytes(before[54:58], "little") >= 15 * 16000, "it says itself how long it is"
    sound, samples = await asyncio.to_thread(measured, path)
    assert sound == MULAW
    assert samples >= 15 * 8000
    assert set(path.read_bytes()[HEAD_BYTES:]) == {1, 2}


@pytest.mark.parametrize("left", [b"", b"RIFF", bytes(HEAD_BYTES), b"x" * 100])
def test_what_was_cut_off_before_any_sound_is_told(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "rtc_1.part"
    path.write_bytes(left)
    with pytest.raises(WavError):
        measured(path)


async def test_an_odd_end_is_cut(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        tape = spool.tape("rtc_1", AudioFormat(24000))
        tape.write(Chunk(0, bytes(4800), bytes(4800)))
        await tape.close()
        path = await only(spool)
    with path.open("ab") as file:
        file.write(b"\1\2\3")
    assert await asyncio.to_thread(measured, path) == (AudioFormat(24000), 2400)
    assert path.stat().st_size == HEAD_BYTES + 9600
