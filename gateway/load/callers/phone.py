"""A carrier's place: its webhook, where the server has one, and its media stream, by the softphone's strict code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import aiohttp

from gateway.load.call import Call, Failed, Refused, asked_in_vain, socket_over
from gateway.load.playing import Playing
from gateway.softphone.asking import Asking, Over, Unreached, Where
from gateway.softphone.course import Course
from gateway.softphone.line import Facts, Line, Side
from gateway.softphone.orders import PCMU, Broken, Clear, Connect, HangUp, Mark, Play, Reject, Say, Verb
from gateway.wire import Message

__all__ = ["hold"]

LONGEST_MESSAGE = 16 * 1024 * 1024


async def hold(call: Call, line: Line, where: Where) -> str:
    """The call until it is cancelled, or how the server ended it. Raises Failed."""
    loop, plan = asyncio.get_running_loop(), call.plan
    facts = line.facts(f"+1555010{call.number:04d}", "+15550200000")
    course = Course(line.title, loop.time(), lambda _: None)
    asking = Asking(line, where, course, call.http)
    status_url = ""
    try:
        if plan.has_path or "phone" in plan.paths:
            connect = Connect(plan.address("phone", "/media-stream", sockets=True), says=PCMU, plays=PCMU)
        else:
            status_url = where.webhook(plan.carrier, "status")
            query = {"persona": plan.persona} if plan.persona else None
            asked = line.voice(facts, where.webhook(plan.carrier, "voice", query), time.time())
            connect = _stream(await asking.ask(asked))
        return await _stream_open(
            call, line, facts, where.reached(connect.url), line.open(facts, connect), connect
        )
    except Unreached as unreached:
        # In the same words as for the other kinds, which know the options of this tool.
        raise unreached.error from None
    except Over as over:
        raise (Refused if str(over)[:3] in ("429", "503") else Failed)(str(over)) from None
    except Broken as rule:
        raise Failed(f"against the carrier's rules: {rule.told} ({rule.where})") from None
    finally:
        call.rules += [rule.told for rule in course.summary.rules]
        if status_url and call.connected is not None:
            length = round(loop.time() - call.connected)
            await asking.tell(line.status(facts, status_url, "completed", length, time.time()))


def _stream(verbs: Sequence[Verb]) -> Connect:
    """Raises Failed."""
    said = ""
    for verb in verbs:
        match verb:
            case Connect():
                return verb
            case Say(text):
                said = f": {text}"
            case Reject(reason):
                raise Refused(f"the server rejects the call: {reason}")
            case HangUp():
                raise Refused(f"the server hangs up instead of opening a stream{said}")
            case _:
                pass
    raise Failed("the answer to the webhook names no media stream")


async def _stream_open(call: Call, line: Line, facts: Facts, url: str, side: Side, connect: Connect) -> str:
    headers = {**line.handshake(connect, time.time()), **call.plan.headers}
    try:
        async with call.http.ws_connect(
            url, headers=headers, compress=0, max_msg_size=LONGEST_MESSAGE
        ) as socket:
            loop = asyncio.get_running_loop()
            call.connected = loop.time()
            playing = Playing(call, side.plays, call.connected, side.limit_s)
            await _send(socket, side.opening())
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(_speak(call, socket, side, playing))
                try:
                    async for message in socket:
                        await _send(socket, _take(call, side, playing, message.data, loop.time()))
                except asyncio.CancelledError:
                    await _send(socket, side.closing())
                    raise
                finally:
                    speaking.cancel()
            return socket_over(socket, loop.time() - call.connected)
    except aiohttp.WSServerHandshakeError as error:
        raise asked_in_vain(error.status, error.message, url, "--phone-path") from None


async def _speak(call: Call, socket: aiohttp.ClientWebSocketResponse, side: Side, playing: Playing) -> None:
    while True:
        now = await call.pace.next()
        reached = playing.advance(now)
        await _send(socket, [told for name in reached for told in side.marked(name)])
        await _send(socket, side.media(call.talk.frame(now)))


def _take(call: Call, side: Side, playing: Playing, message: Message, now: float) -> list[Message]:
    try:
        orders = side.receive(message)
    except Broken as rule:
        call.rules.append(rule.told)
        return []
    names = playing.advance(now)
    answers: list[Message] = []
    for order in orders:
        match order:
            case Play(audio):
                playing.play(audio)
            case Mark(name):
                names += playing.mark(name)
            case Clear():
                answers += side.cleared(playing.clear(now)[1])
            case _:
                pass  # keys of the server's change nothing that is measured
    return [*(told for name in names for told in side.marked(name)), *answers]


async def _send(socket: aiohttp.ClientWebSocketResponse, messages: Sequence[Message]) -> None:
    for message in messages:
        if socket.closed:
            return
        if isinstance(message, str):
            await socket.send_str(message)
        else:
            await socket.send_bytes(message)
