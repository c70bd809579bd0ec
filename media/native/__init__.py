"""What is worth compiling: a C file makes the module of its name, and has a twin in Python.

The twin is the specification. A property test holds both equal, and the twin runs where nothing could be compiled:
slower, and no different. `docs/adr/0022-native-code.md` says what is worth it, and how one is added.
"""

from __future__ import annotations

import zlib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

__all__ = ["MODULES", "TO_MEND", "TO_RENEW", "fresh", "missing", "source", "stale"]

MODULES = ("voice",)
"""The names of the C files."""
TO_MEND = "install gcc, libc6-dev and python3-dev, then run scripts/bootstrap (or pip install) again"
TO_RENEW = "run make install"

FOLDER = Path(__file__).parent


def missing() -> list[str]:
    """Those that were not built here."""
    return [name for name in MODULES if find_spec(f"media.native.{name}") is None]


def source(name: str, folder: Path = FOLDER) -> int | None:
    """What setup.py gives the module as its `SOURCE`: a checksum of its C file and the headers. None where the C file
    is not installed, so that it cannot be newer."""
    path = folder / f"{name}.c"
    if not path.is_file():
        return None
    return (
        zlib.crc32(b"".join(one.read_bytes() for one in (path, *sorted(folder.glob("*.h"))))) & 0x7FFFFFFF
    )


def fresh(module: ModuleType) -> None:
    """Raises ImportError for a module that was compiled of another C file than the one that is here: the code was
    updated, and nothing compiled since. What calls it may ask for what it does not have."""
    name = module.__name__.rpartition(".")[2]
    wanted = source(name)
    if wanted is not None and getattr(module, "SOURCE", None) != wanted:
        raise ImportError(
            f"media/native/{name} was compiled before the last update, so it is not used: {TO_RENEW}"
        )


def stale() -> list[str]:
    """Those that were built, but not of the C file that is here."""
    old = []
    for name in MODULES:
        if find_spec(f"media.native.{name}") is not None:
            try:
                fresh(import_module(f"media.native.{name}"))
            except ImportError:
                old.append(name)
    return old
