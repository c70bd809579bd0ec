"""A phone call from a strict Twilio's socket to the call core and back, in real time."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from tests.carriage.house import House, house
from tests.carriage.mock import ToneModel, ToneSession, reply_of
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.twilio_stream import TwilioCall

pytestmark = pytest.mark.integration


@contextlib.asynccontextmanager
async def dialled(
    made: House, manners: Manners = GOOD, **parameters: str
) -> AsyncIterator[tuple[TwilioCall, ToneSession]]:
    """A call that has begun, and its model's session."""
    before = set(made.model.sessions)
    given = {"token": "abc123", **parameters}
    async with TwilioCall.dial(
        made.url, secret="s", parameters=given, via=made.base, manners=manners
    ) as call:
        await call.started()
        async with asyncio.timeout(20):
            while not (new := set(made.model.sessions) - before) and "call" not in parameters:  # noqa: ASYNC110 - a mock
                await asyncio.sleep(0.005)
        yield call, made.model.sessions[new.pop()] if new else next(iter(made.model.sessions.values()))


def clears(call: TwilioCall) -> list[float]:
    """When they came, in milliseconds of the stream."""
    return [
        call.ms(passed.at)
        for passed in call.received
        if isinstance(passed.frame, str) and json.loads(passed.frame)["event"] == "clear"
    ]


def heard_until(call: TwilioCall, ms: float) -> float:
    """Milliseconds of sound that were over by then."""
    return sum(
        min(len(sound.pcm) / call.heard.rate * 500, max(0.0, ms - sound.at_ms))
        for sound in call.heard.sounds
    )


async def test_the_greeting_is_heard_150_ms_after_the_start() -> None:
    async with house() as made, dialled(made) as (call, session):
        await call.played(1000)
        first = call.heard.first_sound_ms()
        assert first is not None
        assert first <= 150
        await call.quiet()
        assert call.faults == []
        assert call.underruns == 0
        assert call.lead_ms_max <= 250
        assert call.heard.played_ms == pytest.approx(4000, abs=20)
        assert reply_of(call.heard.between(1000, 1500), 8000) == 1
        assert session.frames == pytest.approx(call.now_ms / 20, abs=10)
        assert made.started[0].parameters["token"] == "abc123"


async def test_an_interruption_clears_at_once_and_the_model_learns_what_was_heard() -> None:
    errors: list[float] = []
    async with house(ToneModel(reply_ms=6000)) as made, dialled(made) as (call, session):
        for number in range(1, 5):
            async with asyncio.timeout(20):
                while session.replies < number:  # noqa: ASYNC110 - a mock
                    await asyncio.sleep(0.01)
            await call.played(call.heard.played_ms + 1100 + 37 * number)
            before, told = len(clears(call)), len(session.truncations())
            await call.say("bargein_stop")
            async with asyncio.timeout(10):
                while len(session.truncations()) == told:  # noqa: ASYNC110 - a mock
                    await asyncio.sleep(0.01)
            cleared = clears(call)[before]
            _, event = session.truncations()[-1]
            assert event["item_id"] == f"item_{number}"
            # All that was heard of this reply: from the end of the one before on.
            since = clears(call)[before - 1] if before else 0.0
            heard = heard_until(call, cleared) - heard_until(call, since)
            errors.append(event["audio_end_ms"] - heard)
            assert reply_of(call.heard.between(cleared - 600, cleared - 100), 8000) == number
            assert heard_until(call, call.now_ms) - heard_until(call, cleared) < 1, "sound after the clear"
            session.emit(
                "input_audio_buffer.committed", item_id=f"u{len(session.heard_at)}", previous_item_id=None
            )
            session.emit(
                "conversation.item.input_audio_transcription.completed",
                item_id=f"u{len(session.heard_at)}",
                content_index=0,
                transcript="stop please",
            )
        assert call.faults == []
        assert call.underruns == 0
    assert max(map(abs, errors)) <= 20, errors


async def test_a_backchannel_pauses_the_reply_and_it_goes_on() -> None:
    async with house(ToneModel(reply_ms=5000)) as made, dialled(made) as (call, session):
        await call.played(1500)
        await call.say("backchannel_uhhuh")
        await call.played(4500)
        assert len(clears(call)) == 1
        assert session.truncations() == []
        await call.quiet()
        assert 5000 <= call.heard.played_ms <= 5500, "some of it twice, all of it once"
        assert call.faults == []


