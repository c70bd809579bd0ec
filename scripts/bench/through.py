"""The least that connects Twilio's streams to a realtime model: audio passed on as it comes, a mark after each piece,
`clear` and `truncate` as the caller begins to speak. No voice detection, no pacing, no journal: what a phone call costs
without a gateway.

    PORT=9200 UPSTREAM=ws://127.0.0.1:9100/v1/realtime python -m scripts.bench.through
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from scripts.bench.script import SILENCE_MS

__all__ = ["main"]

G711 = {"type": "audio/pcmu"}
EARS = {"type": "server_vad", "silence_duration_ms": SILENCE_MS}
SESSION = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "instructions": "Be brief.",
    "audio": {
        "input": {"format": G711, "turn_detection": EARS},
        "output": {"format": G711, "voice": "marin"},
    },
}

Event = dict[str, Any]


@dataclass(slots=True)
class Talk:
    """One call."""

    phone: web.WebSocketResponse
    model: aiohttp.ClientWebSocketResponse
    stream: str = ""
    at_ms: int = 0
    """The caller's clock."""
    item: str = ""
    began_ms: int = 0
    marks: int = 0

    async def hear(self) -> None:
        async for message in self.phone:
            event = orjson.loads(message.data)
            match event["event"]:
                case "media":
                    self.at_ms = int(event["media"]["timestamp"])
                    audio = event["media"]["payload"]
                    await self._tell({"type": "input_audio_buffer.append", "audio": audio})
                case "start":
                    self.stream = event["start"]["streamSid"]
                case "mark" if self.marks:
                    self.marks -= 1
                case _:
                    pass
        await self.model.close()

    async def speak(self) -> None:
        async for message in self.model:
            event = orjson.loads(message.data)
            match event["type"]:
                case "response.output_audio.delta":
                    await self._play("media", media={"payload": event["delta"]})
                    if event["item_id"] != self.item:
                        self.item, self.began_ms = event["item_id"], self.at_ms
                    await self._play("mark", mark={"name": "part"})
                    self.marks += 1
                case "input_audio_buffer.speech_started" if self.item and self.marks:
                    heard = {
                        "item_id": self.item,
                        "content_index": 0,
                        "audio_end_ms": self.at_ms - self.began_ms,
                    }
                    await self._tell({"type": "conversation.item.truncate", **heard})
                    await self._play("clear")
                    self.item, self.marks = "", 0
                case _:
                    pass

    async def _tell(self, event: Event) -> None:
        await self.model.send_str(orjson.dumps(event).decode())

    async def _play(self, kind: str, **fields: object) -> None:
        await self.phone.send_str(
            orjson.dumps({"event": kind, "streamSid": self.stream, **fields}).decode()
        )


async def serve(port: int, upstream: str) -> None:
    async with aiohttp.ClientSession() as http:

        async def take(request: web.Request) -> web.StreamResponse:
            phone = web.WebSocketResponse(compress=False)
            await phone.prepare(request)
            async with http.ws_connect(upstream, compress=0) as model:
                await model.send_str(orjson.dumps({"type": "session.update", "session": SESSION}).decode())
                talk = Talk(phone, model)
                await asyncio.gather(talk.hear(), talk.speak())
            return phone

        app = web.Application()
        app.router.add_get("/media-stream", take)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


def main() -> None:
    import uvloop

    uvloop.run(serve(int(os.environ["PORT"]), os.environ["UPSTREAM"]))


if __name__ == "__main__":
    main()
