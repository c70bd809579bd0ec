"""The leg of a phone call on the smallest carrier there can be, in virtual time."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import pytest

from gateway.carriage.leg import CarrierLeg
from gateway.carriage.line import FLOOD, Line
from gateway.errors import (
    AGENT_HUNG_UP,
    HUNG_UP,
    INTERNAL_ERROR,
    LEFT,
    NEVER_CONNECTED,
    PROTOCOL,
    LegError,
    LegLost,
    LegProtocolError,
)
from gateway.frames import from_server
from gateway.ports import Ear, Leg
from gateway.wire import Codec, Encoding, Pacing
from tests.carriage.far import LINEAR, numbered
from tests.carriage.toy import PACING, ToyCall, ToyLink, toy_line

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


@dataclass
class Scene:
    leg: CarrierLeg
    line: Line
    link: ToyLink
    call: ToyCall
    group: asyncio.TaskGroup
    served: asyncio.Task[None]


@asynccontextmanager
async def calling(
    encoding: Encoding = LINEAR,
    pacing: Pacing = PACING,
    *,
    reattach_s: float = 30.0,
    clears: bool = True,
) -> AsyncIterator[Scene]:
    line, link = toy_line(encoding, pacing, clears=clears)
    link.say("start")
    await line.answer()
    leg, call = CarrierLeg("rtc_1", line, reattach_s=reattach_s), ToyCall()
    call.leg = leg
    async with asyncio.TaskGroup() as group:
        await leg.open(call, call)
        scene = Scene(leg, line, link, call, group, group.create_task(line.serve()))
        try:
            yield scene
        finally:
            await leg.close(HUNG_UP)


async def attach(scene: Scene) -> ToyLink:
    line, link = toy_line()
    link.say("start")
    await line.answer()
    await scene.leg.reattach(line)
    scene.group.create_task(line.serve())
    return link


async def test_the_leg_keeps_the_ports() -> None:
    async with calling() as scene:
        leg: Leg = scene.leg
        assert isinstance(leg, Ear)
        assert (leg.kind, leg.plays) == ("toy", True)
        leg.send({"type": "session.created"})
        assert scene.link.sent == []


async def test_it_begins_at_once_and_waits_for_no_channel() -> None:
    async with calling() as scene:
        assert [what for _, what in scene.call.told] == ["channel", "connected"]
        scene.call.speak("a", numbered(0) * 50)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(scene.link.audio) == 10 * 960


async def test_the_caller_is_heard_every_20_ms_though_the_carrier_pauses() -> None:
    async with calling() as scene:
        for _ in range(50):
            scene.link.say(numbered(7))
            await asyncio.sleep(0.02)
        await asyncio.sleep(2.0)
        times = [at for at, _ in scene.call.audio]
        assert 145 <= len(times) <= 150
        assert max(b - a for a, b in pairwise(times)) <= 0.1
        assert scene.leg.stats()["concealed_ms"] == pytest.approx(2000, abs=100)


@pytest.mark.parametrize("seed", range(8))
async def test_after_the_carrier_stalled_its_frames_pass_as_they_come_again(seed: int) -> None:
    """Whatever beats came meanwhile: they do not go on between the frames, and hold none back."""
    chance, said = random.Random(seed), {}
    async with calling() as scene:
        loop = asyncio.get_running_loop()
        began = loop.time() + chance.random() * 0.02
        stall_s = 0.09 + chance.random() * 0.1
        for n in range(1, 300):
            due = 0.02 * n + chance.expovariate(1000)  # no two come evenly
            due = 2.0 + stall_s if 2.0 < due < 2.0 + stall_s else due
            await asyncio.sleep(max(0.0, began + due - loop.time()))
            said[numbered(n)] = loop.time()
            scene.link.say(numbered(n))
        await asyncio.sleep(0.02)
        heard = {pcm: at for at, pcm in scene.call.audio}
        late = [heard[numbered(n)] - said[numbered(n)] for n in range(200, 299)]
        assert max(late) < 0.001


async def test_a_pause_clears_at_once_and_what_follows_goes_on_from_what_was_heard() -> None:
    async with calling() as scene:
        scene.call.speak("a", b"".join(numbered(n) for n in range(100)))
        for mark in ("m1", "m2"):
            await asyncio.sleep(0.2)
            scene.link.say(f"played {mark}")
        await asyncio.sleep(0.115)
        scene.call.pause()
        at, last = scene.link.sent[-1]
        assert (last, at) == ("clear", asyncio.get_running_loop().time())
        heard = scene.call.heard_ms("a")
        assert heard == pytest.approx(515, abs=2)
        count = len(scene.link.sent)
        await asyncio.sleep(1.0)
        assert len(scene.link.sent) == count, "nothing in a pause"
        scene.call.resume()
        await asyncio.sleep(0.01)
        first = next(m for _, m in scene.link.sent[count:] if isinstance(m, bytes))
        assert first[-960:] != b""
        assert int.from_bytes(first[600:602], "little") - 1 == heard // 20


async def test_after_an_interruption_nothing_old_is_sent() -> None:
    async with calling() as scene:
        scene.call.speak("a", numbered(1) * 100)
        await asyncio.sleep(0.3)
        scene.call.clear()
        scene.call.clear()
        count = len(scene.link.sent)
        assert scene.link.words.count("clear") == 1
        scene.call.speak("b", numbered(2) * 20)
        await asyncio.sleep(1.0)
        new = b"".join(m for _, m in scene.link.sent[count:] if isinstance(m, bytes))
        assert set(new) <= set(numbered(2))


async def test_all_is_heard_in_the_end_also_without_a_single_mark() -> None:
    async with calling() as scene:
        scene.call.speak("a", numbered(1) * 100)
        scene.call.playout.finish("a")
        await asyncio.sleep(4.0)
        assert scene.call.heard_ms("a") == 2000
        assert scene.call.playout.totals(0.0)[-1].drained


async def test_what_a_carrier_cannot_drop_is_heard() -> None:
    async with calling(pacing=Pacing(lead_ms=40, silence=True), clears=False) as scene:
        scene.call.speak("a", numbered(1) * 100)
        await asyncio.sleep(0.5)
        scene.call.pause()
        assert scene.call.heard_ms("a") == pytest.approx(540, abs=25)


async def test_a_carrier_that_needs_media_gets_silence() -> None:
    encoding = Encoding(Codec.PCMA, 8000)
    async with calling(encoding, Pacing(lead_ms=40, silence=True), clears=False) as scene:
        await asyncio.sleep(1.0)
        assert scene.link.audio == b"\xd5" * len(scene.link.audio)
        assert len(scene.link.audio) == pytest.approx(8000, abs=320)


async def test_keys_come_in_and_go_out() -> None:
    async with calling() as scene:
        scene.link.say("digit 1", "digit #")
        await asyncio.sleep(0.1)
        assert scene.call.digits == "1#"
        assert scene.leg.send_digits("42")
        assert scene.link.words[-1] == "keys 42"


async def test_a_carrier_is_answered_and_waited_for() -> None:
    async with calling() as scene:
        scene.link.say("ping", "wait 500")
        await asyncio.sleep(0.01)
        assert scene.link.words == ["pong"]
        scene.call.speak("a", numbered(1) * 10)
        await asyncio.sleep(0.4)
        assert scene.link.audio == b""
        await asyncio.sleep(0.2)
        assert len(scene.link.audio) == 10 * 960


async def test_the_carrier_stops() -> None:
    async with calling() as scene:
        scene.link.say("stop")
        await asyncio.sleep(0.1)
        assert scene.call.endings == [HUNG_UP]
        scene.link.say(None)
        await asyncio.sleep(60)
        assert scene.call.endings == [HUNG_UP]


@pytest.mark.parametrize(
    ("message", "ending"), [("nonsense", PROTOCOL), ("start", PROTOCOL), ("break", INTERNAL_ERROR)]
)
async def test_garbage_ends_this_call(
    message: str, ending: object, caplog: pytest.LogCaptureFixture
) -> None:
    async with calling() as scene:
        scene.link.say(message)
        await asyncio.sleep(0.1)
        assert scene.call.endings == [ending]
        assert scene.served.done()
    assert message not in caplog.text or message == "break" or message == "start"


async def test_more_than_a_second_at_once_is_garbage() -> None:
    async with calling() as scene:
        scene.link.say(bytes(48 * 1001))
        await asyncio.sleep(0.1)
        assert scene.call.endings == [PROTOCOL]


async def test_a_flood_ends_this_call() -> None:
    async with calling() as scene:
        for _ in range(3 * FLOOD):
            scene.link.say("digit 1")
        await asyncio.sleep(0.1)
        assert scene.call.endings == [PROTOCOL]


async def test_a_call_that_breaks_is_told_so_and_harms_nobody() -> None:
    async with calling() as scene:
        scene.call.fault = RuntimeError("ours")
        scene.link.say(numbered(1), numbered(1))
        await asyncio.sleep(0.1)
        assert scene.call.endings == [INTERNAL_ERROR]


async def test_a_lost_socket_is_waited_for_and_the_reply_goes_on_where_it_was_heard() -> None:
    async with calling() as scene:
        scene.call.speak("a", b"".join(numbered(n) for n in range(100)))
        await asyncio.sleep(0.31)
        scene.link.say(None)
        await asyncio.sleep(0.01)
        assert scene.leg.waiting
        heard = scene.call.heard_ms("a")
        audio = len(scene.call.audio)
        await asyncio.sleep(20)
        assert scene.call.heard_ms("a") == heard, "the playout stands still"
        assert len(scene.call.audio) - audio == pytest.approx(1000, abs=5), "the caller's time does not"
        link = await attach(scene)
        assert not scene.leg.waiting
        await asyncio.sleep(0.05)
        assert int.from_bytes(link.audio[:2], "little") - 1 == heard // 20
        link.say(numbered(9), "digit 5")
        await asyncio.sleep(3.0)
        assert scene.call.digits == "5"
        assert scene.call.heard_ms("a") == 2000
        assert scene.call.endings == []


async def test_an_interruption_while_the_socket_is_lost_clears_all_the_same() -> None:
    async with calling() as scene:
        scene.call.speak("a", numbered(1) * 100)
        await asyncio.sleep(0.3)
        scene.link.say(None)
        await asyncio.sleep(0.01)
        scene.call.clear()
        link = await attach(scene)
        scene.call.speak("b", numbered(2) * 5)
        await asyncio.sleep(0.2)
        assert set(link.audio) <= set(numbered(2))


async def test_a_new_socket_may_come_before_the_old_one_is_missed() -> None:
    async with calling() as scene:
        scene.call.speak("a", b"".join(numbered(n) for n in range(50)))
        await asyncio.sleep(0.31)
        link = await attach(scene)
        await asyncio.sleep(5)
        assert scene.link.closed
        assert scene.served.done()
        assert scene.call.endings == []
        assert scene.call.heard_ms("a") == 1000
        assert int.from_bytes(link.audio[:2], "little") - 1 == pytest.approx(15, abs=1)


async def test_after_30_s_the_caller_has_left() -> None:
    async with calling() as scene:
        scene.link.say(None)
        await asyncio.sleep(29.5)
        assert scene.call.endings == []
        await asyncio.sleep(1.0)
        assert scene.call.endings == [LEFT]
        line, link = toy_line()
        link.say("start")
        await line.answer()
        with pytest.raises(LegLost):
            await scene.leg.reattach(line)


async def test_where_no_second_socket_comes_the_first_is_the_call() -> None:
    async with calling(reattach_s=0) as scene:
        scene.link.say(None)
        await asyncio.sleep(0.1)
        assert scene.call.endings == [HUNG_UP]


async def test_close_says_goodbye_and_does_not_tell_the_call() -> None:
    async with calling() as scene:
        await scene.leg.close(AGENT_HUNG_UP)
        await scene.leg.close(AGENT_HUNG_UP)
        assert scene.link.words == ["bye"]
        assert scene.link.closed
        await asyncio.sleep(1)
        assert scene.call.endings == []


async def test_a_leg_is_opened_once_and_not_after_its_caller_left() -> None:
    async with calling() as scene:
        with pytest.raises(LegError):
            await scene.leg.open(scene.call, scene.call)
    line, link = toy_line()
    link.say("start", None)
    await line.answer()
    leg, call = CarrierLeg("rtc_2", line), ToyCall()
    await line.serve()
    with pytest.raises(LegLost):
        await leg.open(call, call)
    await leg.close(HUNG_UP)


async def test_what_came_with_the_start_is_not_lost() -> None:
    line, link = toy_line()
    link.say("start", "digit 1", "digit 2", None)
    await line.answer()
    leg, call = CarrierLeg("rtc_2", line, reattach_s=0), ToyCall()
    await leg.open(call, call)
    await line.serve()
    assert call.digits == "12"
    assert call.endings == [HUNG_UP]
    await leg.close(HUNG_UP)


@pytest.mark.parametrize(
    ("said", "error", "ending"),
    [
        ((None,), LegLost, NEVER_CONNECTED),
        (("digit 1",), LegLost, NEVER_CONNECTED),
        (("nonsense",), LegProtocolError, PROTOCOL),
        (("break",), LegLost, INTERNAL_ERROR),
    ],
)
async def test_a_stream_that_does_not_begin(
    said: tuple[str | None, ...], error: type[LegError], ending: object
) -> None:
    line, link = toy_line()
    link.say(*said)
    with pytest.raises(error) as told:
        await line.answer(5.0)
    assert told.value.ending == ending
    assert link.closed


async def test_audio_that_no_telephone_has_is_refused() -> None:
    line, link = toy_line(Encoding(Codec.L16, 1000))
    link.say("start")
    await line.answer()
    with pytest.raises(LegProtocolError):
        CarrierLeg("rtc_1", line)


async def test_complaints_are_logged_a_few_times(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with calling() as scene:
            for _ in range(50):
                scene.link.say("wait 0")
            await asyncio.sleep(0.1)
    assert 1 <= caplog.text.count("complains") <= 5


@pytest.mark.parametrize(("size", "head"), [(0, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)])
def test_frames_have_the_length_that_rfc_6455_gives_them(size: int, head: int) -> None:
    frame = from_server(bytes(size))
    assert len(frame) == head + size
    assert frame[0] == 0x82
    assert from_server("é")[:2] == b"\x81\x02"
