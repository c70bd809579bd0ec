"""Asterisk in the folder, with the configuration that `parley phone asterisk` writes."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Exchange", "running"]

HOME = "/run/parley/asterisk"
"""In the folder."""
START_S = 60.0
OWN = {
    "logger.conf": """\
[general]
dateformat = %s.%q

[logfiles]
full => notice,warning,error,verbose(3),debug
""",
    "modules.conf": """\
[modules]
autoload = yes
""",
}
"""What belongs to this test and not to the recipe: everything is logged."""
DIRECTORIES = f"""\
[directories]
astetcdir => {HOME}/etc
astmoddir => /usr/lib/x86_64-linux-gnu/asterisk/modules
astvarlibdir => /var/lib/asterisk
astdbdir => {HOME}
astkeydir => /var/lib/asterisk
astdatadir => /usr/share/asterisk
astspooldir => {HOME}
astrundir => {HOME}
astlogdir => {HOME}
"""


class Exchange:
    """A running Asterisk."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._log = root / HOME.lstrip("/") / "full"

    def ask(self, command: str) -> str:
        """A command of its console, answered."""
        done = subprocess.run(
            ["chroot", str(self._root), "asterisk", "-C", f"{HOME}/etc/asterisk.conf", "-rx", command],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout.strip()

    @property
    def log(self) -> list[str]:
        return self._log.read_text(errors="replace").splitlines() if self._log.exists() else []

    def told(self, pattern: str) -> list[tuple[float, str]]:
        """Lines of the log that hold this, with their Unix times."""
        wanted, time_of = re.compile(pattern), re.compile(r"\[(\d+\.\d+)\]")
        found = []
        for line in self.log:
            if wanted.search(line):
                at = time_of.match(line)
                found.append((float(at[1]) if at else 0.0, line))
        return found

    def channels(self) -> int:
        match = re.search(r"(\d+) active channel", self.ask("core show channels"))
        return int(match[1]) if match else -1


@contextmanager
def running(root: Path, files: dict[str, str]) -> Iterator[Exchange]:
    """Asterisk as Debian configures it, but for these files. Raises RuntimeError when it does not come up."""
    home = root / HOME.lstrip("/")
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(root / "etc/asterisk", home / "etc")
    modules = next((root / "usr/lib").glob("*/asterisk/modules"))
    directories = DIRECTORIES.replace(
        "/usr/lib/x86_64-linux-gnu/asterisk/modules", f"/{modules.relative_to(root)}"
    )
    for name, text in {**files, **OWN, "asterisk.conf": directories}.items():
        (home / "etc" / name).write_text(text)
    with (
        (home / "output").open("wb") as output,
        subprocess.Popen(
            ["chroot", str(root), "asterisk", "-f", "-C", f"{HOME}/etc/asterisk.conf"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        exchange = Exchange(root)
        try:
            deadline = time.monotonic() + START_S
            while "System uptime" not in exchange.ask("core show uptime"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Asterisk did not start; see {home}/output")
                time.sleep(0.5)
            exchange.ask("core waitfullybooted")
            exchange.ask("core set debug 5 chan_websocket.so")
            exchange.ask("core set verbose 3")
            yield exchange
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
