"""The smallest carrier there can be, on a link without a socket, and a call that keeps what its leg tells."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from gateway.carriage.leg import CarrierLeg
from gateway.carriage.line import Line
from gateway.errors import Ending
from gateway.wire import (
    Audio,
    Cleared,
    Complained,
    Digit,
    Encoding,
    Message,
    Pacing,
    Played,
    Started,
    Stopped,
    StreamEvent,
    StreamFault,
)
from media.playout import Playout
from tests.carriage.far import LINEAR

__all__ = ["PACING", "ToyCall", "ToyLink", "ToyStream", "toy_line"]

PACING = Pacing()


class ToyStream:
    """Audio is binary both ways; everything else is a word and perhaps another."""

    subprotocol: str | None = None

    def __init__(
        self, encoding: Encoding = LINEAR, pacing: Pacing = PACING, *, clears: bool = True
    ) -> None:
        self._encoding, self._pacing, self._clears = encoding, pacing, clears

    def receive(self, message: Message) -> tuple[list[StreamEvent], list[Message]]:
        if isinstance(message, bytes):
            return [Audio(message)], []
        word, _, rest = message.partition(" ")
        match word:
            case "start":
                return [Started("s", "c", self._encoding, self._encoding, self._pacing)], []
            case "digit":
                return [Digit(rest)], []
            case "played":
                return [Played(rest)], []
            case "cleared":
                return [Cleared()], []
            case "stop":
                return [Stopped()], []
            case "ping":
                return [], ["pong"]
            case "wait":
                return [Complained("busy", int(rest))], []
            case "break":
                raise RuntimeError("a fault of ours")
            case _:
                raise StreamFault("an unknown word")

    def play(self, audio: bytes) -> list[Message]:
        return [audio]

    def mark(self, name: str) -> list[Message]:
        return [f"mark {name}"]

    def clear(self) -> list[Message]:
        return ["clear"] if self._clears else []

    def send_digits(self, digits: str) -> list[Message]:
        return [f"keys {digits}"]

    def hang_up(self) -> list[Message]:
        return ["bye"]


class ToyLink:
    def __init__(self) -> None:
        self.incoming: asyncio.Queue[Message | None] = asyncio.Queue()
        self.sent: list[tuple[float, Message]] = []
        self.closed = False

    def send(self, messages: Sequence[Message]) -> None:
        now = asyncio.get_running_loop().time()
        self.sent += [(now, message) for message in messages]

    async def read(self) -> Message | None:
        return None if self.closed else await self.incoming.get()

    def listen(self, take: Callable[[Message], None]) -> None: ...

    def leave(self) -> None: ...

    async def close(self) -> None:
        self.closed = True
        self.incoming.put_nowait(None)

    def say(self, *messages: Message | None) -> None:
        for message in messages:
            self.incoming.put_nowait(message)

    @property
    def words(self) -> list[str]:
        return [message for _, message in self.sent if isinstance(message, str)]

    @property
    def audio(self) -> bytes:
        return b"".join(message for _, message in self.sent if isinstance(message, bytes))


def toy_line(
    encoding: Encoding = LINEAR, pacing: Pacing = PACING, *, clears: bool = True
) -> tuple[Line, ToyLink]:
    link = ToyLink()
    return Line("toy", ToyStream(encoding, pacing, clears=clears), link), link


class ToyCall:
    """Sink and speaker: what `gateway.call.shell` is to a leg, with the playout alone."""

    def __init__(self) -> None:
        self.leg: CarrierLeg | None = None
        self.playout = Playout(0, acknowledged=True)
        self.told: deque[tuple[float, str]] = deque()
        self.audio: list[tuple[float, bytes]] = []
        self.digits = ""
        self.endings: list[Ending] = []
        self.fault: Exception | None = None

    def _note(self, what: str) -> None:
        self.told.append((asyncio.get_running_loop().time(), what))

    def on_connected(self) -> None:
        self._note("connected")

    def on_channel_open(self) -> None:
        self._note("channel")

    def on_audio(self, pcm: bytes) -> None:
        if self.fault is not None:
            raise self.fault
        self.audio.append((asyncio.get_running_loop().time(), pcm))

    def on_event(self, message: str) -> None:
        raise AssertionError("a phone has no event channel")

    def on_digit(self, digit: str) -> None:
        self.digits += digit

    def on_lost(self, ending: Ending) -> None:
        self.endings.append(ending)

    def pull(self, now: float) -> bytes | None:
        return self.playout.pull(now)

    # what the call does

    def speak(self, item_id: str, pcm: bytes) -> None:
        assert self.leg is not None
        self.playout.queue(item_id, pcm)
        self.leg.wake()

    def pause(self) -> None:
        assert self.leg is not None
        now = asyncio.get_running_loop().time()
        self.playout.pause(now)
        self.playout.recall(self.leg.recall(now))

    def resume(self, back_ms: int = 0) -> None:
        assert self.leg is not None
        self.playout.resume(asyncio.get_running_loop().time(), back_ms)
        self.leg.wake()

    def clear(self) -> None:
        self.pause()
        self.playout.clear(asyncio.get_running_loop().time())

    def heard_ms(self, item_id: str) -> int:
        assert self.leg is not None
        now = asyncio.get_running_loop().time()
        self.playout.acknowledge(self.leg.heard_ms(now))
        return next(total.heard_ms for total in self.playout.totals(now) if total.item_id == item_id)
