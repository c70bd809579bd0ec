"""The codec is loaded before any loop runs, as `gateway.main` does it: its loading reads the disk."""

from __future__ import annotations

import pytest

from media import libopus


@pytest.fixture(scope="session", autouse=True)
def _codec() -> None:
    libopus.library()
