"""The gateway one writes by hand in an afternoon: aiortc's own tracks between a browser and the model.

    UPSTREAM=ws://127.0.0.1:9100/v1/realtime python -m scripts.bench.baseline --port 9200

It has no persona, no tools, no transcript and no store. It is what Parley is measured against.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import time
from collections import deque
from fractions import Fraction
from typing import Any

import websockets
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, AudioResampler

from scripts.bench.caller import use_loopback

UPDATE = {
    "type": "session.update",
    "session": {
        "type": "realtime",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "turn_detection": {"type": "server_vad"},
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24000}},
        },
    },
}


class Voice(MediaStreamTrack):
    """What the caller hears: 20 ms at a time, silence when there is nothing."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.frames: deque[bytes] = deque()
        self.rest = b""
        self.samples = 0
        self.began: float | None = None

    def say(self, pcm: bytes) -> None:
        pcm = self.rest + pcm
        whole = len(pcm) // 960 * 960
        self.frames.extend(pcm[i : i + 960] for i in range(0, whole, 960))
        self.rest = pcm[whole:]

    def hush(self) -> None:
        self.frames.clear()
        self.rest = b""

    async def recv(self) -> AudioFrame:
        if self.began is None:
            self.began = time.monotonic()
        await asyncio.sleep(max(0.0, self.began + self.samples / 24000 - time.monotonic()))
        frame = AudioFrame(format="s16", layout="mono", samples=480)
        frame.planes[0].update(self.frames.popleft() if self.frames else bytes(960))
        frame.sample_rate, frame.pts, frame.time_base = 24000, self.samples, Fraction(1, 24000)
        self.samples += 480
        return frame


async def bridge(track: Any, voice: Voice) -> None:
    """One call: the caller's frames up, the model's audio down."""
    resampler = AudioResampler(format="s16", layout="mono", rate=24000)
    async with websockets.connect(os.environ["UPSTREAM"]) as model, asyncio.TaskGroup() as group:
        await model.send(json.dumps(UPDATE))

        async def down() -> None:
            async for text in model:
                event = json.loads(text)
                if event["type"] == "response.output_audio.delta":
                    voice.say(base64.b64decode(event["delta"]))
                elif event["type"] == "input_audio_buffer.speech_started":
                    voice.hush()

        reader = group.create_task(down())
        try:
            while True:
                for frame in resampler.resample(await track.recv()):
                    pcm = bytes(frame.planes[0])[: frame.samples * 2]
                    audio = base64.b64encode(pcm).decode()
                    await model.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        except MediaStreamError:
            reader.cancel()


async def calls(app: web.Application) -> Any:
    async with asyncio.TaskGroup() as group:
        app[GROUP] = group
        yield


GROUP: web.AppKey[asyncio.TaskGroup] = web.AppKey("group", asyncio.TaskGroup)


async def answer(request: web.Request) -> web.Response:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    voice = Voice()
    peer.addTrack(voice)
    peer.on("track", lambda track: request.app[GROUP].create_task(bridge(track, voice)))

    async def changed() -> None:
        if peer.connectionState in ("failed", "closed"):
            await peer.close()

    peer.on("connectionstatechange", changed)
    await peer.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    return web.Response(status=201, text=peer.localDescription.sdp, content_type="application/sdp")


async def health(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def main() -> None:
    import uvloop

    use_loopback()
    parser = argparse.ArgumentParser(description="A bare gateway on aiortc.")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    app = web.Application()
    app.cleanup_ctx.append(calls)
    app.router.add_post("/v1/realtime/calls", answer)
    app.router.add_get("/healthz", health)
    web.run_app(app, host="127.0.0.1", port=port, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main()
