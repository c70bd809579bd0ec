"""What two joined callers cost: both legs of each pair over Twilio's stream, frames both ways, sockets and TLS apart.

python -m scripts.bench.joined [--pairs 20] [--seconds 15]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import time
from collections.abc import Callable, Sequence

from gateway.carriage.leg import CarrierLeg
from gateway.carriage.line import Line
from gateway.carriers import twilio
from gateway.errors import TRANSFERRED, Ending
from gateway.wire import Message
from media.crossing import Crossing

FRAME = base64.b64encode(bytes(range(160))).decode()


class Memory:
    """A link without a socket."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Message | None] = asyncio.Queue()
        self.sent = 0
        self._take: Callable[[Message], None] | None = None

    def bring(self, message: Message) -> None:
        if self._take is None:
            self.waiting.put_nowait(message)
        else:
            self._take(message)

    def listen(self, take: Callable[[Message], None]) -> None:
        if self.waiting.empty():
            self._take = take

    def leave(self) -> None:
        self.waiting.put_nowait(None)

    def send(self, messages: Sequence[Message]) -> None:
        self.sent += len(messages)

    async def read(self) -> Message | None:
        return await self.waiting.get()

    async def close(self) -> None:
        self.waiting.put_nowait(None)


class End:
    """One of two callers: a sink and a speaker, as a joined call is."""

    says: Crossing
    hears: Crossing
    other: End

    def __init__(self, leg: CarrierLeg, link: Memory, stream: str) -> None:
        self.leg, self.link, self.stream = leg, link, stream

    def on_connected(self) -> None: ...

    def on_channel_open(self) -> None: ...

    def on_audio(self, audio: bytes) -> None:
        self.says.push(audio)
        self.other.leg.wake()

    def on_event(self, message: str) -> None: ...

    def on_digit(self, digit: str) -> None: ...

    def on_lost(self, ending: Ending) -> None: ...

    def pull(self, now: float) -> bytes | None:
        return self.hears.pull()


async def end(number: int, group: asyncio.TaskGroup) -> End:
    link, stream = Memory(), f"MZ{number:032x}"
    line = Line("twilio", twilio.Stream(), link)
    start = {
        "accountSid": "AC" + "0" * 32, "streamSid": stream, "callSid": f"CA{number:032x}", "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}, "customParameters": {},
    }  # fmt: skip
    link.waiting.put_nowait(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
    link.waiting.put_nowait(
        json.dumps({"event": "start", "sequenceNumber": "1", "streamSid": stream, "start": start})
    )
    await line.answer()
    group.create_task(line.serve())
    return End(CarrierLeg(f"rtc_{number}", line), link, stream)


def media(stream: str, count: int) -> str:
    said = {"track": "inbound", "chunk": str(count), "timestamp": str(count * 20), "payload": FRAME}
    return json.dumps(
        {"event": "media", "sequenceNumber": str(count + 1), "streamSid": stream, "media": said}
    )


async def measured(pairs: int, seconds: int) -> tuple[float, int]:
    """Processor milliseconds for one second of one pair, and milliseconds of audio that were dropped."""
    async with asyncio.TaskGroup() as group:
        ends = [await end(number, group) for number in range(2 * pairs)]
        for one, other in zip(ends[::2], ends[1::2], strict=True):
            one.says = other.hears = Crossing(one.leg.form, other.leg.form)
            other.says = one.hears = Crossing(other.leg.form, one.leg.form)
            one.other, other.other = other, one
        for each in ends:
            await each.leg.open(each, each)
        loop = asyncio.get_running_loop()
        began, ours, due = time.process_time(), 0.0, loop.time()
        for count in range(1, seconds * 50 + 1):
            since = time.process_time()
            messages = [media(each.stream, count) for each in ends]
            ours += time.process_time() - since
            for each, message in zip(ends, messages, strict=True):
                each.link.bring(message)
            due += 0.02
            await asyncio.sleep(due - loop.time())
        spent = time.process_time() - began - ours
        for each in ends:
            await each.leg.close(TRANSFERRED)
    return spent * 1000 / (pairs * seconds), sum(each.says.dropped_ms for each in ends)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=15)
    asked = parser.parse_args()
    ms, dropped = asyncio.run(measured(asked.pairs, asked.seconds))
    print(f"{asked.pairs} pairs: {ms:.2f} ms of CPU a second and pair; {dropped} ms dropped")


if __name__ == "__main__":
    main()
