"""`parley persona talk`: a conversation in the terminal.

The terminal is read and written in the main thread, where Ctrl-C and line editing work; the call is held in a thread of
its own, and tells the other what happens through a queue.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from queue import SimpleQueue
from threading import Thread
from typing import Any

import aiohttp
import uvloop

from gateway.config import Settings
from gateway.errors import ConfigError, StoreError
from gateway.rehearsal.course import Course
from gateway.rehearsal.house import open_house
from gateway.rehearsal.line import NoCall
from gateway.rehearsal.report import used
from gateway.rehearsal.texting import TextLine
from personas.persona import Persona

__all__ = ["HELP", "Conversation"]

HELP = """\
/keys 123#      type on the telephone's keys
/again          hang up, and call anew
/save FILE      write what was said so far as a script for `parley persona test`
/events         show every event of the protocol, or no longer
/quit           hang up (Ctrl-D, Ctrl-C)"""


@dataclass(frozen=True, slots=True)
class _Ready:
    """The caller may type."""


@dataclass(frozen=True, slots=True)
class _Over:
    """Nothing more comes."""

    why: BaseException | None = None


@dataclass(slots=True)
class Conversation:
    """Calls with one agent. `show` is called in the thread that calls the methods."""

    persona: Persona
    settings: Settings
    show: Callable[[str], None]
    course: Course = field(default_factory=Course)
    events: bool = False
    _told: SimpleQueue[str | _Ready | _Over] = field(default_factory=SimpleQueue)
    _orders: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: Thread | None = None

    def begin(self) -> bool:
        """Place the first call, and hear the greeting. False when there is none to talk to. Raises ConfigError."""
        self._thread = Thread(target=self._run, name="conversation", daemon=True)
        self._thread.start()
        return self._hear()

    def order(self, line: str) -> bool:
        """Say it, or do what the command says; False when the conversation is over."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._orders.put_nowait, line)
        return self._hear()

    def end(self) -> None:
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it ends by itself meanwhile
                self._loop.call_soon_threadsafe(self._orders.put_nowait, "/quit")
            self._thread.join(timeout=15)

    def _hear(self) -> bool:
        while True:
            told = self._told.get()
            if isinstance(told, str):
                self.show(told)
            elif isinstance(told, _Over):
                if told.why is not None:
                    raise told.why
                return False
            else:
                return True

    # ── the thread of the call ──

    def _run(self) -> None:
        try:
            uvloop.run(self._serve())
        except (ConfigError, StoreError, KeyboardInterrupt) as fault:
            self._told.put(_Over(fault))
        except NoCall as fault:
            self._told.put(f"no call: {fault}")
            self._told.put(_Over())
        else:
            self._told.put(_Over())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        name, now = self.persona.id, datetime.now(self.persona.zone)
        async with (
            open_house(self.settings, (name,), now, speech=False) as house,
            aiohttp.ClientSession() as http,
        ):
            again = True
            while again:
                again = await self._call(http, house.servers[name])

    async def _call(self, http: aiohttp.ClientSession, server: Any) -> bool:
        """One call; True when another is wanted."""
        meaning = self.persona.keys.meaning
        async with TextLine.open(http, server, self.persona.id, meaning=meaning, told=self._event) as line:
            self.course = line.course
            if self.persona.greeting:
                await line.greeted()
            while not line.over:
                order = await self._next(line.course)
                if order in ("/quit", "/again"):
                    await line.hang_up()
                    self._told.put(f"  ■ {line.course.ending or 'over'}")
                    return order == "/again"
                if order.startswith("/keys "):
                    await line.press(order.removeprefix("/keys ").strip())
                else:
                    await line.say(order)
                await line.ended()
            await line.hang_up()
        self._told.put(
            f"  ■ the call is over: {line.course.ending or 'for an unknown reason'}; /again, or /quit"
        )
        return await self._next(line.course) == "/again"

    async def _next(self, course: Course) -> str:
        if course.fault:
            self._told.put(f"  ✗ {course.fault}")
            course.fault = ""
        self._told.put(_Ready())
        return await self._orders.get()

    def _event(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if self.events:
            self._told.put(f"  · {kind}")
        if kind == "response.output_text.done":
            self._told.put(f"{self.persona.display_name}: {event['text']}")
        elif kind == "response.output_item.done" and event["item"].get("type") == "mcp_call":
            last = self.course.uses()[-1:]
            self._told.put(f"  ⚙ {used(last[0])}" if last else "")
