"""The vendor's JavaScript client in a Node process (node/agents.mjs): commands in, what happened out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.needs import installed, program

__all__ = ["NODE", "NodeClient"]

NODE = Path(__file__).with_name("node")
LINE = 4 * 1024 * 1024
"""Longest line the script writes: a whole history."""

Happening = dict[str, Any]


class NodeClient:
    """One session of `@openai/agents-realtime`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.seen: list[Happening] = []
        """Everything that happened so far, in order."""

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[NodeClient]:
        installed(NODE / "node_modules", "npm ci --prefix tests/vendors/node")
        process = await asyncio.create_subprocess_exec(
            program("node", "nodejs"), "agents.mjs",
            cwd=NODE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE,
        )  # fmt: skip
        try:
            yield cls(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def do(self, command: str, **more: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **more}).encode() + b"\n")
        await self._process.stdin.drain()

    async def until(self, wanted: Callable[[Happening], bool], within_s: float = 20.0) -> Happening:
        """The next happening that is wanted; earlier ones are kept in `seen`."""
        assert self._process.stdout is not None
        async with asyncio.timeout(within_s):
            while True:
                line = await self._process.stdout.readline()
                assert line, f"the client ended with {self._process.returncode}: {self.faults()}"
                happening: Happening = json.loads(line)
                self.seen.append(happening)
                assert happening["what"] != "fault", happening
                if wanted(happening):
                    return happening

    async def until_event(self, kind: str, within_s: float = 20.0) -> Happening:
        """The next server event of this type, as the client was given it."""
        found = await self.until(lambda h: h["what"] == "event" and h["type"] == kind, within_s)
        return dict(found["event"])

    def faults(self) -> list[Happening]:
        """What the client complained about."""
        return [h for h in self.seen if h["what"] in ("error", "fault")]

    def history(self) -> list[dict[str, Any]]:
        """The client's own view of the conversation, the newest."""
        return next((h["history"] for h in reversed(self.seen) if h["what"] == "history"), [])


def words(item: dict[str, Any]) -> str:
    """What was said in an item of the history."""
    parts = item.get("content", [])
    return " ".join(str(part.get("text") or part.get("transcript") or "") for part in parts).strip()
