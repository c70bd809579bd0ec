"""A pure policy as a mind: its reply is there at once, and whole.

It answers on the event loop: working out a reply takes the embedded policy 1 to 4 ms, and below 5 ms a thread, for
which the interpreter would not even be switched, gains nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import orjson

from gateway.engine.carrying_on import begun_in, rest_of
from gateway.engine.mind import Call, Done, Policy, Request, Thought, Words
from gateway.engine.tokens import CHARACTERS_PER_TOKEN

__all__ = ["AtOnce"]


class AtOnce:
    """`gateway.engine.mind.Mind`."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def think(self, request: Request) -> AsyncGenerator[Thought]:
        begun = begun_in(request.conversation)
        if begun is None:
            reply = self._policy.respond(request)
            say = reply.say
        else:
            # As it was when the reply was asked for, the conversation leads to the same reply again.
            reply = self._policy.respond(replace(request, conversation=begun.before))
            say = rest_of(reply.say, begun.words)
        if request.max_output_tokens is not None:
            room = request.max_output_tokens * CHARACTERS_PER_TOKEN
            if len(say) > room:
                yield Words(_cut(say, room))
                yield Done("max_output_tokens")
                return
        if say:
            yield Words(say)
        for use in reply.tool_uses:
            yield Call(use.name, orjson.dumps(use.arguments).decode())
        yield Done()


def _cut(text: str, room: int) -> str:
    """The words that fit whole, or the beginning of the first."""
    return text[: room + 1].rpartition(" ")[0].rstrip() or text[:room]
