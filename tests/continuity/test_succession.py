"""Another agent takes over a session that lasts: on a link of its own, told nothing of what was said before."""

from __future__ import annotations

import asyncio

import pytest

from gateway.ports import Succeeds
from tests.call.harness import persona
from tests.continuity.bench import Bench
from tests.continuity.peer import SESSION
from tests.continuity.test_session import House

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

OTHER = SESSION | {"instructions": "You are another one."}


def test_the_next_agent_begins_on_a_new_link_with_its_session() -> None:
    bench = Bench()
    bench.send("conversation.item.create", item={
        "id": "u1", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}],
    })  # fmt: skip
    bench.send("response.create")
    bench.deliver()
    bench.reply()
    bench.do(bench.core.succeed(OTHER, bench.now))
    assert bench.closed == {1: "succeeded"}
    assert bench.opens[-1].session == OTHER
    assert bench.opens[-1].after == "provider1"
    assert bench.opens[-1].keep
    assert bench.link == 2
    assert bench.peer.told() == [], "what was said before stays with the agent before"


def test_words_that_nobody_has_answered_go_along() -> None:
    bench = Bench()
    for item_id, text in ("u1", "hello"), ("u2", "and one more thing"):
        bench.send("conversation.item.create", item={
            "id": item_id, "type": "message", "role": "user",
            "content": [{"type": "input_text", "text": text}],
        })  # fmt: skip
        bench.deliver()
        if item_id == "u1":
            bench.send("response.create")
            bench.deliver()
            bench.reply()
    bench.do(bench.core.succeed(OTHER, bench.now))
    bench.send("response.create")
    bench.deliver()
    bench.reply()
    assert bench.peer.told()[0].endswith("and one more thing")
    assert not any("hello" in told for told in bench.peer.told())
    assert len(bench.listener.of("response.done")) == 2, "and are answered"


def test_a_link_that_was_waiting_is_not_the_next_agents() -> None:
    bench = Bench(rollover_s=100.0)
    bench.open_at_once = False
    bench.now += 80
    bench.do(bench.core.tick(bench.now))
    waiting = bench.pending
    assert waiting is not None
    bench.do(bench.core.succeed(OTHER, bench.now))
    assert bench.closed == {waiting.link: "succeeded", 1: "succeeded"}
    bench.open()
    assert bench.peer.session == OTHER


def test_providers_that_cannot_be_reached_for_it_end_it() -> None:
    bench = Bench()
    bench.open_at_once = False
    bench.do(bench.core.succeed(OTHER, bench.now))
    while not bench.gave_up:
        bench.fail()
        bench.now += 1.0
        assert bench.now < 1030


async def test_the_provider_is_given_the_next_persona() -> None:
    house = House()
    async with house.call() as session:
        assert isinstance(session, Succeeds)
        session.succeed(persona(id="next"), OTHER)
        await asyncio.sleep(0.1)
        one = house.providers[0]
        assert [spec.persona.id for spec in one.specs] == ["tester", "next"]
        assert session.provider == "one", "the provider is well: it stays"
        assert one.open_sessions == 1
    assert house.fault is None
