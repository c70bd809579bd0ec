"""A language model behind `POST /v1/chat/completions` as a mind: its words are said as they come.

Source: OpenAI API reference, Chat: create chat completion, streaming.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from aiohttp import ClientResponse

from gateway.engine.carrying_on import Rest as Remainder
from gateway.engine.carrying_on import begun_in, rest_of
from gateway.engine.mind import Done, MindFailed, MindLost, Request, Thought, Words
from gateway.providers.cascade.chunks import ChatStream, Lines
from gateway.providers.cascade.messages import chat_body
from gateway.providers.cascade.rest import ANSWER_S, Rest, StageFault
from gateway.realtime.response import Usage
from personas.prompt import said_exactly

__all__ = ["ChatMind"]

log = logging.getLogger(__name__)

MOST_FAILURES = 2
"""Replies in a row without an answer, and the model is given up, so that another provider takes over."""


class ChatMind:
    """`gateway.engine.mind.Mind` of one session."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._failures = 0

    async def think(self, request: Request) -> AsyncGenerator[Thought]:
        begun = begun_in(request.conversation)
        settled = said_exactly(request.response_instructions) or said_exactly(request.instructions)
        if settled is not None and settled.strip():
            # Words that are settled need no language model.
            yield Words(settled if begun is None else rest_of(settled, begun.words))
            yield Done(usage=Usage())
            return
        remainder = Remainder("" if begun is None else begun.words)
        try:
            async with aclosing(self._ask(request, remainder)) as thoughts:
                async for thought in thoughts:
                    yield thought
        except StageFault as fault:
            raise self._failed(fault) from None
        except MindFailed as fault:
            raise self._counted(fault) from None
        self._failures = 0

    async def _ask(self, request: Request, remainder: Remainder) -> AsyncGenerator[Thought]:
        body = chat_body(self._rest.stage.model, request)
        async with self._rest.post("/chat/completions", json=body) as answer:
            lines, stream = Lines(), ChatStream()
            while not stream.over and (data := await _next(answer)):
                for payload in lines.feed(data):
                    for thought in stream.feed(payload):
                        if not isinstance(thought, Words):
                            yield thought
                        elif text := remainder.feed(thought.text):
                            yield Words(text)
            if text := remainder.end():
                yield Words(text)
            for thought in stream.end():
                yield thought

    def _failed(self, fault: StageFault) -> MindFailed | MindLost:
        log.warning("%s", fault)
        if fault.gone:
            return MindLost(str(fault))
        return self._counted(MindFailed(fault.code, "The language model did not answer."))

    def _counted(self, fault: MindFailed) -> MindFailed | MindLost:
        self._failures += 1
        return (
            fault if self._failures < MOST_FAILURES else MindLost(f"chat: {self._failures} replies failed")
        )


async def _next(answer: ClientResponse) -> bytes:
    """The next bytes of the stream; none at its end. Raises TimeoutError."""
    async with asyncio.timeout(ANSWER_S):
        return await answer.content.readany()
