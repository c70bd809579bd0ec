"""A pure policy as a mind: its reply is there at once, and whole.

It answers on the event loop: working out a reply takes the embedded policy 1 to 4 ms, and below 5 ms a thread, for
which the interpreter would not even be switched, gains nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import orjson

from gateway.engine.mind import Call, Done, Policy, Request, Thought, Words

__all__ = ["AtOnce"]


class AtOnce:
    """`gateway.engine.mind.Mind`."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def think(self, request: Request) -> AsyncGenerator[Thought]:
        reply = self._policy.respond(request)
        if reply.say:
            yield Words(reply.say)
        for use in reply.tool_uses:
            yield Call(use.name, orjson.dumps(use.arguments).decode())
        yield Done()
