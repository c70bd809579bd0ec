"""The WebRTC leg: a browser, or any WebRTC client, with its audio and its event channel.

Life: `answer` the offer, then `open`, then `close`; `close` may come at any time. A leg has one task, the runner, which
begins with `answer`: it negotiates, then waits for the end, and releases the connection. It is never cancelled: `close`
tells it to end. It also ends by itself when nobody opens the leg, or when the one who asked for the answer gives up.
What happens meanwhile happens in callbacks: packets as they come (`gateway.clients.rtp`), all else on the beat that
the legs of a process share (`gateway.clients.beat`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import ParamSpec

from aiortc import RTCDataChannel

from gateway.clients.beat import Beat
from gateway.clients.bounds import Fault
from gateway.clients.channel import MAX_UNSENT, EventChannel
from gateway.clients.connection import Connection, LegSettings, Watch
from gateway.clients.packets import Packet
from gateway.clients.rtp import RtpSession
from gateway.clients.sdp import Offer, clean_offer
from gateway.clients.sound import Hearing, Voice
from gateway.errors import (
    HUNG_UP,
    INTERNAL_ERROR,
    LEFT,
    NEVER_CONNECTED,
    PROTOCOL,
    Ending,
    LegError,
    LegLost,
)
from gateway.log import where
from gateway.ports import Event, LegSink, Speaker
from media.audio import PCM24
from media.sending import Outgoing

__all__ = ["LegSettings", "WebRtcLeg"]

logger = logging.getLogger(__name__)
Told = ParamSpec("Told")

OUTPUT_MS = 20
"""From a browser's jitter buffer to the ear."""
BUFFER_MS = 40
"""The least that Chromium's jitter buffer holds back; 10 ms more than packets are late, when they are later."""
SILENT_S = 10.0
"""Without any packet for so long the caller is gone: a muted browser goes on sending."""
UNOPENED_S = 5.0
"""How much longer than the set-up time an answered leg waits for `open`."""
STATS_S = 1.0
CLOSE_S = 5.0
EARLY = 32
"""Messages kept that come before `open`; later ones are dropped."""
MAX_CHANNELS = 8
"""Data channels a client may open; only the first is used, the others are closed at once."""


