"""What Parley has carriers do with calls that are there: end them, give the caller to somebody else, press keys.

A call that ended on our side must end at its carrier too: nobody is to be left in silence, and nobody to go on paying.
Where closing the media socket does that, as the carrier documents it, nothing else is done; elsewhere it is commanded,
and again while the carrier cannot be reached.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any

from aiohttp import web

from api.surfaces.telephony.commands.client import Commands, Refused, Unreached
from api.surfaces.telephony.commands.handles import Handle, Handles
from api.surfaces.telephony.desk import Command, Desk
from gateway.config import Settings
from gateway.errors import DRAINED, LEFT, Ending

__all__ = ["Control", "NoCommand"]

logger = logging.getLogger(__name__)

AGAIN_S = (0.5, 2.0, 5.0)
"""After how long a hang-up that was not obeyed is tried again."""
TOLD_S = 1.0
"""How long a carrier whose stream has ended may take to tell that the call did, before it is commanded."""
FAREWELL_S = 8.0
"""How long hang-ups that are under way may take when the server stops."""


class NoCommand(Exception):
    """The carrier has no such command, its API is not set up, or there is no such call. The text says which."""


class Control:
    """One per process. `settings` open the carriers' APIs."""

    def __init__(
        self, settings: Settings, desks: Mapping[str, Desk], commands: Commands, handles: Handles
    ) -> None:
        self._settings = settings
        self._desks = desks
        self._commands = commands
        self._handles = handles
        self._tasks: set[asyncio.Task[None]] = set()

    async def lifetime(self, app: web.Application) -> AsyncIterator[None]:
        """For `app.cleanup_ctx`: what is under way when the application stops is finished first."""
        async for _ in self._commands.lifetime(app):
            yield
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=FAREWELL_S)

    # ── a caller goes elsewhere ───────────────────────────────────────────────────────────────────────────

    async def transfer(self, session_id: str, to: str, *, caller_id: str = "") -> None:
        """Connect the caller to `to` (a number in E.164, or a SIP URI) and us no longer. Once this returns the call is
        not ours: its end here does not end it at the carrier. Raises NoCommand, Refused, Unreached."""
        handle, desk = self._of(session_id)
        command = desk.transfer(handle.name, to, self._settings, caller_id=caller_id)
        # Before: the carrier may have ended the stream by the time that it answers.
        self._handles.lend(session_id, ours=False)
        try:
            await self._run(handle, command, "transfer")
        except BaseException:
            self._handles.lend(session_id, ours=True)
            raise

    async def press(self, session_id: str, digits: str) -> None:
        """Play keys to the other side by the carrier's API. Raises NoCommand, Refused, Unreached."""
        handle, desk = self._of(session_id)
        await self._run(handle, desk.press(handle.name, digits, self._settings), "press keys")

    # ── a call ends ───────────────────────────────────────────────────────────────────────────────────────

    def over(self, session_id: str, ending: Ending, by_carrier: bool) -> None:
        """Our part of the session's call is over; `by_carrier`: because its stream said so."""
        handle = self._handles.of(session_id)
        if handle is None or handle.over or not handle.ours:
            return
        # A carrier that lost its way to us, or finds nobody there when it asks how to go on, knows no end.
        strays = ending in (LEFT, DRAINED)
        if self._desks[handle.carrier].closing_ends(handle.handle) and not strays:
            return
        self.soon(session_id, after_s=TOLD_S if by_carrier else 0.0)

    def soon(self, session_id: str, *, after_s: float = 0.0) -> None:
        """Hang up without being waited for; not when the carrier tells the end within `after_s`."""

        async def hang_up() -> None:
            await asyncio.sleep(after_s)
            await self.hang_up(session_id)

        self._start(hang_up())

    async def hang_up(self, session_id: str) -> bool:
        """End the call at its carrier, trying again while that is not obeyed. Whether it has ended: False where the
        carrier cannot be commanded, or gives no answer in the end. A call that is not ours is left alone."""
        carrier = ""
        for pause in (*AGAIN_S, None):
            handle = self._handles.of(session_id)
            if handle is None or handle.over or not handle.ours:
                return handle is not None and handle.over
            carrier = handle.carrier
            command = self._desks[carrier].hang_up_call(handle.name, self._settings)
            if command is None:
                return False
            if await self._obeyed(carrier, command):
                self._handles.ended(session_id)
                return True
            if pause is not None:
                await asyncio.sleep(pause)
        logger.error("%s was not made to end a call: it may go on there", carrier)
        return False

    async def _obeyed(self, carrier: str, command: Command) -> bool:
        """Whether the call that `command` ends has ended, by it or before."""
        try:
            await self._commands.run(carrier, command)
        except Unreached:
            return False
        except Refused as refusal:
            if not refusal.ended:
                logger.warning("%s refused to end a call: %s", carrier, refusal)
            return refusal.ended
        return True

    # ── below ─────────────────────────────────────────────────────────────────────────────────────────────

    def _of(self, session_id: str) -> tuple[Handle, Desk]:
        handle = self._handles.of(session_id)
        if handle is None or handle.over:
            raise NoCommand("the carrier's call is not known, or has ended")
        return handle, self._desks[handle.carrier]

    async def _run(self, handle: Handle, command: Command | None, what: str) -> dict[str, Any]:
        if command is None:
            raise NoCommand(
                f"{handle.carrier} cannot {what} by command, or its API is not set up (docs/phone.md)"
            )
        return await self._commands.run(handle.carrier, command)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="hang-up")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
