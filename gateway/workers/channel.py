"""Between the parent and one worker: lines of JSON, some of which ask and want an answer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.log import where

__all__ = ["ANSWER_S", "Channel", "Gone"]

logger = logging.getLogger(__name__)

ANSWER_S = 2.0
LONGEST = 4 * 1024 * 1024
"""Bytes of one line: every figure of a worker is some tens of KB."""
BEHIND = 8 * 1024 * 1024
"""Bytes that may wait for the other side; then it is taken for gone."""

Message = dict[str, Any]


class Gone(Exception):
    """The other side has not answered, or is no more."""


class Channel:
    """Made by `Channel.open`."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        told: Callable[[Message], None],
        asked: Callable[[Message], Awaitable[Any]],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._told = told
        self._asked = asked
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self.over = False
        """The other side is gone."""
        self.lost: Callable[[], None] = lambda: None
        """Told then."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        end: socket.socket,
        told: Callable[[Message], None],
        asked: Callable[[Message], Awaitable[Any]],
    ) -> AsyncIterator[Channel]:
        """`told` is given what wants no answer, `asked` makes the answers. The socket is closed in the end."""
        reader, writer = await asyncio.open_connection(sock=end, limit=LONGEST)
        channel = cls(reader, writer, told, asked)
        task = asyncio.get_running_loop().create_task(channel._read(), name="worker-channel")
        try:
            yield channel
        finally:
            channel.lost = lambda: None
            for one in (task, *channel._answers):
                one.cancel()
            await asyncio.wait([task])
            writer.close()

    def tell(self, message: Message) -> None:
        """What wants no answer; nothing once the other side is gone."""
        if self.over:
            return
        if self._writer.transport.get_write_buffer_size() > BEHIND:
            logger.error("a process of this gateway reads nothing any more")
            self._writer.transport.abort()
            return
        self._writer.write(json.dumps(message).encode() + b"\n")

    async def ask(self, message: Message, within_s: float = ANSWER_S) -> Any:
        """The answer. Raises Gone."""
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            if self.over:
                raise Gone
            self.tell({**message, "number": number})
            async with asyncio.timeout(within_s):
                return await future
        except TimeoutError:
            raise Gone from None
        finally:
            del self._waiting[number]

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError) as error:
            logger.error("a process of this gateway cannot be understood: %s", type(error).__name__)
        finally:
            self.over = True
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Gone())
            self.lost()

    def _take(self, message: Message) -> None:
        if "to" in message:
            future = self._waiting.get(message["to"])
            if future is not None and not future.done():
                future.set_result(message["answer"])
        elif "number" in message:
            task = asyncio.get_running_loop().create_task(self._answer(message), name="worker-answer")
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)
        else:
            self._told(message)

    async def _answer(self, message: Message) -> None:
        try:
            answer = await self._asked(message)
        except Exception as fault:  # noqa: BLE001 - whoever asks then hears nothing, and does without
            logger.error("an answer to another process failed: %s", where(fault))
            return
        with contextlib.suppress(OSError):
            self.tell({"to": message["number"], "answer": answer})