class WebRtcLeg:
    """One caller over WebRTC; implements `gateway.ports.Leg`."""

    kind = "webrtc"
    plays = True
    form = PCM24

    def __init__(self, call_id: str, settings: LegSettings) -> None:
        self.call_id = call_id
        self.downlink_ms = OUTPUT_MS + BUFFER_MS
        """Corrected every second, from how regularly packets go out and from the round trip."""
        self._settings = settings
        self._runner: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._ending: Ending | None = None
        self._sink: LegSink | None = None
        self._channel: EventChannel | None = None
        self._channels = 0
        self._early: deque[str] = deque()
        self._asked_at = 0.0
        self._connected_at: float | None = None
        self._stats: dict[str, float] = {}
        self._polled_at = 0.0
        self._hearing = Hearing(self._heard)
        self._voice = Voice()

    # ── the port ──────────────────────────────────────────────────────────────────────────────────────────

    async def answer(self, offer: str) -> str:
        """The SDP answer to a browser's offer, complete with candidates. Once per leg.

        Raises LegProtocolError with a sentence for the client when the offer cannot be answered, LegError when
        this machine has no address to offer, LegLost when the leg is closed meanwhile.
        """
        cleaned = clean_offer(offer)
        if self._runner is not None or self._over.is_set():
            raise LegError("the leg was answered or closed before")
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[str] = loop.create_future()
        self._asked_at = loop.time()
        self._runner = asyncio.create_task(  # noqa: TID251 - the one owner; `close` waits for it
            self._run(cleaned, answered), name=f"leg:{self.call_id}"
        )
        try:
            return await asyncio.shield(answered)
        except BaseException:
            self._over.set()
            answered.cancel()
            raise

    async def open(self, sink: LegSink, speaker: Speaker) -> None:
        """Tell `sink` from now on, also of what happened since the answer. Raises LegLost when it is too late."""
        if self._runner is None or self._sink is not None:
            raise LegError("a leg is opened once, after its answer")
        if self._ending is not None or self._over.is_set():
            lost = LegLost("the caller was gone before the call began")
            lost.ending = self._ending or NEVER_CONNECTED
            raise lost
        self._sink = sink
        self._voice.speaker = speaker
        if self._connected_at is not None:
            self._begin(sink)
        if self._channel is not None:
            self._tell_channel(sink)

    def send(self, event: Event) -> None:
        """One event, whole; what the client cannot take (256 KiB, or less by its offer) is dropped and logged."""
        if self._channel is None or self._over.is_set():
            return
        self._channel.send(event)
        if self._channel.unsent > MAX_UNSENT:
            self._lose(LEFT)

    def stats(self) -> dict[str, float]:
        """As `gateway.ports.Leg` says, and `concealed_ms` and `dropped_ms` of the caller's audio."""
        return {**self._stats, **self._hearing.lost}

    async def close(self, ending: Ending) -> None:
        """Releases everything within 5 s; `ending` is the call's own affair. Does not call the sink."""
        self._over.set()
        if self._runner is None:
            self._free()
            return
        _, running = await asyncio.wait({self._runner}, timeout=CLOSE_S)
        if running:
            logger.error("the connection would not close (%s); left behind", ending)

    # ── the runner ────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self, offer: Offer, answered: asyncio.Future[str]) -> None:
        watch = Watch(
            connected=self._connected,
            over=self._connection_over,
            channel=lambda channel: self._channel_opened(channel, offer),
            fault=self._fault,
            packet=self._packet,
            loss=self._voice.lost,
        )
        connection = Connection(self._settings, watch)
        try:
            try:
                answer = await connection.answer(offer)
            except Exception as error:  # noqa: BLE001 - handed to the one who asked
                if not answered.done():
                    answered.set_exception(error)
                return
            if self._over.is_set():
                if not answered.done():
                    answered.set_exception(LegLost("the leg was closed while it answered"))
                return
            answered.set_result(answer)
            assert connection.rtp is not None
            await self._live(connection.rtp, hears=offer.hears)
        finally:
            self._over.set()
            await connection.release()
            self._free()
            self._voice.speaker = None
            self._channel = None
            self._early.clear()

    async def _live(self, rtp: RtpSession, *, hears: bool) -> None:
        def beat(due: float, now: float) -> Outgoing | None:
            if self._over.is_set():
                return None
            try:
                return self._beat(rtp, due, now, hears=hears)
            except Exception as error:  # noqa: BLE001 - as in `_tell`
                logger.error("the leg broke: %s", where(error))
                self._lose(INTERNAL_ERROR)
                return None

        def deliver(packet: Outgoing) -> None:
            if packet.failed is not None:
                logger.error("the outgoing audio broke: %s", where(packet.failed))
                self._lose(INTERNAL_ERROR)
            else:
                rtp.send(packet.payload, packet.timestamp, marker=packet.marker)

        clock = Beat.of_loop()
        clock.join(beat, deliver)
        try:
            await self._over.wait()
        finally:
            clock.leave(beat)

    def _beat(self, rtp: RtpSession, due: float, now: float, *, hears: bool) -> Outgoing | None:
        """Every 20 ms: the caller's time goes on, the deadlines are looked at, and the agent speaks."""
        self._hearing.tick(now)
        rtp.tick()
        self._check_deadlines(now, hears=hears)
        if now - self._polled_at >= STATS_S:
            self._polled_at = now
            self._stats = rtp.figures()
            buffered = max(BUFFER_MS, self._voice.late_ms + 10)
            self.downlink_ms = round(OUTPUT_MS + buffered + self._stats.get("rtt_ms", 0.0) / 2)
        return self._speak(due, now) if rtp.started and self._ending is None else None

    def _speak(self, due: float, now: float) -> Outgoing | None:
        try:
            return self._voice.frame(due, now)
        except Exception as error:  # noqa: BLE001 - whatever the speaker raises, the call must learn of it
            logger.error("the outgoing audio broke: %s", where(error))
            self._lose(INTERNAL_ERROR)
            return None

    def _free(self) -> None:
        self._hearing.close()
        self._voice.close()

    def _check_deadlines(self, now: float, *, hears: bool) -> None:
        if self._connected_at is None:
            if now - self._asked_at > self._settings.setup_s:
                self._lose(NEVER_CONNECTED)
        elif hears and now - max(self._connected_at, self._hearing.heard_at or 0.0) > SILENT_S:
            self._lose(LEFT)
        if self._sink is None and now - self._asked_at > self._settings.setup_s + UNOPENED_S:
            self._over.set()

    # ── what happens to the connection ────────────────────────────────────────────────────────────────────

    def _connected(self) -> None:
        if self._connected_at is None:
            self._connected_at = asyncio.get_running_loop().time()
            if self._sink is not None:
                self._begin(self._sink)

    def _connection_over(self, ending: Ending | None) -> None:
        self._lose(ending or (NEVER_CONNECTED if self._connected_at is None else LEFT))

    def _channel_opened(self, channel: RTCDataChannel, offer: Offer) -> None:
        self._channels += 1
        if self._channel is not None:
            channel.close()
            if self._channels > MAX_CHANNELS:
                self._lose(PROTOCOL)
            return
        self._channel = EventChannel(
            channel, offer.max_message, self._message, on_flood=lambda: self._lose(PROTOCOL)
        )
        channel.on("close", lambda: self._lose(HUNG_UP))
        if self._sink is not None:
            self._tell_channel(self._sink)

    def _message(self, message: str) -> None:
        if self._sink is None:
            if len(self._early) < EARLY:
                self._early.append(message)
        elif self._ending is None and not self._over.is_set():
            self._tell(self._sink.on_event, message)

    def _fault(self, fault: Fault) -> None:
        if self._channel is not None:
            self._channel.fault(fault)
        elif fault is Fault.FLOOD:
            self._lose(PROTOCOL)

    def _packet(self, packet: Packet) -> None:
        if not self._over.is_set():
            self._tell(self._hearing.packet, packet, asyncio.get_running_loop().time())

    def _heard(self, pcm: bytes) -> None:
        # Of a packet or a beat, whose faults end the call.
        if self._sink is not None and self._ending is None and not self._over.is_set():
            self._sink.on_audio(pcm)

    # ── what the call is told ─────────────────────────────────────────────────────────────────────────────

    def _begin(self, sink: LegSink) -> None:
        self._hearing.begin(asyncio.get_running_loop().time())
        self._tell(sink.on_connected)

    def _tell_channel(self, sink: LegSink) -> None:
        self._tell(sink.on_channel_open)
        while self._early:
            self._message(self._early.popleft())

    def _tell(self, what: Callable[Told, None], *told: Told.args, **also: Told.kwargs) -> None:
        """Call the sink. Its failure must end the call, not the WebRTC stack's task in which it happens."""
        try:
            what(*told, **also)
        except Exception as error:  # noqa: BLE001 - see above; its text may quote what was said
            logger.error("the call failed over what its leg told: %s", where(error))
            self._lose(INTERNAL_ERROR)

    def _lose(self, ending: Ending) -> None:
        if self._ending is not None or self._over.is_set():
            return
        self._ending = ending
        if self._sink is None:
            self._over.set()
            return
        try:
            self._sink.on_lost(ending)
        except Exception as error:  # noqa: BLE001 - as above; nobody is left to be told
            logger.error("the call failed in on_lost: %s", where(error))
