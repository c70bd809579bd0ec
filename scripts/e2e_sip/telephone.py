"""A telephone: baresip in the folder, whose microphone and loudspeaker are WAV files.

It is told what to do over its control socket (module ctrl_tcp): netstrings of JSON.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["RATE", "Telephone", "running"]

RATE = 8000
PAUSE_S = 300
"""Silence behind everything that is said: the end of its file ends a call of baresip's."""
CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{sip}
net_interface 127.0.0.1
audio_player aufile,{home}/heard.wav
audio_source aufile,{home}/silence.wav
audio_alert aufile,{home}/alert.wav
ausrc_srate {rate}
auplay_srate {rate}
rtp_ports {rtp}-{last}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module_app account.so
module_app menu.so
module ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Telephone:
    """A running baresip."""

    def __init__(self, root: Path, home: str, control: int) -> None:
        self._folder = root / home.lstrip("/")
        self._home = home
        self._socket = socket.create_connection(("127.0.0.1", control), timeout=5)
        self._rest = b""
        self.events: list[tuple[float, dict[str, Any]]] = []
        """What it told, with Unix times."""

    def close(self) -> None:
        self._socket.close()

    def command(self, command: str, params: str = "") -> None:
        message = json.dumps({"command": command, "params": params}).encode()
        self._socket.sendall(b"%d:%s," % (len(message), message))

    def until(self, kind: str, within_s: float, after: float = 0.0) -> dict[str, Any]:
        """The first event of this type since `after` (Unix seconds). Raises TimeoutError."""
        deadline = time.monotonic() + within_s
        while True:
            for at, event in self.events:
                if at >= after and event.get("type") == kind:
                    return event
            if time.monotonic() > deadline:
                raise TimeoutError(f"the telephone did not tell {kind} within {within_s} s")
            self._read(0.05)

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(min(0.05, left))

    def _read(self, timeout: float) -> None:
        self._socket.settimeout(timeout)
        try:
            piece = self._socket.recv(65536)
        except TimeoutError:
            return
        if not piece:
            raise ConnectionError("baresip is gone")
        self._rest += piece
        while b":" in self._rest:
            size, _, rest = self._rest.partition(b":")
            if len(rest) <= int(size):
                return
            message, self._rest = rest[: int(size)], rest[int(size) + 1 :]
            value = json.loads(message)
            if value.get("event"):
                self.events.append((time.time(), value))

    def say(self, pcm: bytes) -> float:
        """Put this (PCM16, 8 kHz) on the microphone now, with silence behind it; returns its end, Unix seconds."""
        name = f"said-{len(list(self._folder.glob('said-*')))}.wav"
        write(self._folder / name, pcm + bytes(RATE * 2 * PAUSE_S))
        self.command("ausrc", f"aufile,{self._home}/{name}")
        return time.time() + len(pcm) / 2 / RATE

    def hush(self) -> None:
        """Nothing on the microphone, in the next call."""
        self.command("ausrc", f"aufile,{self._home}/silence.wav")

    def heard(self) -> bytes:
        """What came out of the loudspeaker since the call began: PCM16, 8 kHz, without gaps."""
        path = self._folder / "heard.wav"
        return path.read_bytes()[44:] if path.exists() else b""

    def keep(self, path: Path) -> None:
        """The recording of the call that was, as a WAV file."""
        write(path, self.heard())


def write(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(pcm)


@contextmanager
def running(root: Path, number: int, account: str) -> Iterator[Telephone]:
    """The telephone of this number, 0 or 1. `account`: a line of baresip's file accounts."""
    home = f"/run/parley/telephone-{number}"
    folder = root / home.lstrip("/")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write(folder / "silence.wav", bytes(RATE * 2 * PAUSE_S))
    control, rtp = 4440 + number, 42000 + 100 * number
    config = CONFIG.format(home=home, rate=RATE, sip=5070 + number, rtp=rtp, last=rtp + 98, control=control)
    (folder / "config").write_text(config)
    (folder / "accounts").write_text(account + "\n")
    (folder / "contacts").write_text("")
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen(
            ["chroot", str(root), "baresip", "-f", home, "-v"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            telephone = _connected(root, home, control)
            try:
                yield telephone
            finally:
                telephone.close()
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _connected(root: Path, home: str, control: int) -> Telephone:
    deadline = time.monotonic() + 10
    while True:
        try:
            return Telephone(root, home, control)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
