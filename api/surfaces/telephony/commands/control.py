"""What Parley has carriers do with calls that are there: end them, give the caller to somebody else, press keys.

A call that ended on our side must end at its carrier too: nobody is to be left in silence, and nobody to go on paying.
Where closing the media socket does that, as the carrier documents it, nothing else is done; elsewhere it is commanded,
and again while the carrier cannot be reached.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from api.surfaces.telephony.commands.client import Commands, Refused, Unreached
from api.surfaces.telephony.commands.handles import Handle, Handles
from api.surfaces.telephony.desk import Command, Desk
from gateway.config import Settings
from gateway.errors import DRAINED, LEFT, Ending

__all__ = ["TOLD_S", "Control", "Failed", "NoCommand"]

logger = logging.getLogger(__name__)

AGAIN_S = (0.5, 2.0, 5.0)
"""After how long a hang-up that was not obeyed is tried again."""
TOLD_S = 1.0
"""How long a carrier whose stream has ended may take to tell that the call did, before it is commanded."""
FAREWELL_S = 8.0
"""How long hang-ups that are under way may take when the server stops."""
OBEYED_S = 6.0
"""A carrier that was told to connect a caller elsewhere and gave no answer may have obeyed: for how long the end of the
call's stream is taken as a sign of that."""
REACHED_S = 45.0
"""How long a carrier that tells later what became of a transfer may take."""


class NoCommand(Exception):
    """The carrier has no such command, its API is not set up, or there is no such call. The text says which."""


class Failed(Exception):
    """The carrier obeyed, and could not reach whom it was to connect the caller to."""


@dataclass(slots=True)
class _Transfer:
    """One that is under way."""

    told: asyncio.Future[bool]
    """What the carrier told became of it."""
    parted: asyncio.Future[None]
    """The call's stream is over."""


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
        self._transfers: dict[str, _Transfer] = {}
        """By session."""

    async def lifetime(self, app: web.Application) -> AsyncIterator[None]:
        """For `app.cleanup_ctx`: what is under way when the application stops is finished first."""
        async for _ in self._commands.lifetime(app):
            yield
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=FAREWELL_S)

    # ── a caller goes elsewhere ───────────────────────────────────────────────────────────────────────────

    async def transfer(self, session_id: str, to: str, *, caller_id: str = "") -> None:
        """Connect the caller to `to` (a number in E.164, or a SIP URI) and us no longer. Once this returns the call is
        not ours: its end here does not end it at the carrier. Cancelled, because our part of the call is over, the
        carrier's answer is still waited for; a caller whom it keeps is hung up. Raises NoCommand, Refused, Unreached,
        Failed."""
        handle, desk = self._of(session_id)
        command = desk.transfer(handle.name, to, self._settings, caller_id=caller_id)
        work = self._start(self._hand_over(session_id, handle, command))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            work.add_done_callback(lambda done: self._left(session_id, done))
            raise

    async def _hand_over(self, session_id: str, handle: Handle, command: Command | None) -> None:
        """As `transfer`."""
        loop = asyncio.get_running_loop()
        transfer = self._transfers[session_id] = _Transfer(loop.create_future(), loop.create_future())
        # Before: the carrier may have ended the stream by the time that it answers.
        self._handles.lend(session_id, ours=False)
        done = False
        try:
            try:
                await self._run(handle, command, "transfer")
            except Unreached as failure:
                if not (failure.sent and await self._obeys(session_id, transfer)):
                    raise
            else:
                if command is not None and command.later and not await _reached(transfer):
                    raise Failed("who was called was not reached")
            done = True
        finally:
            self._transfers.pop(session_id, None)
            if not done:
                self._handles.lend(session_id, ours=True)

    async def _obeys(self, session_id: str, transfer: _Transfer) -> bool:
        """Whether a carrier that did not answer has obeyed, as far as that can be seen."""
        await asyncio.wait(
            (transfer.told, transfer.parted), timeout=OBEYED_S, return_when=asyncio.FIRST_COMPLETED
        )
        if transfer.told.done():
            return transfer.told.result()
        handle = self._handles.of(session_id)
        # A caller who hung up has no stream either.
        return transfer.parted.done() and not (handle is not None and handle.over)

    def told(self, session_id: str, *, transferred: bool) -> None:
        """The carrier tells what became of a transfer; the end of the call is one of nobody."""
        transfer = self._transfers.get(session_id)
        if transfer is not None and not transfer.told.done():
            transfer.told.set_result(transferred)

    def parted(self, session_id: str) -> None:
        """The stream of the session's call is over."""
        transfer = self._transfers.get(session_id)
        if transfer is not None and not transfer.parted.done():
            transfer.parted.set_result(None)

    def _left(self, session_id: str, work: asyncio.Task[None]) -> None:
        """Our part was over before the carrier answered."""
        if not work.cancelled() and work.exception() is not None:
            self.soon(session_id)

    def alone(self, carrier: str, call: str) -> None:
        """Whoever the caller of this call was put through to is gone, or was never reached: a carrier that keeps the
        caller's line up then is told to end it. One that is ended already is left as it is."""
        session_id = self._handles.named(carrier, call)
        if session_id is not None:
            self._handles.lend(session_id, ours=True)
            self.soon(session_id, after_s=TOLD_S)

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

        _ = self._start(hang_up())

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

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name="carrier-command")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _reached(transfer: _Transfer) -> bool:
    """What the carrier tells later; what it does not tell in time has failed."""
    await asyncio.wait((transfer.told,), timeout=REACHED_S)
    return transfer.told.done() and transfer.told.result()
