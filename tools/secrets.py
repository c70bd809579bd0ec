"""Secrets by name: tool files name them, nobody shows them.

A secret is a file in the folder of secrets, as container platforms mount them: the file's name is the secret's, its
content the value. It is read when a request needs it, so one that was exchanged counts from the next request on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["SecretError", "SecretName", "SecretRef", "Secrets", "scrubbed"]

NAME = r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$"
MAX_BYTES = 64 * 1024
SHORTEST_HIDDEN = 6
"""A shorter value is no secret worth hiding, and would blot out innocent text."""
HIDDEN = "[secret]"


class SecretError(Exception):
    """The secret is not there or cannot be used. The message names it and what to do, and never its value."""


SecretName = Annotated[str, Field(pattern=NAME, description="Name of a file in the folder of secrets.")]


class SecretRef(BaseModel):
    """`{secret: NAME}` in a file."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    secret: SecretName


class Secrets:
    """The secrets of a folder; None: there are none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def fault(self, name: str) -> str | None:
        """What is wrong with the secret, if anything. Reads the disk."""
        try:
            self._read(name)
        except SecretError as error:
            return str(error)
        return None

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Changes when a secret comes or goes; not with what they are, which is read when it is needed. Reads the
        disk."""
        if self._folder is None or not self._folder.is_dir():
            return ()
        return tuple((str(file), 0, 0) for file in sorted(self._folder.iterdir()))

    def exposed(self) -> list[str]:
        """Names of secrets that other users of the machine may read. Reads the disk."""
        if self._folder is None or not self._folder.is_dir():
            return []
        return sorted(
            file.name for file in self._folder.iterdir() if file.is_file() and file.stat().st_mode & 0o004
        )

    async def read(self, name: str) -> str:
        """The value, without the newline that editors put behind it. Raises SecretError."""
        return await asyncio.to_thread(self._read, name)

    async def read_all(self, names: Iterable[str]) -> dict[str, str]:
        """Raises SecretError."""
        wanted = sorted(set(names))
        return (
            await asyncio.to_thread(lambda: {name: self._read(name) for name in wanted}) if wanted else {}
        )

    def _read(self, name: str) -> str:
        if self._folder is None:
            raise SecretError(
                f"the secret {name} is not there: no folder of secrets is set (PARLEY_SECRETS_DIR)"
            )
        if not re.match(NAME, name):
            raise SecretError(
                f"{name[:64]!r} is no name of a secret; a letter, then letters, digits, _ . and -"
            )
        file = self._folder / name
        try:
            if file.stat().st_size > MAX_BYTES:
                raise SecretError(f"the secret {name} is longer than {MAX_BYTES // 1024} KiB")
            value = file.read_text(encoding="utf-8").rstrip("\r\n")
        except FileNotFoundError:
            raise SecretError(f"the secret {name} is not there; write it to {file}") from None
        except (OSError, UnicodeDecodeError) as fault:
            raise SecretError(
                f"the secret {name} cannot be read from {file} ({type(fault).__name__})"
            ) from None
        if not value:
            raise SecretError(f"the secret {name} is empty; write it to {file}")
        return value


def scrubbed(value: Any, secrets: Iterable[str]) -> Any:
    """A text, or whatever JSON holds, with every one of these secrets hidden: some services say back what they were
    sent."""
    hide = sorted((secret for secret in secrets if len(secret) >= SHORTEST_HIDDEN), key=len, reverse=True)
    return _without(value, hide) if hide else value


def _without(value: Any, hide: list[str]) -> Any:
    match value:
        case str():
            for secret in hide:
                value = value.replace(secret, HIDDEN)
            return value
        case dict():
            return {_without(key, hide): _without(inner, hide) for key, inner in value.items()}
        case list():
            return [_without(inner, hide) for inner in value]
        case _:
            return value
