"""A client that sends its audio at once counts on all of it: nothing is lost on the way to a remote model."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from gateway.connector import Endpoint, open_session
from gateway.realtime.session import default_session
from media.audio import PCM24

pytestmark = pytest.mark.integration

SESSION = default_session(model="m", session_id="sess_1")


@pytest.mark.parametrize(
    ("realtime", "seconds"),
    # What a caller says now is dropped only once the system's own buffers are full as well: many megabytes here.
    [(True, 400), (False, 40)],
)
async def test_audio_for_a_server_that_does_not_read(realtime: bool, seconds: int) -> None:
    reads, heard, committed = asyncio.Event(), bytearray(), asyncio.Event()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        await socket.send_json({"type": "session.created", "event_id": "e", "session": SESSION})
        await socket.receive()
        await socket.send_json({"type": "session.updated", "event_id": "e", "session": SESSION})
        await reads.wait()
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            event: dict[str, Any] = json.loads(message.data)
            if event["type"] == "input_audio_buffer.append":
                heard.extend(base64.b64decode(event["audio"]))
            else:
                committed.set()
        return socket

    app = web.Application()
    app.router.add_get("/v1/realtime", serve)
    async with TestServer(app) as server:
        url = str(server.make_url("/v1/realtime")).replace("http", "ws", 1)
        async with open_session(Endpoint("peer", url), SESSION, realtime=realtime) as session:
            for _ in range(10 * seconds):
                session.audio(bytes(PCM24.to_bytes(100)))
            session.send({"type": "input_audio_buffer.commit"})
            await asyncio.sleep(0)
            reads.set()
            async with asyncio.timeout(10):
                await committed.wait()
            dropped = session.dropped_ms
    assert PCM24.to_ms(len(heard)) == 1000 * seconds - dropped
    assert (dropped > 0) == realtime
