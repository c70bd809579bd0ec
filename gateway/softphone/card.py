"""Microphone and loudspeaker of this machine, by the programs that come with its sound system: nothing is linked.

Raw PCM16 mono goes through pipes. What nobody takes in time is dropped, oldest first on the way in and newest on the
way out, so that a call never lags behind.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.softphone.sound import Unusable
from media.audio import FRAME_MS
from media.framer import Framer

__all__ = ["Programs", "SoundCard", "programs"]

WAITING_MS = 200
"""Of the microphone, and of the loudspeaker beside what its program holds."""
GATHERED = 3
"""Frames of the microphone, before the first is sent."""
STOP_S = 2.0


@dataclass(frozen=True, slots=True)
class Programs:
    """A recorder and a player, with their arguments; `{rate}` stands for samples a second."""

    recorder: Sequence[str]
    player: Sequence[str]


KNOWN = (
    Programs(
        ["parec", "--raw", "--format=s16le", "--channels=1", "--rate={rate}", "--latency-msec=20"],
        [
            "pacat",
            "--playback",
            "--raw",
            "--format=s16le",
            "--channels=1",
            "--rate={rate}",
            "--latency-msec=60",
        ],
    ),
    Programs(
        ["arecord", "-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", "{rate}", "--buffer-time=80000"],
        ["aplay", "-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", "{rate}", "--buffer-time=80000"],
    ),
    Programs(
        [
            "rec",
            "-q",
            "--buffer",
            "640",
            "-t",
            "raw",
            "-e",
            "signed",
            "-b",
            "16",
            "-c",
            "1",
            "-r",
            "{rate}",
            "-",
        ],
        [
            "play",
            "-q",
            "--buffer",
            "640",
            "-t",
            "raw",
            "-e",
            "signed",
            "-b",
            "16",
            "-c",
            "1",
            "-r",
            "{rate}",
            "-",
        ],
    ),
)
"""PulseAudio and PipeWire, ALSA, SoX (macOS). The first that is there is taken."""


def programs() -> Programs:
    """Raises Unusable when there are none."""
    for one in KNOWN:
        if shutil.which(one.recorder[0]) and shutil.which(one.player[0]):
            return one
    raise Unusable(
        "--mic needs a program that records and one that plays: parec and pacat (Debian: pulseaudio-utils), "
        "arecord and aplay (alsa-utils), or SoX' rec and play (macOS: brew install sox)"
    )


class SoundCard:
    """`open` once the rates are known, `close` in any case. `failed` is told when a program ends by itself."""

    def __init__(self, chosen: Programs, failed: Callable[[str], None]) -> None:
        self._chosen = chosen
        self._failed = failed
        self._framer = Framer(1)
        self._frames: deque[bytes] = deque(maxlen=WAITING_MS // FRAME_MS)
        self._running: list[tuple[asyncio.SubprocessTransport, _Pipe]] = []
        self._out: asyncio.WriteTransport | None = None
        self._most = 0
        self._closing = False
        self._dry = True
        self.dropped_ms = 0
        """Of what was to be heard."""

    async def open(self, records: int, plays: int) -> None:
        """Starts both, at these rates. Raises Unusable. Nothing happens when they run already."""
        if self._running:
            return
        self._framer = Framer(records * FRAME_MS // 1000 * 2)
        await self._start(self._chosen.recorder, records, self._recorded)
        player = await self._start(self._chosen.player, plays, None)
        pipe = player.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)
        self._out, self._most = pipe, plays * WAITING_MS // 1000 * 2

    def frame(self) -> bytes | None:
        """The next 20 ms of the microphone; None when there are none yet. Once it ran dry a few are gathered first, as
        programs hand out more than 20 ms at a time."""
        if not self._frames or (self._dry and len(self._frames) < GATHERED):
            self._dry = True
            return None
        self._dry = False
        return self._frames.popleft()

    def write(self, pcm: bytes, rate: int) -> None:
        """Have the loudspeaker play it, behind what waits."""
        out = self._out
        if out is None or out.is_closing():
            return
        if out.get_write_buffer_size() + len(pcm) > self._most:
            self.dropped_ms += len(pcm) * 1000 // (rate * 2)
            return
        out.write(pcm)

    async def close(self) -> None:
        """Ends both. Idempotent."""
        self._closing = True
        for transport, _ in self._running:
            if transport.get_returncode() is None:
                transport.terminate()
        for transport, pipe in self._running:
            try:
                async with asyncio.timeout(STOP_S):
                    await pipe.ended.wait()
            except TimeoutError:
                transport.kill()
                await pipe.ended.wait()
            transport.close()
        self._running.clear()

    async def _start(
        self, command: Sequence[str], rate: int, taken: Callable[[bytes], None] | None
    ) -> asyncio.SubprocessTransport:
        name, *arguments = [part.replace("{rate}", str(rate)) for part in command]
        pipe = _Pipe(taken, lambda last: self._ended(name, last))
        try:
            transport, _ = await asyncio.get_running_loop().subprocess_exec(lambda: pipe, name, *arguments)
        except OSError as error:
            raise Unusable(f"{name} does not start: {error.strerror or error}") from None
        self._running.append((transport, pipe))
        return transport

    def _recorded(self, chunk: bytes) -> None:
        self._frames.extend(self._framer.push(chunk))

    def _ended(self, name: str, last: str) -> None:
        if not self._closing:
            self._failed(f"{name} ended{f': {last}' if last else ''}")


class _Pipe(asyncio.SubprocessProtocol):
    """What a program writes, and its last word before it ended."""

    def __init__(self, taken: Callable[[bytes], None] | None, over: Callable[[str], None]) -> None:
        self._taken = taken
        self._over = over
        self._said = b""
        self.ended = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self._said = (self._said + data)[-1000:]
        elif self._taken is not None:
            self._taken(data)

    def process_exited(self) -> None:
        lines = self._said.decode(errors="replace").strip().splitlines()
        self.ended.set()
        self._over(lines[-1][:200] if lines else "")