async def test_keys_are_a_turn_and_stop_the_reply() -> None:
    async with house() as made, dialled(made) as (call, session):
        await call.played(1000)
        await call.press("123#")
        async with asyncio.timeout(20):
            while session.replies < 2:  # noqa: ASYNC110 - a mock
                await asyncio.sleep(0.01)
        assert len(clears(call)) == 1
        (item,) = [e["item"] for _, e in session.received if e["type"] == "conversation.item.create"]
        assert item["content"][0]["text"] == "The caller pressed 1 2 3 #"
        (_, truncation), *_ = session.truncations()
        assert truncation["audio_end_ms"] == pytest.approx(heard_until(call, clears(call)[0]), abs=20)
        entries = [entry.text for entry in made.store.entries if entry.role == "user"]
        assert entries == ["The caller pressed 1 2 3 #"]


async def test_hanging_up_ends_the_call() -> None:
    async with house() as made:
        async with dialled(made) as (call, _):
            await call.played(200)
        assert await made.ended() == ["caller/hung-up"]


@pytest.mark.parametrize(
    "garbage",
    ["{", "[]", b"\x00\x01", '{"event": "media", "streamSid": "MZ_other", "media": {"payload": "AA=="}}'],
)
async def test_garbage_ends_its_call_and_no_other(garbage: str | bytes) -> None:
    async with house() as made, dialled(made) as (good, _):
        async with dialled(made) as (bad, _):
            await bad.played(100)
            await bad.send(garbage)
            await bad.over()
        assert await made.ended() == ["caller/protocol-error"]
        await good.played(good.heard.played_ms + 500)
        assert good.faults == []
        assert made.supervisor.live == 1


@pytest.mark.parametrize(
    "manners", [Manners(swap=3), Manners(repeat_every=2), Manners(lose_every=3), Manners(streams=False)]
)
async def test_a_carrier_without_manners_is_borne(manners: Manners) -> None:
    async with house() as made, dialled(made, manners) as (call, session):
        await call.played(1500)
        assert session.frames == pytest.approx(call.now_ms / 20, abs=12)
        assert call.underruns == 0
        assert made.supervisor.live == 1


async def test_a_socket_without_a_start_is_given_up() -> None:
    async with house(start_s=0.3) as made:
        async with TwilioCall.dial(
            made.url, secret="s", via=made.base, manners=Manners(starts=False, streams=False)
        ) as call:
            await call.over(2.0)
        assert made.store.begun == []
        assert made.supervisor.live == 0


async def test_a_stream_without_its_token_gets_no_call() -> None:
    async with house() as made:
        async with TwilioCall.dial(made.url, secret="s", parameters={"token": "x"}, via=made.base) as call:
            await call.over(2.0)
        assert made.store.begun == []


async def test_a_call_too_many_is_closed_and_leaves_nothing() -> None:
    async with house(max_calls=1) as made, dialled(made) as (call, _):
        async with TwilioCall.dial(
            made.url, secret="s", parameters={"token": "abc123"}, via=made.base
        ) as second:
            await second.over(2.0)
        assert made.supervisor.live == 1
        assert call.ended is None


async def test_a_dropped_socket_is_attached_again_to_the_same_conversation() -> None:
    async with house(ToneModel(reply_ms=6000)) as made:
        async with dialled(made) as (call, session):
            await call.played(1500)
            call.drop()
            heard = call.heard.played_ms
        await asyncio.sleep(0.5)
        assert made.endings == []
        (call_id,) = made.model.sessions
        async with dialled(made, call=call_id) as (again, _):
            await again.played(1000)
            assert reply_of(again.heard.between(500, 1000), 8000) == 1
            await again.quiet(1000)
            assert heard + again.heard.played_ms == pytest.approx(6000, abs=60)
            await again.press("7#")
            async with asyncio.timeout(20):
                while session.replies < 2:  # noqa: ASYNC110 - a mock
                    await asyncio.sleep(0.01)
            assert again.faults == []
        assert await made.ended() == ["caller/hung-up"]
        assert session.replies == 2
    assert len(made.model.sessions) == 1


async def test_a_dropped_socket_that_nobody_attaches_is_the_end() -> None:
    async with house(reattach_s=0.4) as made:
        async with dialled(made) as (call, _):
            await call.played(300)
            call.drop()
        assert await made.ended() == ["caller/left"]


async def test_nothing_is_left_of_a_stream_for_a_call_that_is_over() -> None:
    async with house() as made:
        async with TwilioCall.dial(
            made.url, secret="s", parameters={"token": "abc123", "call": "rtc_x"}, via=made.base
        ) as call:
            await call.over(2.0)
        assert made.store.begun == []
