"""Callers of this process find the server on loopback; other tests of it are to find the machine's addresses."""

from __future__ import annotations

import aioice.ice
import pytest


@pytest.fixture(autouse=True)
def _addresses_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", aioice.ice.get_host_addresses)
