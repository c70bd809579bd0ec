"""Where the servers of tests come from: a process that has read Parley's modules once, and forks.

To read them takes most of a start, and the tests start a server a hundred times. What is forked runs the same command
with the environment of its own; only the interpreter and the imports are not its own.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

__all__ = ["Process", "forked"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "gateway.main",
        "gateway.clients.webrtc",
        "gateway.__main__",
        "gateway.providers.embedded.provider",
        "api.signing",
        "api.surfaces.core.routes",
        "api.surfaces.telephony.routes",
        "uvloop",
        __name__,
    ]
)


class Process(Protocol):
    """What tests may do to a server's process: some of what `subprocess.Popen` can."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None:
        """As of the last `poll` or `wait`."""

    def poll(self) -> int | None:
        """The exit code, negative for the signal that killed it; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended. Raises subprocess.TimeoutExpired."""

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...


def forked(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    """`parley` with these arguments, in a process of its own; all that it writes goes to the end of `log`."""
    process = _CONTEXT.Process(target=_run, args=(tuple(arguments), dict(environment), str(log)))
    process.start()
    return _Forked(process)


class _Forked:
    def __init__(self, process: multiprocessing.context.ForkServerProcess) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired("parley", timeout)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(arguments: tuple[str, ...], environment: dict[str, str], log: str) -> None:
    """In the forked process."""
    os.setsid()  # as a shell's child: Ctrl-C in the terminal is for the tests
    os.environ.clear()
    os.environ.update(environment)
    written = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(written, stream)
    os.close(written)
    from gateway.__main__ import main

    sys.argv = ["parley", *arguments]
    sys.exit(main(arguments))
