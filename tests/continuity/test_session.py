"""The shell of a session that lasts: providers opened and closed, audio kept and replayed, nothing left behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.carrying import carry
from gateway.continuity.health import Health
from gateway.continuity.model import LastingModel, LastingSettings
from gateway.continuity.session import LastingSession
from gateway.errors import ModelLost, ModelRefused, ModelUnavailable
from gateway.ports import Event, ModelSpec
from personas.persona import Persona
from tests.call.harness import persona
from tests.continuity.listener import Listener
from tests.continuity.peer import SESSION
from tests.continuity.provider import Carrying, Provider, Session

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

WHO = persona()
FRAME = bytes(range(1, 97)) * 10


class Phrases:
    def audio(self, persona: Persona, voice: str) -> tuple[str, bytes] | None:
        return "One moment, please.", bytes(48 * 1200)


class House:
    """Two providers, and a call that listens."""

    kind: type[Session] = Session

    def __init__(self, *names: str) -> None:
        self.providers = [Provider(name) for name in names or ("one", "two")]
        self.health = Health([provider.name for provider in self.providers])
        self.model = LastingModel(self.providers, self.health, LastingSettings(), Phrases())
        self.listener = Listener()
        for provider in self.providers:
            provider.kind = House.kind
        self.fault: Exception | None = None

    @asynccontextmanager
    async def call(self) -> AsyncIterator[LastingSession]:
        async with self.model.open(ModelSpec("rtc_1", WHO, SESSION)) as session:
            assert isinstance(session, LastingSession)
            reader = asyncio.get_running_loop().create_task(self._read(session))
            try:
                yield session
            finally:
                reader.cancel()
                await asyncio.wait([reader])

    async def _read(self, session: LastingSession) -> None:
        try:
            if House.kind is Carrying:
                await session.carry(self.listener.tell)
            async for event in session:
                self.listener.tell(event)
        except ModelLost as lost:
            self.fault = lost


@pytest.fixture(params=[Session, Carrying], autouse=True)
def _by_callback(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(House, "kind", request.param)


async def talk(session: LastingSession, seconds: float) -> None:
    for _ in range(round(seconds * 50)):
        session.audio(FRAME)
        await asyncio.sleep(0.02)


async def test_the_first_provider_that_opens_answers() -> None:
    house = House()
    house.providers[0].fault = ModelUnavailable("nobody there")
    async with house.call() as session:
        assert (session.provider, session.model) == ("two", "two-model")
    assert [state.up for state in house.health.snapshot(asyncio.get_running_loop().time())] == [False, True]
    assert house.providers[1].open_sessions == 0


async def test_when_none_opens_the_call_learns_why() -> None:
    house = House()
    house.providers[0].fault = ModelUnavailable("nobody there")
    house.providers[1].fault = ModelRefused("a wrong key")
    with pytest.raises(ModelUnavailable):
        async with house.call():
            pass
    house.providers[0].fault = ModelRefused("a wrong key")
    with pytest.raises(ModelRefused):
        async with house.call():
            pass


async def test_a_provider_in_its_pause_is_tried_last() -> None:
    house = House()
    house.health.failed("one", "refused", asyncio.get_running_loop().time())
    async with house.call() as session:
        assert session.provider == "two"
    assert house.providers[0].tries == 0


async def test_a_provider_that_takes_too_long_to_open_is_passed_over() -> None:
    house = House()
    house.providers[0].delay_s = 60
    async with house.call() as session:
        assert session.provider == "two"
        assert asyncio.get_running_loop().time() == pytest.approx(6.0)


async def test_a_fault_of_an_adapter_costs_its_provider_only(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    house.providers[0].fault = ValueError("our own mistake")
    async with house.call() as session:
        assert session.provider == "two"
        house.providers[0].fault = None
        house.providers[1].session.break_(ValueError("another one"))
        await asyncio.sleep(1.5)
        assert session.provider == "one"
    assert "our own mistake" not in caplog.text


@pytest.mark.parametrize("names", [("one", "two"), ("one",)], ids=["another", "the same"])
async def test_a_lost_provider_is_followed_by_the_next_at_once(names: tuple[str, ...]) -> None:
    house = House(*names)
    first, last = house.providers[0], house.providers[-1]
    async with house.call() as session:
        await talk(session, 3)
        first.session.break_()
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(0.01)
        assert session.provider == last.name
        assert asyncio.get_running_loop().time() - began < 0.1
        assert first.sessions[0].closed
        await talk(session, 1)
        assert bytes(last.session.audio_bytes) == FRAME * (50 * 4), (
            "it never heard anything, so all is unheard"
        )
    assert [provider.open_sessions for provider in house.providers] == [0] * len(names)


async def test_replayed_audio_and_live_audio_follow_each_other_without_a_gap() -> None:
    house = House()
    async with house.call() as session:
        first, second = house.providers[0], house.providers[1]
        await talk(session, 5)
        first.session.peer.onset()
        first.session.pump()
        await asyncio.sleep(0)
        await talk(session, 20)
        frames = 25 * 50
        second.delay_s = 1.0
        first.session.break_()
        for number in range(200):
            session.audio(number.to_bytes(2, "little") * 480)
            await asyncio.sleep(0.02)
        heard = bytes(second.session.audio_bytes)
        expected = FRAME * frames + b"".join(n.to_bytes(2, "little") * 480 for n in range(200))
        assert expected.endswith(heard)
        assert len(heard) == len(expected) - (5000 - 200) * 48


async def test_events_keep_their_place_in_the_audio() -> None:
    house = House()
    async with house.call() as session:
        off = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        session.send({"type": "session.update", "session": off})
        await talk(session, 30)
        house.providers[0].session.break_()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        session.send({"type": "input_audio_buffer.commit"})
        peer_at: list[int] = []
        await talk(session, 3)
        second = house.providers[1].session
        commit = next(e for e in second.peer.received if e["type"] == "input_audio_buffer.commit")
        assert commit
        peer_at.append(second.peer.heard_ms - second.peer.buffered_ms)
        assert peer_at == [30_000]


async def test_the_ring_keeps_only_what_may_be_needed() -> None:
    house = House()
    async with house.call() as session:
        for _ in range(3):
            await talk(session, 30)
            house.providers[0].session.peer.say("rate_limits.updated", rate_limits=[])
            house.providers[0].session.pump()
            await asyncio.sleep(0.5)
        ring = session._ring
        assert ring.end - ring._start <= 48 * 3500
        await talk(session, 30)
        assert ring.end - ring._start <= 48 * 22_000


async def test_nobody_left_ends_the_session_after_a_while() -> None:
    house = House()
    async with house.call() as session:
        for provider in house.providers:
            provider.fault = ModelUnavailable("gone")
        house.providers[0].session.break_()
        await talk(session, 14)
        assert house.fault is None
        await talk(session, 2)
        assert isinstance(house.fault, ModelLost)
    assert 10 <= house.providers[0].tries + house.providers[1].tries <= 40


async def test_a_provider_that_comes_back_within_that_time_goes_on() -> None:
    house = House("one")
    async with house.call() as session:
        house.providers[0].fault = ModelUnavailable("gone")
        house.providers[0].session.break_()
        await talk(session, 9)
        house.providers[0].fault = None
        await talk(session, 1.5)
        assert house.providers[0].open_sessions == 1
        assert house.fault is None
        assert len(house.providers[0].session.audio_bytes) >= 48 * 9000


async def test_a_reply_on_the_next_provider_proves_it() -> None:
    house = House()
    async with house.call() as session:
        session.send({"type": "response.create"})
        await asyncio.sleep(0.01)
        first, second = house.providers
        first.session.peer.open_message()
        first.session.peer.speak(3)
        first.session.pump()
        await asyncio.sleep(0.01)
        first.session.break_()
        await asyncio.sleep(0.01)
        session.send({"type": "response.create"})
        await asyncio.sleep(0.01)
        second.session.peer.open_message()
        second.session.peer.speak(3)
        second.session.peer.finish()
        second.session.pump()
        await asyncio.sleep(0.01)
        assert list(house.listener.done.values()) == ["failed", "completed", "completed"]
        assert not house.health.snapshot(0)[0].up


async def test_a_slow_call_slows_the_provider_and_not_the_memory() -> None:
    house = House()
    async with house.model.open(ModelSpec("rtc_1", WHO, SESSION)) as session:
        provider = house.providers[0].session
        for _ in range(2000):
            provider.peer.say("rate_limits.updated", rate_limits=[])
        provider.pump()
        await asyncio.sleep(1)
        assert provider.events.qsize() >= 1490
        count = 0
        async for _event in session:
            count += 1
            if count == 2000:
                break


async def test_who_answers_and_who_failed_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    house = House()
    async with house.call() as session:
        house.providers[0].session.break_()
        await asyncio.sleep(0.1)
        assert session.provider == "two"
    assert "provider one is down: lost" in caplog.text
    assert "call rtc_1 goes on with two after one" in caplog.text


async def test_what_a_call_does_about_an_event_is_done_before_it_is_told_the_next() -> None:
    """Of a provider, of ourselves, and of what it sends meanwhile."""
    house = House("one")
    told: list[str] = []
    inside = False
    async with house.model.open(ModelSpec("rtc_1", WHO, SESSION)) as session:
        assert isinstance(session, LastingSession)

        def take(event: Event) -> None:
            nonlocal inside
            assert not inside, "told in the midst of another"
            inside = True
            told.append(event["type"])
            if event["type"] == "rate_limits.updated":
                session.send({"type": "input_audio_buffer.clear"})
                told.append("sent")
            inside = False

        reader = asyncio.get_running_loop().create_task(carry(session, take))
        await asyncio.sleep(0.01)
        provider = house.providers[0].session
        for _ in range(3):
            provider.peer.say("rate_limits.updated", rate_limits=[])
        provider.pump()
        await asyncio.sleep(0.01)
        inside = True
        session.send({"type": "input_audio_buffer.clear"})
        inside = False
        await asyncio.sleep(0.01)
        assert told == ["rate_limits.updated", "sent"] * 3 + ["input_audio_buffer.cleared"] * 4
        reader.cancel()
        await asyncio.wait([reader])


async def test_what_breaks_in_a_call_costs_no_provider() -> None:
    house = House("one")

    def take(event: Event) -> None:
        raise ZeroDivisionError

    async with house.model.open(ModelSpec("rtc_1", WHO, SESSION)) as session:
        provider = house.providers[0].session
        provider.peer.say("rate_limits.updated", rate_limits=[])
        provider.pump()
        with pytest.raises(ZeroDivisionError):
            await carry(session, take)
        provider.peer.say("rate_limits.updated", rate_limits=[])
        provider.pump()
        await asyncio.sleep(0.01)
        assert house.providers[0].open_sessions == 1
        assert house.health.snapshot(0)[0].up
