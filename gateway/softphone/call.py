"""One call of the softphone, from the first request to the last, in real time. What there is to decide is decided in
`caller`, `player` and `lines`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import aiohttp

from gateway.softphone.asking import Asking, Over, Where
from gateway.softphone.caller import Caller
from gateway.softphone.card import SoundCard
from gateway.softphone.course import Course
from gateway.softphone.line import Answer, Facts, Line
from gateway.softphone.orders import Connect, Dial, HangUp, Pause, Redirect, Reject, Say, Verb
from gateway.softphone.sound import Heard
from gateway.softphone.stream import Stream

__all__ = ["Phone", "Placed"]

DOCUMENTS = 20
"""Documents of one call; who needs more goes round in a circle."""
LONGEST_MESSAGE = 16 * 1024 * 1024
PROGRESS = frozenset({"initiated", "ringing", "answered", "in-progress"})
"""Statuses of a call that goes on."""


@dataclass(frozen=True, slots=True)
class Placed:
    """How the server placed a call by the carrier's API."""

    voice_url: str
    """Asked once somebody picks up."""
    document: str
    """Or that is what to do; empty otherwise."""
    status_url: str
    events: frozenset[str]
    """What is to be told there."""
    answer_after_s: float
    outcome: str
    """What becomes of it: `answered`, `busy`, `no-answer`."""
    verdict_url: str = ""
    """Where it is told who picked up, by the carrier's detection; empty where nobody asked."""
    verdict: str = ""
    """`human`, `machine_end_beep` …; empty: nothing is told."""
    verdict_after_s: float = 2.0
    """Since somebody picked up."""


