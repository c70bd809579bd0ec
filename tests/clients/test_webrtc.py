from __future__ import annotations

import orjson
import pytest

from gateway.ports import Leg
from tests.clients.peer import call, leg_of

pytestmark = pytest.mark.integration


def test_a_webrtc_leg_is_a_leg() -> None:
    leg: Leg = leg_of()
    assert leg.kind == "webrtc"


async def test_events_go_both_ways() -> None:
    async with call(channel="any-label") as (caller, leg, sink):
        leg.send({"type": "session.created", "event_id": "event_1"})
        assert orjson.loads(await caller.messages.get()) == {
            "type": "session.created",
            "event_id": "event_1",
        }
        caller.channel.send('{"type":"response.create"}')
        assert await sink.events.get() == '{"type":"response.create"}'
