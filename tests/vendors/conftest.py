"""One running Parley for all the vendors' clients, with a server key as a developer would set it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.server import Server, running


@dataclass(frozen=True, slots=True)
class Front:
    """Where the clients connect."""

    server: Server
    key: str

    @property
    def http(self) -> str:
        """What the vendor calls the base URL."""
        return f"{self.server.url}/v1"

    @property
    def socket(self) -> str:
        return f"{self.http.replace('http', 'ws', 1)}/realtime?model=gpt-realtime-2.1"


@pytest.fixture(scope="package")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    key = f"sk-{secrets.token_hex(16)}"
    with running(tmp_path_factory.mktemp("vendors"), PARLEY_API_KEYS=key) as server:
        yield Front(server, key)
        assert key not in server.written()
