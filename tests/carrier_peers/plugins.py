"""Finds each carrier's words by walking the folder."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

__all__ = ["named", "names"]

SUFFIX = "_words"


def names() -> list[str]:
    """Of all carriers that have words here."""
    return sorted(path.stem.removesuffix(SUFFIX) for path in Path(__file__).parent.glob(f"*{SUFFIX}.py"))


def named(carrier: str) -> ModuleType:
    """A carrier's module of words: it has `WORDS`."""
    return importlib.import_module(f"tests.carrier_peers.{carrier}{SUFFIX}")
