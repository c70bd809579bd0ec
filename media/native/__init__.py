"""What is worth compiling: a C file makes the module of its name, and has a twin in Python.

The twin is the specification. A property test holds both equal, and the twin runs where nothing could be compiled:
slower, and no different. `docs/adr/0022-native-code.md` says what is worth it, and how one is added.
"""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["MODULES", "TO_MEND", "missing"]

MODULES = ("voice",)
"""The names of the C files."""
TO_MEND = "install gcc, libc6-dev and python3-dev, then run scripts/bootstrap (or pip install) again"


def missing() -> list[str]:
    """Those that were not built here."""
    return [name for name in MODULES if find_spec(f"media.native.{name}") is None]
