"""The real server, as its users start it: a process of its own, on a free port, with a data folder of its own."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.databases import bring_up_to_date

__all__ = ["Server", "calm", "running", "settles"]

START_S = 60.0
"""Loading the models takes some seconds on a busy machine."""
STOP_S = 20.0
READY = re.compile(r"parley listening on (http://\S+)")
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


@dataclass(slots=True)
class Server:
    """A running Parley."""

    url: str
    process: subprocess.Popen[str]
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
    hears several callers at once sets `PARLEY_EARS_WORKERS`."""
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
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "--port", "0"],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    ready: queue.Queue[str | None] = queue.Queue(maxsize=1)
    reader = threading.Thread(target=_copy, args=(process, log, ready), name="server-log")
    reader.start()
    try:
        try:
            url = ready.get(timeout=START_S)
        except queue.Empty:
            url = None
        if url is None:
            raise RuntimeError(f"the server did not start:\n{log.read_text(encoding='utf-8')[-4000:]}")
        yield Server(url, process, log)
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=STOP_S)
        assert code == 0, f"the server stopped with {code}:\n{log.read_text(encoding='utf-8')[-4000:]}"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=20)
        reader.join(timeout=20)
        if process.stdout is not None:
            process.stdout.close()


def _copy(process: subprocess.Popen[str], log: Path, ready: queue.Queue[str | None]) -> None:
    """Keep reading, or the server would block on a full pipe; tell the address once."""
    told = False
    with log.open("w", encoding="utf-8") as copy:
        assert process.stdout is not None
        for line in process.stdout:
            copy.write(line)
            copy.flush()
            if not told and (found := READY.search(line)):
                told = True
                ready.put(found[1])
    if not told:
        ready.put(None)


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
