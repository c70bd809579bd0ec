"""A small Debian in a folder, with Asterisk and baresip in it: nothing of it is installed on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["CannotPrepare", "prepare"]

SUITE = "sid"
"""Where Debian has Asterisk 22; its stable releases have none."""
PACKAGES = ("asterisk", "baresip-core")
STAMP = ".parley"
LONGEST_S = 1800.0


class CannotPrepare(Exception):
    """Something that is needed is not there; the text says what, and how to get it."""


def prepare(root: Path) -> None:
    """Fill the folder, or do nothing when it is full already. Raises CannotPrepare."""
    want = " ".join((SUITE, *PACKAGES))
    stamp = root / STAMP
    if stamp.exists() and stamp.read_text() == want:
        return
    mirror = _mirror()
    if shutil.which("debootstrap") is None:
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "debootstrap")
    half = root.with_name(f"{root.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.parent.mkdir(parents=True, exist_ok=True)
    print(f"preparing {root}: Debian {SUITE} with {' and '.join(PACKAGES)}, once", flush=True)
    _run("debootstrap", "--variant=minbase", SUITE, str(half), mirror)
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", half / "etc" / name)
    # No service of the packages is started while they are installed.
    policy = half / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    apt = ("chroot", str(half), "apt-get", "install", "-y", "-qq", "--no-install-recommends")
    _run(*apt, *PACKAGES)
    _run("chroot", str(half), "apt-get", "clean")
    (half / STAMP).write_text(want)
    shutil.rmtree(root, ignore_errors=True)
    half.rename(root)


def _mirror() -> str:
    """The Debian mirror that this machine's apt uses."""
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(SITE)"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = [
        line.removeprefix("Debian|Debian|")
        for line in asked.stdout.splitlines()
        if line.startswith("Debian|Debian|")
    ]
    if not found:
        raise CannotPrepare("apt names no Debian mirror: run `apt-get update` on a Debian with network")
    return found[0]


def _environment() -> dict[str, str]:
    """debootstrap's own downloads take apt's proxy from the environment."""
    given = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    asked = subprocess.run(
        ["apt-config", "shell", "proxy", "Acquire::http::Proxy"],
        capture_output=True,
        text=True,
        check=False,
    )
    proxy = asked.stdout.strip().removeprefix("proxy='").removesuffix("'")
    return given | ({"http_proxy": proxy} if proxy else {})


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command, env=_environment(), capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except FileNotFoundError:
        raise CannotPrepare(f"{command[0]} is not there: this needs a Debian") from None
    except subprocess.TimeoutExpired:
        raise CannotPrepare(f"{command[0]} took more than {LONGEST_S:.0f} s") from None
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:], file=sys.stderr)
        raise CannotPrepare(f"`{' '.join(command)}` failed; its last words are above")
