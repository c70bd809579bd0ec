"""Callers who are put through, over real sockets against a strict Twilio: cold, warm, and when it comes to nothing."""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.speech.flite import Flite
from media import g711
from media.level import rms
from tests.carrier_peers.rest import Reply as RestReply
from tests.carrier_peers.twilio_peer import Placed, TwilioPeer
from tests.carrier_peers.twilio_phone import TwilioPhone
from tests.carrier_peers.twilio_stream import TwilioCall
from tests.carrier_peers.voice import spoken
from tests.e2e.server import Server, running, settles
from tests.peers.openai_ga import KEY, OpenAiPeer
from tests.peers.peer import RealtimePeer
from tests.peers.script import Asked, Call, Heard, Reply, Script
from tests.telephony.record import idle, only_call

pytestmark = pytest.mark.integration

PUBLIC = "https://voice.example.test"
DESK = "+15550100020"
CLAIMS = "+15550100021"
GREETING_MS = 400


def answered(asked: Asked) -> Reply:
    """The model of every call: in the caller's it hands over at the first turn; with the person, and afterwards, it
    talks."""
    if "take_caller" in asked.tools:
        return Reply("I have a caller for you, shall I put them through", speed=4.0)
    outputs = [item for item in asked.items if item.get("type") == "function_call_output"]
    if outputs:
        return Reply("I am sorry, that did not work, may I take a message", speed=4.0)
    if asked.heard:
        department = "claims" if "look_up_policy" in asked.tools else "front desk"
        arguments = json.dumps({"department": department, "reason": "They have a question about a bill."})
        return Reply("Of course, one moment", calls=(Call("hand_over", arguments),), speed=4.0)
    return Reply("Hello there", speed=4.0)


@dataclass
class House:
    server: Server
    twilio: TwilioPeer
    model: RealtimePeer

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[tuple[TwilioPhone, TwilioCall]]:
        """Somebody who was greeted, and asks for a person."""
        async with self.twilio.ring(
            f"{PUBLIC}/telephony/twilio/voice", status_url=f"{PUBLIC}/telephony/twilio/status"
        ) as phone:
            call = await phone.stream()
            await call.played(GREETING_MS)
            await call.quiet()
            await call.say("common_yes")
            yield phone, call

    def outputs(self) -> list[dict[str, object]]:
        """What the model was told of its tools."""
        items = [event["item"] for event in self.model.received.of("conversation.item.create")]
        return [json.loads(item["output"]) for item in items if item["type"] == "function_call_output"]


@asynccontextmanager
async def house(folder: Path, persona: str = "dental_reception", **more: str) -> AsyncIterator[House]:
    script = Script(answer=answered, spare_heard=Heard("can i speak to a person"))
    async with OpenAiPeer.open(script) as model, TwilioPeer.open() as twilio:
        settings = {
            "TWILIO_ACCOUNT_SID": twilio.account.sid,
            "TWILIO_AUTH_TOKEN": twilio.account.token,
            "TWILIO_PHONE_NUMBER": "+15550100002",
            "PARLEY_TWILIO_API_URL": twilio.base,
            "PARLEY_PUBLIC_URL": PUBLIC,
            "PARLEY_PHONE_PERSONA": persona,
            "PARLEY_TRANSFER_TARGETS": f"front desk={DESK}, claims={CLAIMS}",
            "PARLEY_PROVIDERS": "upstream",
            "PARLEY_UPSTREAM_URL": model.url,
            "PARLEY_UPSTREAM_API_KEY": KEY,
        }
        process = running(folder, **settings | more)
        server = await asyncio.to_thread(process.__enter__)
        twilio.via = server.url
        try:
            yield House(server, twilio, model)
            await idle(server)
            assert model.faults == []
            assert DESK not in server.written()
            assert CLAIMS not in server.written()
        finally:
            await asyncio.to_thread(process.__exit__, None, None, None)


