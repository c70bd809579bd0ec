"""Where carriers are received: which desk, what was asked, and whether it is proved to be the carrier's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module

from aiohttp import web

from api import auth, body
from api.deps import Deps
from api.errors import ApiError
from api.records import channel
from api.surfaces.telephony import desks
from api.surfaces.telephony.calls.answering import Answering
from api.surfaces.telephony.calls.coming import Coming
from api.surfaces.telephony.calls.phones import Phones
from api.surfaces.telephony.calls.ringing import Ringing
from api.surfaces.telephony.calls.targets import TransferTargets
from api.surfaces.telephony.commands.client import Commands
from api.surfaces.telephony.commands.control import Control
from api.surfaces.telephony.commands.handles import Handles
from api.surfaces.telephony.desk import Asked, Desk, Incoming, Notice, Place
from api.surfaces.telephony.door import Door
from api.surfaces.telephony.proofs.published_keys import PublishedKeys
from api.surfaces.telephony.proofs.refusals import Refusals
from api.surfaces.telephony.proofs.tickets import LIFETIME_S, Seen, Ticket, Tickets
from gateway import plugins
from gateway.config import Settings
from gateway.crew import crew, stay
from gateway.ports import Exchange
from gateway.stores.telephone import PhoneCall
from gateway.wire import Unverified
from gateway.workers.channel import Gone

__all__ = ["DESKS", "DOORS", "Counter", "configured"]

logger = logging.getLogger(__name__)

WEBHOOK_LIMIT = 64 * 1024
PLACING_S = 6.0
WRITTEN_S = (0.1, 0.3, 0.6, 1.0)
"""Pauses between looks for a call that another worker may have placed and not written down yet."""
_SHELF = {name: import_module(f"{desks.__name__}.{name}") for name in plugins.names(desks.__name__)}
"""Found as this module is imported: the disk is not to be read in the event loop."""
DESKS: Mapping[str, Desk] = {name: one.DESK for name, one in _SHELF.items() if hasattr(one, "DESK")}
"""Carriers that ask by webhook."""
DOORS: Mapping[str, Door] = {name: one.DOOR for name, one in _SHELF.items() if hasattr(one, "DOOR")}
"""Carriers whose sockets come by themselves."""


class Counter:
    """What the routes of the telephone share."""

    def __init__(self, deps: Deps) -> None:
        """Raises ConfigError."""
        self.deps = deps
        self.answering = Answering(deps.settings.phone_persona, deps.personas)
        self.targets = TransferTargets(deps.settings.transfer_targets)
        self.exchange: Callable[[Ticket], Exchange | None] = lambda _: None
        """What the ticket's call may ask of its carrier."""
        self.tickets = Tickets()
        self.coming = Coming()
        self.seen = Seen()
        self._refusals = Refusals()
        self._placing = 0
        self._placed = asyncio.Event()
        self.commands = Commands()
        self._keys = {
            name: PublishedKeys(one.keys_at(deps.settings), self.commands.read)
            for name, one in _SHELF.items()
            if hasattr(one, "keys_at")
        }
        """Of the carriers that publish theirs."""
        self.handles = Handles()
        self.ringing = Ringing()
        self.control = Control(deps.settings, DESKS, self.commands, self.handles)
        self.phones = Phones(deps.supervisor, self.ringing, self.control.over, self.control.parted)
        if deps.settings.telephony_open:
            logger.warning(
                "PARLEY_TELEPHONY_OPEN: programs on this machine may call as any carrier, without a proof"
            )

    def desk(self, request: web.Request) -> tuple[Desk, bool]:
        """The carrier's, and whether this request needs no proof. Raises ApiError 404 for a carrier that is not
        set up."""
        found, free = DESKS.get(request.match_info["carrier"]), self._free(request)
        if found is None or not (free or found.configured(self.deps.settings)):
            raise ApiError(404, "This carrier is not set up here.")
        return found, free

    def carrier(self, request: web.Request) -> tuple[str, bool]:
        """The one whose socket comes, and whether it needs no proof. Raises ApiError 404 as `desk` does."""
        name, free = request.match_info["carrier"], self._free(request)
        known = name in DESKS or name in DOORS
        if not (known and free) and name not in configured(self.deps.settings):
            raise ApiError(404, "This carrier is not set up here.")
        return name, free

    def _free(self, request: web.Request) -> bool:
        settings = self.deps.settings
        return bool(settings.telephony_open) and auth.from_this_machine(request, settings)

    async def webhook(self, request: web.Request) -> tuple[Desk, Asked]:
        """A webhook, read and proved. Raises ApiError 403, 404, 408, 413."""
        desk, free = self.desk(request)
        raw = await body.read(request, WEBHOOK_LIMIT)
        asked = Asked(
            request.method, self.here(request) + request.raw_path, request.headers, raw, self.deps.clock()
        )
        if not free:
            asked = await self._with_keys(desk.name, asked)
            try:
                desk.verify(asked, self.deps.settings)
                proof = desk.proof(asked)
                # Of one that another worker gave, that has asked.
                fresh = (
                    not proof or request.get(auth.HANDED) or await self._first(desk.name, proof, asked.now)
                )
                if not fresh:
                    raise Unverified("signed once, and sent again")  # noqa: TRY301 - refused as the others are
            except Unverified as refusal:
                raise self.refused(desk.name, "webhook", refusal) from None
        return desk, asked

    async def admit(self, door: Door, asked: Asked) -> None:
        """A socket that proves itself. Raises ApiError 403."""
        try:
            proof = door.admit(asked, self.deps.settings)
            if proof and not await self._first(door.name, proof, asked.now):
                raise Unverified("signed once, and sent again")  # noqa: TRY301 - refused as the others are
        except Unverified as refusal:
            raise self.refused(door.name, "media socket", refusal) from None

    async def _first(self, carrier: str, proof: str, now: float) -> bool:
        """Whether this proof was not shown before, to whichever worker."""
        named = f"{carrier}:{proof}"
        if self.deps.good_once is not None:
            with contextlib.suppress(Gone):
                return await self.deps.good_once(named)
        return self.seen.first(named, now)

    @contextlib.contextmanager
    def placing(self) -> Iterator[None]:
        """A call is being placed: until the block is left the carrier may tell of one that is not written down yet."""
        self._placing += 1
        self._placed.clear()
        try:
            yield
        finally:
            self._placing -= 1
            if not self._placing:
                self._placed.set()

    async def settled(self) -> None:
        """Until what is being placed is written down, within reason."""
        if self._placing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PLACING_S):
                    await self._placed.wait()

    async def known(
        self, desk: Desk, told: Incoming | Notice, *, maybe_new: bool = False
    ) -> PhoneCall | None:
        """A carrier's call, also when it is just being written down, which is not waited for with `maybe_new` where
        another worker writes; what commands call it now is noted. Raises SQLAlchemyError, Elsewhere."""
        # Asked before the look: it may be written down, and over, while the look still finds nothing.
        underway = bool(self._placing)
        found = await self._find(desk, told)
        if crew().size > 1 and not maybe_new:
            for pause in WRITTEN_S:
                if found is not None:
                    break
                await asyncio.sleep(pause)
                found = await self._find(desk, told)
        if found is None and (underway or self._placing):
            await self.settled()
            found = await self._find(desk, told)
        if found is not None:
            stay(crew().home(found.session_id))
            self.handles.note(found.session_id, desk.name, told.call, told.handle)
        return found

    async def _find(self, desk: Desk, told: Incoming | Notice) -> PhoneCall | None:
        database = self.deps.database
        found = await channel.find(database, desk.name, told.call)
        if found is None and told.placed_as:
            found = await channel.renamed(database, desk.name, told.placed_as, told.call)
        return found

    async def handshake(self, request: web.Request) -> Asked:
        """What the request for a socket says; nothing of it is proved."""
        url = _socket(self.here(request)) + request.raw_path
        asked = Asked(request.method, url, request.headers, b"", self.deps.clock())
        return await self._with_keys(request.match_info["carrier"], asked)

    async def _with_keys(self, carrier: str, asked: Asked) -> Asked:
        published = self._keys.get(carrier)
        if published is None:
            return asked
        keys = await published.for_token(asked.headers.get("Authorization", ""), asked.now)
        return replace(asked, keys=keys)

    def refused(self, carrier: str, what: str, refusal: Unverified) -> ApiError:
        base = self.deps.settings.public_url
        hint = "carriers sign the public URL: set PARLEY_PUBLIC_URL"
        if base is not None:
            hint = f"checked with the secret that is set here, and {base}: the carrier has to call that, to the letter"
        self._refusals.tell(f"a {what} of {carrier}: {refusal} ({hint})", time.monotonic())
        return ApiError(403, "This is not proved to be the carrier's.")

    def place(self, request: web.Request, desk: Desk, ticket: Ticket) -> Place:
        """Where the carrier finds us for the ticket's call."""
        return self.place_at(self.here(request), desk, ticket)

    def place_at(self, here: str, desk: Desk, ticket: Ticket, lasting_s: float = LIFETIME_S) -> Place:
        """The same, of whoever reaches us at `here`, with a token that is good for so long."""
        here = f"{here}/telephony/{desk.name}"
        token = self.tickets.issue(ticket, self.deps.clock(), lasting_s)
        return Place(f"{_socket(here)}/stream/{token}", token, f"{here}/after", f"{here}/status")

    def here(self, request: web.Request) -> str:
        """How the world reaches us."""
        return self.deps.settings.public_url or f"{request.scheme}://{request.host}"


def configured(settings: Settings) -> list[str]:
    """The carriers that are set up, by name."""
    found = {name for name, desk in DESKS.items() if desk.configured(settings)}
    return sorted(found | {name for name, door in DOORS.items() if door.configured(settings)})


def _socket(url: str) -> str:
    """The same place for a WebSocket."""
    return f"ws{url.removeprefix('http')}"
