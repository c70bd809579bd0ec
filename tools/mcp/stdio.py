"""An MCP server that is a program: started, spoken with over its standard input and output, and stopped for good.

The SDK's own transport keeps a line of any length in memory and joins it anew for every piece that comes, so one server
could hold up every call of the process. Here a line has a bound; what goes beyond it ends the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import mcp_types
from mcp.client._transport import TransportStreams
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

__all__ = ["MAX_MESSAGE", "Tail", "stdio"]

MAX_MESSAGE = 1024 * 1024
"""Bytes of one message."""
GRACE_S = 2.0
"""How long a program may take to end when its input is closed, and again when it is asked to."""
LOOK_S = 0.02


class Tail:
    """The last words of a program's standard error, for whoever looks why it does not start. They are never logged: a
    program may write there what callers said."""

    KEPT = 2000

    def __init__(self) -> None:
        self._bytes = b""

    def add(self, more: bytes) -> None:
        self._bytes = (self._bytes + more)[-self.KEPT :]

    @property
    def last_line(self) -> str:
        lines = self._bytes.decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


@asynccontextmanager
async def stdio(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: Path | None,
    tail: Tail,
    over: Callable[[str], None],
) -> AsyncIterator[TransportStreams]:
    """Start the program. `over` is told why when its output ends, unless we end it. Raises OSError when it cannot be
    started."""
    ours = False

    def ended(why: str) -> None:
        if not ours:
            over(why)

    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={**get_default_environment(), **env},
        limit=MAX_MESSAGE,
        start_new_session=True,
    )
    inward, heard = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    said, outward = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_read, process, inward, ended)
            group.start_soon(_write, process, outward)
            group.start_soon(_listen, process, tail)
            try:
                yield heard, said
            finally:
                ours = True
                with anyio.CancelScope(shield=True):
                    heard.close()
                    said.close()
                    await _stop(process)
                group.cancel_scope.cancel()
    finally:
        # Also when something cancelled even the stopping.
        _kill(process, signal.SIGKILL)
        for stream in (inward, heard, said, outward):
            stream.close()


async def _read(
    process: asyncio.subprocess.Process,
    inward: anyio.abc.ObjectSendStream[SessionMessage | Exception],
    over: Callable[[str], None],
) -> None:
    assert process.stdout is not None
    why = "it ended"
    try:
        while line := await process.stdout.readline():
            try:
                message = mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValidationError:
                continue  # A program's chatter; what matters is a message that never comes, and that times out.
            await inward.send(SessionMessage(message))
    except ValueError:
        why = f"it sent a message longer than {MAX_MESSAGE} bytes"
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
        pass
    # Said before the session notices that nothing more comes.
    over(why)
    await inward.aclose()
    # A program that is stuck writing could not read that it shall end.
    with anyio.CancelScope(shield=True), contextlib.suppress(OSError):
        while await process.stdout.read(64 * 1024):
            pass


async def _write(
    process: asyncio.subprocess.Process, outward: anyio.abc.ObjectReceiveStream[SessionMessage]
) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError, anyio.ClosedResourceError):
        async for each in outward:
            text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(text.encode() + b"\n")
            await process.stdin.drain()


async def _listen(process: asyncio.subprocess.Process, tail: Tail) -> None:
    assert process.stderr is not None
    with contextlib.suppress(OSError):
        while more := await process.stderr.read(4096):
            tail.add(more)


async def _stop(process: asyncio.subprocess.Process) -> None:
    """As the protocol says: close its input, then ask it, then kill it, with all that it started."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    for harsher in (signal.SIGTERM, signal.SIGKILL, None):
        with anyio.move_on_after(GRACE_S):
            while process.returncode is None:  # noqa: ASYNC110 - `wait` also waits for pipes that a child may hold
                await anyio.sleep(LOOK_S)
            break
        if harsher is not None:
            _kill(process, harsher)
    # Children that outlive their parent would keep the pipes open.
    _kill(process, signal.SIGKILL)


def _kill(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, how)