async def test_a_caller_is_put_through_cold(tmp_path: Path) -> None:
    async with house(tmp_path, "insurance_claim") as there:
        async with there.caller() as (phone, call):
            dial = await phone.doing("Dial", within_s=10)
            assert [dial.text, *(child.text for child in dial)].count(CLAIMS) == 1
            assert (await call.over()).by == "carrier", "the stream ends, the call goes on"
            assert call.heard.played_ms > GREETING_MS + 600, "the agent was heard out"
            assert call.faults == []
            await asyncio.sleep(1.5)
            assert phone.call.status == "in-progress", "nobody hangs up on who was put through"
            orders = [request for request in there.twilio.requests if request.method == "POST"]
            assert len(orders) == 1
        told = only_call(there.server, phone.call.sid)
        assert told.ending == "agent/transferred"
        assert ("call_status", "transferring") in told.events
        assert ("call_status", "transferred") in told.events
        assert there.twilio.faults == []


async def test_a_carrier_that_obeys_and_does_not_answer_has_put_the_caller_through(tmp_path: Path) -> None:
    async with house(tmp_path, "insurance_claim") as there:
        there.twilio.muddling = RestReply(504, None)
        async with there.caller() as (phone, call):
            await phone.doing("Dial", within_s=10)
            await call.over()
            await asyncio.sleep(1.5)
            assert phone.call.status == "in-progress", "nobody hangs up on who was put through"
            there.twilio.muddling = None
        told = only_call(there.server, phone.call.sid)
        assert told.ending == "agent/transferred"
        assert ("call_status", "transfer_failed") not in told.events


async def test_a_refused_transfer_goes_on_talking(tmp_path: Path) -> None:
    async with house(tmp_path, "insurance_claim") as there:
        there.twilio.refusing = RestReply(400, {"code": 21220, "message": "no", "status": 400})
        async with there.caller() as (phone, call):
            assert await asyncio.to_thread(settles, there.outputs, 10)
            assert "refused" in str(there.outputs()[0]["error"])
            before = call.heard.played_ms
            await call.played(before + 1000)
            assert call.ended is None
        told = only_call(there.server, phone.call.sid)
        assert told.ending == "caller/hung-up"
        assert ("call_status", "transfer_failed") in told.events


@asynccontextmanager
async def picked_up(there: House) -> AsyncIterator[tuple[TwilioPhone, TwilioCall, TwilioPhone, TwilioCall]]:
    """A caller on hold, and the person who was called for them, listening."""
    async with there.caller() as (phone, call):
        order = await there.twilio.placed(10)
        assert order.order.call.to == DESK
        async with order.answer() as person:
            told = await person.stream()
            await told.played(1500)
            yield phone, call, person, told


async def joined(call: TwilioCall, told: TwilioCall) -> None:
    await told.press("1")
    await asyncio.sleep(0.5)
    await asyncio.gather(call.say("dental_01_book"), told.say("insurance_01_report"))
    await asyncio.sleep(0.6)


def crossed(recording: str, by: TwilioCall, heard_by: TwilioCall) -> float:
    """How much of what one said was heard by the other, to the bit: of the frames of 20 ms that are not silent. A line
    that is late by a frame may lose one, or have one made up."""
    frames = [g711.decode(frame, "mu") for frame in spoken(recording, by.carrier.says)]
    loud = [frame for frame in frames if rms(frame) > 100]
    heard = b"".join(sound.pcm for sound in heard_by.heard.sounds)
    return sum(frame in heard for frame in loud) / len(loud)


@pytest.mark.parametrize("who", ["caller", "person"])
async def test_a_warm_transfer_briefs_the_person_and_joins_the_two(tmp_path: Path, who: str) -> None:
    async with house(tmp_path) as there:
        async with picked_up(there) as (phone, call, person, told):
            begun = call.now_ms
            await asyncio.sleep(4)
            assert len(call.heard.loud_ms(30)) > 0
            held = [at for at in call.heard.loud_ms(60) if at > begun]
            assert held, "the caller hears the sound of hold"
            await joined(call, told)
            assert crossed("dental_01_book", call, told) > 0.9
            assert crossed("insurance_01_report", told, call) > 0.9
            assert call.faults == told.faults == []
            await (phone if who == "caller" else person).hang_up()
            await (person if who == "caller" else phone).over()
        assert there.twilio.faults == []
        for one in (phone, person):
            assert only_call(there.server, one.call.sid).ending == "agent/transferred"
        words = [text for _, text in only_call(there.server, phone.call.sid).said]
        assert not any("I have a caller" in text for text in words), (
            "the briefing is no part of the caller's session"
        )
        assert any("I have a caller" in text for _, text in only_call(there.server, person.call.sid).said)