class Phone:
    """A call to a server, by its number or placed by it. `caller` makes whoever holds the telephone, once the rate of
    the stream is known. A call is made and run in one event loop."""

    def __init__(
        self,
        line: Line,
        facts: Facts,
        where: Where,
        course: Course,
        caller: Callable[[int], Caller],
        heard: Heard,
        card: SoundCard | None = None,
        *,
        duration_s: float = 600.0,
    ) -> None:
        self.facts = facts
        self.status = "queued"
        """As the carrier's API calls it."""
        self._line = line
        self._where = where
        self._course = course
        self._make = caller
        self._caller: Caller | None = None
        self._heard = heard
        self._card = card
        self._now = asyncio.get_running_loop().time
        self._ends_at = self._now() + duration_s
        self._hung_up = False
        self._ordered: Answer | None = None
        self._cut = asyncio.Event()
        """What runs is to stop: the caller hung up, or the carrier's API says how to go on."""

    def hang_up(self) -> None:
        """The caller puts the phone down."""
        self._hung_up = True
        self._cut.set()

    def order(self, document: Answer) -> None:
        """The call goes on with this, whatever it does now."""
        self._ordered = document
        self._cut.set()

    async def to_number(self, carrier: str, persona: str | None) -> None:
        """Calls the server's number at the carrier. Never raises for what the server does: the summary tells."""

        async def go(asking: Asking) -> str:
            query = {"persona": persona} if persona else None
            asked = self._line.voice(
                self.facts, self._where.webhook(carrier, "voice", query), time.time(), "ringing"
            )
            self.status = "ringing"
            verbs = await asking.ask(asked)
            status_url = self._where.webhook(carrier, "status")
            return await self._held(asking, verbs, status_url, frozenset({"answered", "completed"}))

        await self._run(go)

    async def placed(self, placed: Placed) -> None:
        """The server has placed the call: ring, pick up, go on. Never raises for what the server does."""

        async def go(asking: Asking) -> str:
            async def tell(status: str) -> None:
                self.status = status
                if status in placed.events or (status not in PROGRESS and "completed" in placed.events):
                    await asking.tell(
                        self._line.status(self.facts, placed.status_url, status, None, time.time())
                    )

            await tell("initiated")
            await tell("ringing")
            self._course.tell(self._now(), "ringing", "it rings")
            await self._wait(placed.answer_after_s)
            if self._cut.is_set():
                await tell("canceled")
                return "hung up before anybody answered"
            if placed.outcome != "answered":
                await tell(placed.outcome)
                return f"nobody answers: {placed.outcome}"
            self._course.tell(self._now(), "picked-up", "you pick up")
            self.status = "in-progress"
            if placed.document:
                verbs = asking.read(Answer(200, "text/xml", placed.document, placed.voice_url))
            else:
                asked = self._line.voice(self.facts, placed.voice_url, time.time(), "in-progress")
                verbs = await asking.ask(asked)
            async with asyncio.TaskGroup() as group:
                verdict = group.create_task(self._verdict(asking, placed))
                how = await self._held(asking, verbs, placed.status_url, placed.events)
                verdict.cancel()
            return how

        await self._run(go)

    async def _verdict(self, asking: Asking, placed: Placed) -> None:
        if not (placed.verdict and placed.verdict_url):
            return
        after = placed.verdict_after_s
        await asyncio.sleep(after)
        self._course.tell(self._now(), "verdict", f"the server is told who picked up: {placed.verdict}")
        await asking.tell(self._line.verdict(self.facts, placed.verdict_url, placed.verdict, after))

    # ── the course of the call ────────────────────────────────────────────────────────────────────────────

    async def _run(self, go: Callable[[Asking], Awaitable[str]]) -> None:
        async with aiohttp.ClientSession() as http:
            try:
                how = await go(Asking(self._line, self._where, self._course, http))
            except Over as over:
                self._course.failed(self._now(), str(over))
                how = "no call" if not self._course.summary.connected else "broken off"
        if self.status in ("queued", *PROGRESS):
            self.status = "failed"
        self._course.ended(self._now(), how)

    async def _held(
        self, asking: Asking, verbs: Sequence[Verb], status_url: str, events: frozenset[str]
    ) -> str:
        """A call that was answered, to its end."""
        began = self._now()
        self.status = "in-progress"
        if "answered" in events:
            await asking.tell(self._line.status(self.facts, status_url, "answered", None, time.time()))
        try:
            return await self._follow(asking, verbs)
        finally:
            self.status = "completed"
            if "completed" in events:
                length = round(self._now() - began)
                await asking.tell(
                    self._line.status(self.facts, status_url, "completed", length, time.time())
                )

    async def _follow(self, asking: Asking, verbs: Sequence[Verb]) -> str:
        """Does what documents ask for, one after the other; how the call ended."""
        for _ in range(DOCUMENTS):
            how, asked = await self._do(asking, verbs)
            if self._hung_up:
                return "you hung up"
            if self._ordered is not None:
                document, self._ordered = self._ordered, None
                self._cut.clear()
                self._course.tell(self._now(), "ordered", "the server has the call go on otherwise")
                verbs = asking.read(document)
            elif asked is None:
                return how
            else:
                verb, url = asked
                verbs = await asking.ask(self._line.after(self.facts, url, verb, time.time()))
        raise Over(f"the server goes round in a circle: {DOCUMENTS} documents")

    async def _do(self, asking: Asking, verbs: Sequence[Verb]) -> tuple[str, tuple[Verb, str] | None]:
        """One document: how it ended, or after which verb which URL is to be asked."""
        for verb in verbs:
            action = None
            match verb:
                case Connect():
                    await self._stream(asking, verb)
                    action = verb.action
                case Say(text):
                    self._course.tell(self._now(), "said", f"the carrier says: {text}", said=text)
                case Pause(seconds):
                    await self._wait(seconds)
                case Redirect(url):
                    action = url
                case Dial(to, next_url):
                    self._course.summary.transferred = to
                    self._course.tell(self._now(), "transferred", f"you are transferred to {to}", to=to)
                    action = next_url
                case Reject(reason):
                    raise Over(f"the server rejects the call: {reason}")
                case HangUp():
                    return "the server hung up", None
            if self._cut.is_set():
                break
            if action is not None:
                return "", (verb, action)
        return "the server has nothing more to do with the call", None

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(seconds, max(0.0, self._ends_at - self._now()))):
                await self._cut.wait()
        except TimeoutError:
            return

    async def _stream(self, asking: Asking, connect: Connect) -> None:
        """One media socket. Raises Over when there is none."""
        line, facts = self._line, self.facts
        side = line.open(facts, connect)
        if self._caller is None:
            self._caller = self._make(side.says.rate)
        if self._card is not None:
            await self._card.open(side.says.rate, side.plays.rate)
        stream = Stream(side, self._caller, self._course, self._heard, self._card, self._cut)
        asked = self._now()
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(
                    self._where.reached(connect.url),
                    headers=line.handshake(connect, time.time()),
                    autoping=False,
                    max_msg_size=LONGEST_MESSAGE,
                ) as socket,
            ):
                took = self._now() - asked
                what = f"{side.plays.codec.value} at {side.plays.rate} Hz"
                self._course.streaming(self._now(), took, f"{what}, stream {side.id}" if side.id else what)
                async with asyncio.TaskGroup() as group:
                    group.create_task(
                        asking.tell(line.stream_status(facts, connect, side.id, "started", time.time()))
                    )
                    if await stream.run(socket, self._ends_at):
                        self._hung_up = True
        except aiohttp.WSServerHandshakeError as error:
            await asking.tell(line.stream_status(facts, connect, side.id, "failed", time.time()))
            raise Over(f"the media socket is refused: {error.status} (31920 handshake error)") from None
        except aiohttp.ClientError as error:
            raise Over(f"the media socket does not open: {type(error).__name__}") from None
        await asking.tell(line.stream_status(facts, connect, side.id, "stopped", time.time()))
