"""One media socket of the softphone, in real time: the caller's 20 ms out, what the server sends played."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Iterable

import aiohttp

from gateway.softphone.caller import Caller, Ear
from gateway.softphone.card import SoundCard
from gateway.softphone.course import Course
from gateway.softphone.line import Side
from gateway.softphone.orders import Broken, Clear, Keys, Mark, Order, Play
from gateway.softphone.player import Player
from gateway.softphone.sound import Heard, Unusable, decoded, encoded, silence
from gateway.wire import Message
from media.audio import FRAME_MS

__all__ = ["Stream"]

PING_S = 2.0
FAREWELL_S = 2.0
"""How long the server may take to close its end once the caller hung up."""


class Stream:
    """`run` once. The caller's state is its own, and outlasts the stream. When `cut` is set the carrier ends it."""

    def __init__(
        self,
        side: Side,
        caller: Caller,
        course: Course,
        heard: Heard,
        card: SoundCard | None,
        cut: asyncio.Event,
    ) -> None:
        self._side = side
        self._caller = caller
        self._course = course
        self._heard = heard
        self._card = card
        self._cut = cut
        self._hung_up = False
        self._now = asyncio.get_running_loop().time
        self._ear = Ear()
        self._silence = silence(side.says, side.says.bytes_per_ms * FRAME_MS)
        self._player = Player(side.plays, 0.0, side.limit_s)
        self._over = asyncio.Event()

    async def run(self, socket: aiohttp.ClientWebSocketResponse, ends_at: float) -> bool:
        """True when the caller hung up, False when the server closed the socket."""
        began = self._now()
        self._player = Player(self._side.plays, began, self._side.limit_s)
        await self._send(socket, self._side.opening())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tick(socket, began, ends_at))
                try:
                    await self._listen(socket)
                finally:
                    self._over.set()
        except* ConnectionError:
            pass  # the server went away while something was on its way to it
        self._sum_up()
        return self._hung_up

    async def _tick(self, socket: aiohttp.ClientWebSocketResponse, began: float, ends_at: float) -> None:
        """Every 20 ms, on time: a late one is followed by the next at once."""
        due, ping = began, began + 0.2
        while not self._over.is_set():
            due += FRAME_MS / 1000
            await asyncio.sleep(due - self._now())
            now = self._now()
            await self._send(socket, self._play(now))
            act = self._caller.tick(now, self._ear)
            self._course.caller(now, act, self._ear)
            if act.hangs_up or now >= ends_at:
                self._hung_up = True
                self._cut.set()
            if self._cut.is_set():
                await self._send(socket, self._side.closing())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FAREWELL_S):
                        await socket.close()
                return
            audio = self._silence if act.frame is None else encoded(act.frame, self._side.says)
            await self._send(socket, self._side.media(audio))
            if act.key:
                await self._send(socket, self._side.key(act.key))
            if now >= ping:
                ping = now + PING_S
                await socket.ping(struct.pack("!d", now))

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            now = self._now()
            match message.type:
                case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                    await self._send(socket, [*self._play(now), *self._take(message.data, now)])
                case aiohttp.WSMsgType.PING:
                    await socket.pong(message.data)
                case aiohttp.WSMsgType.PONG if len(message.data) == 8:
                    self._course.round_trip(now, now - struct.unpack("!d", bytes(message.data))[0])
                case _:
                    pass

    async def _send(self, socket: aiohttp.ClientWebSocketResponse, messages: Iterable[Message]) -> None:
        for message in messages:
            if socket.closed:
                return
            if isinstance(message, str):
                await socket.send_str(message)
            else:
                await socket.send_bytes(message)

    # ── what the server asks for ──────────────────────────────────────────────────────────────────────────

    def _take(self, message: Message, now: float) -> list[Message]:
        try:
            orders = self._side.receive(message)
        except Broken as rule:
            self._course.broken(now, rule)
            return []
        return [answer for order in orders for answer in self._obey(order, now)]

    def _obey(self, order: Order, now: float) -> list[Message]:
        match order:
            case Play(audio):
                if not self._player.play(audio):
                    limit = f"more than {self._side.limit_s:g} s of audio queued"
                    self._course.broken(now, Broken(f"{limit}: the rest is thrown away", "31931"))
                return []
            case Mark(name):
                self._player.mark(name)
                self._course.mark(now, name, played=False)
                return self._reached(now)
            case Clear():
                dropped, marks = self._player.clear()
                self._course.clear(now, dropped, len(marks))
                return list(self._side.cleared(marks))
            case Keys(digits):
                self._course.tell(now, "keys", f"the server presses {digits}", digits=digits)
                return []

    def _play(self, now: float) -> list[Message]:
        """What was played by now goes to the ear, the file and the loudspeaker; marks that were reached to the
        server."""
        audio = self._player.advance(now)
        if audio:
            encoding = self._side.plays
            pcm = decoded(audio, encoding)
            try:
                self._heard.write(pcm, encoding.rate)
            except Unusable as error:
                self._course.failed(now, str(error))
                self._cut.set()
            if self._card is not None:
                self._card.write(pcm, encoding.rate)
            if self._ear.hear(pcm, len(audio) / encoding.bytes_per_ms / 1000, now):
                self._course.agent(now, self._ear)
        return self._reached(now)

    def _reached(self, now: float) -> list[Message]:
        answers: list[Message] = []
        for name in self._player.reached():
            self._course.mark(now, name, played=True)
            answers += self._side.marked(name)
        return answers

    def _sum_up(self) -> None:
        summary, player = self._course.summary, self._player
        summary.heard_s += self._ear.heard_s
        summary.lead_ms = max(summary.lead_ms, player.lead_s_max * 1000)
        summary.underruns += len(player.underruns)
        summary.underrun_ms += sum(player.underruns) * 1000
        if not self._cut.is_set():
            summary.unplayed_ms += player.pending_s * 1000
