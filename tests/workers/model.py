"""A model that answers with a tone, and calls a tool when a written message asks for one by JSON: `{"tool": …,
"arguments": {…}}`.

    python -m tests.workers.model --port 9100
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import dataclass, field

import orjson
from aiohttp import WSMsgType, web

from scripts.bench.mock import Event, Session

__all__ = ["Calling"]


@dataclass(slots=True)
class Calling(Session):
    wanted: Event = field(default_factory=dict)
    """The tool that the next answer calls."""
    told: str = ""
    """What the system said last, which is what the next answer says."""

    async def receive(self, event: Event) -> None:
        if event["type"] == "conversation.item.create" and event["item"]["type"] == "message":
            text = event["item"]["content"][0].get("text", "")
            if event["item"]["role"] == "user":
                self.wanted = json.loads(text)
            elif event["item"]["role"] == "system":
                self.told = text
        await Session.receive(self, event)

    async def speak(self, asked: Event) -> None:
        wanted, self.wanted = self.wanted, {}
        if not wanted:
            await Session.speak(self, asked)
            return
        response = self.new("resp")
        call = {
            "id": self.new("item"), "object": "realtime.item", "type": "function_call", "status": "completed",
            "call_id": self.new("call"), "name": wanted["tool"], "arguments": json.dumps(wanted["arguments"]),
        }  # fmt: skip
        shape = {"id": response, "object": "realtime.response", "status": "in_progress", "output": []}
        begun = {**call, "status": "in_progress", "arguments": ""}
        where = {
            "response_id": response,
            "item_id": call["id"],
            "output_index": 0,
            "call_id": call["call_id"],
        }
        await self.send("response.created", response=shape)
        await self.send("response.output_item.added", response_id=response, output_index=0, item=begun)
        await self.send("conversation.item.added", item=begun, previous_item_id=None)
        await self.send(
            "response.function_call_arguments.done",
            **where, name=call["name"], arguments=call["arguments"],
        )  # fmt: skip
        await self.send("response.output_item.done", response_id=response, output_index=0, item=call)
        await self.send("conversation.item.done", item=call, previous_item_id=None)
        usage = {"total_tokens": 2, "input_tokens": 1, "output_tokens": 1}
        await self.send(
            "response.done", response={**shape, "status": "completed", "output": [call], "usage": usage}
        )


async def serve(request: web.Request) -> web.WebSocketResponse:
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    socket = web.WebSocketResponse(protocols=("realtime",) if "realtime" in offered else ())
    await socket.prepare(request)
    async with asyncio.TaskGroup() as group:
        session = Calling(socket, group)
        await session.send("session.created", session=session.session())
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await session.receive(orjson.loads(message.data))
        if session.reply is not None:
            session.reply.cancel()
    return socket


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    web.run_app(app, host="127.0.0.1", port=parser.parse_args().port, print=None, handler_cancellation=True)
