"""The situations of the wires: what happens, and what the client does about it."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.peers.faults import Event
from tests.peers.script import Call, Heard, Reply, Script
from tests.peers.sound import pieces, tone
from tests.wires.words import Words

__all__ = ["SITUATIONS", "Talk"]

SPOKEN = tone(120) + bytes(48 * 120)
"""Long enough for one turn: a tone, then silence."""
AUDIO = ("response.output_audio.delta", "response.audio.delta")


@dataclass(frozen=True, slots=True)
class Talk:
    """The client's end while a situation is played."""

    words: Words
    send: Callable[[Event], Awaitable[None]]
    until: Callable[..., Awaitable[Event]]
    """Reads on to the next event of one of these types, and gives it."""
    expire: Callable[[], Awaitable[None]]

    async def update(self, session: Event) -> None:
        await self.send({"type": "session.update", "session": session})
        await self.until("session.updated")

    async def speak(self, pcm: bytes = SPOKEN) -> None:
        for piece in pieces(pcm, 40):
            await self.send(
                {"type": "input_audio_buffer.append", "audio": base64.b64encode(piece).decode()}
            )

    async def write(self, text: str) -> None:
        part = {"type": "input_text", "text": text}
        await self.create({"type": "message", "role": "user", "content": [part]})

    async def create(self, item: Event) -> None:
        await self.send({"type": "conversation.item.create", "item": item})

    async def respond(self, response: Event | None = None) -> Event:
        event: Event = {"type": "response.create"}
        await self.send({**event, "response": response} if response else event)
        return await self.until("response.done")


async def _voice_turn(talk: Talk) -> None:
    await talk.update(talk.words.listening)
    await talk.speak()
    await talk.until("response.done")


async def _function_call(talk: Talk) -> None:
    await talk.update(talk.words.listening)
    await talk.write("Is there anything free on Friday?")
    done = await talk.respond()
    call_id = done["response"]["output"][0]["call_id"]
    await talk.create({"type": "function_call_output", "call_id": call_id, "output": '{"time": "9:30"}'})
    await talk.respond()


async def _text_turn(talk: Talk) -> None:
    await talk.write("When do you open?")
    await talk.respond(talk.words.in_text)


async def _push_to_talk(talk: Talk) -> None:
    await talk.update(talk.words.pushing)
    await talk.speak(tone(120))
    await talk.send({"type": "input_audio_buffer.commit"})
    await talk.until("input_audio_buffer.committed")
    await talk.respond()


async def _interruption(talk: Talk) -> None:
    await talk.update(talk.words.listening)
    await talk.send({"type": "response.create"})
    added = await talk.until("response.output_item.added")
    for _ in range(3):
        await talk.until(*AUDIO)
    await talk.speak()
    await talk.until("response.done")
    item_id = added["item"]["id"]
    await talk.send(
        {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": 40}
    )
    await talk.until("conversation.item.truncated")


async def _cancel(talk: Talk) -> None:
    await talk.send({"type": "response.create"})
    await talk.until(*AUDIO)
    await talk.send({"type": "response.cancel"})
    await talk.until("response.done")


async def _errors(talk: Talk) -> None:
    await talk.send({"type": "input_audio_buffer.commit", "event_id": "client_1"})
    await talk.until("error")
    await talk.send({"type": "response.cancel", "event_id": "client_2"})
    await talk.until("error")
    await talk.send({"type": "conversation.item.retrieve", "item_id": "item_none", "event_id": "client_3"})
    await talk.until("error")
    await talk.send({"type": "response.create"})
    await talk.until("response.created")
    await talk.send({"type": "response.create", "event_id": "client_4"})
    await talk.until("error")
    await talk.send({"type": "response.cancel"})
    await talk.until("response.done")


async def _failed(talk: Talk) -> None:
    await talk.write("Hello?")
    await talk.respond()


async def _expiry(talk: Talk) -> None:
    await talk.write("Are you still there?")
    await talk.until(
        "conversation.item.created" if "pcm16" in str(talk.words.listening) else "conversation.item.done"
    )
    await talk.expire()
    await talk.until("error")


async def _transcription_failure(talk: Talk) -> None:
    await talk.update(talk.words.listening)
    await talk.speak()
    await talk.until("response.done")


LONG = Reply("We have a great many appointments free this week.", audio=tone(200), chunk_ms=20, speed=0.2)
SHORT = Reply("Of course.", audio=tone(60), chunk_ms=20)
LIMIT = {
    "type": "server_error",
    "code": "inference_rate_limit_exceeded",
    "message": "Too many requests at once.",
}

SITUATIONS: dict[str, tuple[Script, Callable[[Talk], Awaitable[None]]]] = {
    "voice_turn": (Script(replies=(SHORT,), hears=(Heard("i'd like to book"),)), _voice_turn),
    "function_call": (
        Script(replies=(Reply(calls=(Call("find_slot", '{"day": "friday"}', "call_1"),)), SHORT)),
        _function_call,
    ),
    "text_turn": (Script(replies=(Reply("We open at eight."),)), _text_turn),
    "push_to_talk": (Script(replies=(SHORT,)), _push_to_talk),
    "interruption": (
        Script(
            replies=(Reply(LONG.text, audio=LONG.audio, chunk_ms=20, speed=0.2, late_deltas=1), SHORT),
            hears=(Heard("stop"),),
        ),
        _interruption,
    ),
    "cancel": (Script(replies=(LONG,)), _cancel),
    "errors": (Script(replies=(LONG,)), _errors),
    "rate_limits": (Script(replies=(Reply(status="failed", error=LIMIT),)), _failed),
    "expiry": (Script(), _expiry),
    "transcription_failure": (
        Script(replies=(SHORT,), hears=(Heard(failed=True),)),
        _transcription_failure,
    ),
}
