"""`parley phone asterisk`: what it takes from this server, and its files on the disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gateway.agents import load_agents
from gateway.config import Settings
from gateway.errors import ConfigError

__all__ = ["NEXT", "persona_ids", "socket_of", "write"]

NEXT = """
Put them where Asterisk has its configuration, or include them there (`#include parley/pjsip.conf`).
Then, at its console:
  module reload res_websocket_client.so
  module reload res_pjsip.so
  dialplan reload"""


def socket_of(settings: Settings) -> str:
    """This server's address for a WebSocket. Raises ConfigError when only --server can tell."""
    if settings.public_url is not None:
        return f"ws{settings.public_url.removeprefix('http')}"
    if settings.host in ("0.0.0.0", "::"):
        raise ConfigError(
            [f"--server: Parley listens on {settings.host}; say which of its addresses Asterisk reaches"]
        )
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"ws://{host}:{settings.port}"


def persona_ids(settings: Settings) -> list[str]:
    """Raises ConfigError."""
    catalog, _tools = load_agents(settings)
    return sorted(catalog.personas)


def write(files: Mapping[str, str], folder: str) -> list[Path]:
    """Write them all, readable for their owner alone, since they hold passwords; or none. Raises ConfigError."""
    there = Path(folder)
    paths = {there / name: text for name, text in files.items()}
    if found := [path.name for path in paths if path.exists()]:
        raise ConfigError([f"--out: {there} has {', '.join(found)} already; nothing was written"])
    try:
        there.mkdir(parents=True, exist_ok=True)
        for path, text in paths.items():
            with open(path, "x", encoding="utf-8", opener=_private) as out:
                out.write(text)
    except OSError as error:
        raise ConfigError([f"--out: {there} cannot be written: {error.strerror}"]) from error
    return list(paths)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
