"""The real server, as its users start it: a process of its own, on a free port, with a data folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.databases import bring_up_to_date
from tests.e2e.nursery import Process, forked

__all__ = ["Server", "calm", "commanded", "running", "settles"]

START_S = 60.0
"""Loading the models takes some seconds on a busy machine."""
STOP_S = 20.0
READY = re.compile(r"parley listening on (http://\S+)\s")
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


@dataclass(slots=True)
class Server:
    """A running Parley."""

    url: str
    process: Process
    log: Path
    """Everything the server wrote so far, on both of its outputs."""

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """GET a JSON resource: status and body (None when it is no JSON). Redirects are followed."""
        request = urllib.request.Request(self.url + path, headers={"accept": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, _json(response.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, _json(refusal.read())

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        """POST bytes; headers are given with underscores for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, data=body, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, _json(response.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, _json(refusal.read())

    def sockets_of_calls(self) -> int:
        """UDP sockets of the serving process: each call has at least one."""
        connections = psutil.Process(self.process.pid).net_connections()
        return sum(1 for connection in connections if connection.type == socket.SOCK_DGRAM)

    def written(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Server]:
    """Start a server and stop it by SIGTERM, which must end it in good order. `settings` are its environment. Who
    hears several callers at once sets `PARLEY_EARS_WORKERS`. It is forked off a process that has read its modules,
    which takes half as long as `commanded`."""
    with _running(folder, settings, forked) as server:
        yield server


@contextmanager
def commanded(folder: Path, **settings: str) -> Iterator[Server]:
    """The same, by the command that its users type."""
    with _running(folder, settings, _command) as server:
        yield server


Start = Callable[[Sequence[str], Mapping[str, str], Path], Process]
"""Arguments, environment, and the file that all goes to which is written."""


def _command(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "gateway", *arguments],
            cwd=Path(__file__).parents[2],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


@contextmanager
def _running(folder: Path, settings: Mapping[str, str], start: Start) -> Iterator[Server]:
    bring_up_to_date(folder / "data" / "parley.db")
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment |= {
        "PARLEY_DATA_DIR": str(folder / "data"),
        "PARLEY_ICE_ADDRESSES": "127.0.0.1",
        "PARLEY_DRAIN_S": "1",
        "PARLEY_EARS_WORKERS": "1",
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
    log = folder / "server.log"
    log.write_bytes(b"")
    process = start(("serve", "--port", "0"), environment, log)
    try:
        yield Server(_address(process, log), process, log)
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=STOP_S)
        assert code == 0, f"the server stopped with {code}:\n{_end(log)}"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=20)


def _address(process: Process, log: Path) -> str:
    """Where it listens, once it does. Raises RuntimeError."""
    deadline = time.monotonic() + START_S
    while not (found := READY.search(log.read_text(encoding="utf-8", errors="replace"))):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{_end(log)}")
        time.sleep(0.02)
    return found[1]


def _end(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-4000:]


def calm(server: Server, within_s: float = 20.0) -> None:
    """Wait until the server has done what it does after its start: what it takes from a call's first second then is
    not what a test of the call is about."""
    process, deadline = psutil.Process(server.process.pid), time.monotonic() + within_s
    while time.monotonic() < deadline:
        before = sum(process.cpu_times()[:2])
        time.sleep(0.4)
        if sum(process.cpu_times()[:2]) - before < 0.05:
            return


def settles(check: Any, within_s: float) -> bool:
    """Whether `check()` becomes true in time: for what another process does, which no event tells us."""
    deadline = time.monotonic() + within_s
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
