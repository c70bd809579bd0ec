"""Programs that a test needs on the machine. Missing, the test is skipped; where `CI` is set that is a failure."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

__all__ = ["installed", "program"]

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/sbin", "/sbin")
"""Where Debian keeps programs that are not on everybody's PATH."""


def program(*names: str) -> str:
    """The path of the first of `names` that is installed; skips the test when none is."""
    for name in names:
        if found := shutil.which(name):
            return found
        for place in PLACES:
            root, _, rest = place.lstrip("/").partition("/")
            for path in sorted(Path("/", root).glob(f"{rest}/{name}" if rest else name), reverse=True):
                return str(path)
    pytest.skip(f"{' or '.join(names)} is not installed (scripts/bootstrap --dev says how)")


def installed(path: Path, how: str) -> None:
    """Skips the test when `path` is not there; `how` is the command that makes it."""
    if not path.exists():
        pytest.skip(f"{path.name} is not installed: {how}")