async def test_a_person_who_declines_sends_the_agent_back(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        async with picked_up(there) as (phone, call, person, told):
            await told.press("2")
            await person.over()
            assert await asyncio.to_thread(settles, there.outputs, 10)
            assert "did not take the call" in str(there.outputs()[0]["error"])
            before = call.heard.played_ms
            await call.played(before + 1000)
            assert call.ended is None
        assert there.twilio.faults == []
        assert only_call(there.server, phone.call.sid).ending == "caller/hung-up"


async def test_a_person_who_does_not_answer_sends_the_agent_back(tmp_path: Path) -> None:
    async with house(tmp_path) as there, there.caller() as (_, call):
        order: Placed = await there.twilio.placed(10)
        await order.fail("no-answer")
        assert await asyncio.to_thread(settles, there.outputs, 10)
        assert "Nobody picked up" in str(there.outputs()[0]["error"])
        before = call.heard.played_ms
        await call.played(before + 1000)
        assert call.ended is None


async def test_a_voicemail_is_nobody(tmp_path: Path) -> None:
    async with house(tmp_path) as there, there.caller() as (_, call):
        order = await there.twilio.placed(10)
        async with order.answer(answered_by="machine_start", verdict_after_s=1.0) as person:
            await person.over(15)
            assert await asyncio.to_thread(settles, there.outputs, 10)
        assert "voicemail" in str(there.outputs()[0]["error"])
        before = call.heard.played_ms
        await call.played(before + 1000)
        assert call.ended is None


async def test_a_caller_who_hangs_up_on_hold_ends_the_call_to_the_person(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        async with picked_up(there) as (phone, _, person, _):
            await phone.hang_up()
            await person.over()
        assert only_call(there.server, phone.call.sid).ending == "caller/hung-up"
        assert only_call(there.server, person.call.sid).ending == "agent/hung-up"
        async with there.caller() as (phone, _):
            order = await there.twilio.placed(10)
            await phone.hang_up()
            await order.phone.over()
        assert order.phone.call.status in ("completed", "canceled")


def spoken_words(folder: Path, text: str) -> Path:
    """A recording of somebody who says this."""
    pcm, rate = Flite(("slt",)).speak(text, "slt", stretch=1.1)
    path = folder / f"{len(text)}.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(rate // 2) + pcm + bytes(rate))
    return path


@pytest.mark.parametrize("agrees", [True, False])
async def test_without_any_key_a_person_is_asked_and_answers_by_speech(
    tmp_path: Path, agrees: bool
) -> None:
    """The embedded engine, both calls: it hears the caller ask for a person, tells the person, and hears the answer."""
    async with house(tmp_path, PARLEY_PROVIDERS="embedded") as there:
        async with there.twilio.ring(f"{PUBLIC}/telephony/twilio/voice") as phone:
            call = await phone.stream()
            await call.played(2000)
            await call.quiet()
            await call.say(spoken_words(tmp_path, "Can I speak to a person please?"))
            order = await there.twilio.placed(20)
            async with order.answer() as person:
                told = await person.stream()
                await told.played(5000, within_s=20)
                await told.quiet(700)
                words = "Yes, put them through." if agrees else "No, not now."
                await told.say(spoken_words(tmp_path, words))
                if agrees:
                    await asyncio.sleep(2.5)
                    await call.say("dental_01_book")
                    await asyncio.sleep(0.6)
                    assert crossed("dental_01_book", call, told) > 0.9
                else:
                    await person.over(15)
                    before = call.heard.played_ms
                    await call.played(before + 1500, within_s=15)
        ending = only_call(there.server, phone.call.sid).ending
        assert ending == ("agent/transferred" if agrees else "caller/hung-up")
        words = " ".join(text for _, text in only_call(there.server, person.call.sid).said)
        assert "The caller wants to speak to the front desk" in words
        assert there.twilio.faults == []
