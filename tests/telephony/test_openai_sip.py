"""Calls that OpenAI answers on SIP, against a running server: webhook, accept, sideband, endings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from openai import InvalidWebhookSignatureError, OpenAI

from tests.caller_audio import caller
from tests.e2e.server import Server, running, settles
from tests.peers.openai_calls import SECRET, CallsPeer, OpenAiCallsPeer, RingingCall, signed
from tests.peers.openai_ga import KEY
from tests.peers.script import Call, Heard, Reply, Script
from tests.peers.sound import from_wav
from tests.telephony.record import idle, only_call, sessions_of

pytestmark = pytest.mark.integration

GREETING = "Thank you for calling Larkfield Dental."
SHORT = bytes(24_000)


@asynccontextmanager
async def served(folder: Path, script: Script, **settings: str) -> AsyncIterator[tuple[CallsPeer, Server]]:
    async with OpenAiCallsPeer.open(script) as openai:
        given = {
            "OPENAI_API_KEY": KEY,
            "OPENAI_WEBHOOK_SECRET": SECRET,
            "PARLEY_OPENAI_API_URL": openai.api_url,
            "PARLEY_PROVIDERS": "embedded",
            "PARLEY_PHONE_PERSONA": "dental_reception",
            **settings,
        }
        context = running(folder, **given)
        server = await asyncio.to_thread(context.__enter__)
        try:
            yield openai, server
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)
        assert openai.faults == []
        assert openai.realtime.faults == []


async def ringing(openai: CallsPeer, server: Server, **parties: str) -> RingingCall:
    call = openai.ringing(**parties)
    answered = await openai.ring(f"{server.url}/telephony/openai/voice", call)
    assert answered.status == 200
    return call


async def test_a_call_is_accepted_greeted_answered_by_tools_and_remembered(tmp_path: Path) -> None:
    script = Script(
        replies=(
            Reply(GREETING, audio=SHORT),
            Reply(None, calls=(Call("find_slots", '{"day":"2030-01-04"}'),)),
            Reply("Nothing is free then.", audio=SHORT),
        ),
        hears=(Heard("i'd like to book an appointment for a cleaning"),),
    )
    async with served(tmp_path, script) as (openai, server):
        call = await ringing(openai, server)
        assert call.session is not None
        assert "Larkfield" in call.session["instructions"]
        assert {tool["name"] for tool in call.session["tools"]} >= {"find_slots", "hang_up"}
        assert "format" not in call.session["audio"]["input"]
        assert call.session["audio"]["input"]["turn_detection"]["create_response"] is True
        received, sent = openai.realtime.received, openai.realtime.sent
        greeting = await received.until("response.create")
        assert "Larkfield Dental" in greeting["response"]["instructions"]
        await sent.until("output_audio_buffer.stopped")
        await openai.says(from_wav(caller("dental_01_book")))
        output = await received.until("conversation.item.create", within_s=10)
        assert output["item"]["type"] == "function_call_output"
        await sent.until("output_audio_buffer.stopped", nth=2, within_s=10)
        assert received.of("session.update") == []
        assert received.of("input_audio_buffer.append") == []
        await openai.hang_up(call)
        await idle(server)
        told = only_call(server, call.call_id)
        assert (told.leg, told.persona, told.ending) == ("openai_sip", "dental_reception", "caller/hung-up")
        assert sorted(told.said) == [
            ("assistant", "Nothing is free then."),
            ("assistant", GREETING),
            ("user", "i'd like to book an appointment for a cleaning"),
        ]
        assert call.verbs == ["accept"]
        assert settles(lambda: len(only_call(server, call.call_id).events) == 2, 20)
        assert only_call(server, call.call_id).events[-1] == ("call_completed", "completed")


async def test_an_interruption_is_kept_as_openai_tells_it(tmp_path: Path) -> None:
    long = "Thank you for calling. " * 8
    script = Script(replies=(Reply(long, audio=bytes(24_000 * 2 * 8)),), hears=(Heard("stop"),))
    async with served(tmp_path, script) as (openai, server):
        call = await ringing(openai, server)
        await openai.realtime.sent.until("output_audio_buffer.started")
        await asyncio.sleep(1.5)
        await openai.says(from_wav(caller("bargein_stop")))
        cut = await openai.realtime.sent.until("conversation.item.truncated")
        await openai.hang_up(call)
        await idle(server)
        transcript = server.get(f"/api/realtime/sessions/{sessions_of(server, call.call_id)[0]}")[1][
            "transcript"
        ]
        first = transcript[0]
        assert first["metadata"]["interrupted"]
        assert first["metadata"]["heardMs"] == cut["audio_end_ms"]
        assert 0 < len(first["text"]) < len(long) * 0.7
        assert f"{first['text']} {first['metadata']['unheard']}".strip() == long.strip()


async def test_the_agent_hangs_up_once_it_was_heard(tmp_path: Path) -> None:
    script = Script(
        replies=(
            Reply(GREETING, audio=SHORT),
            Reply("Goodbye then.", audio=bytes(24_000 * 2 * 2), calls=(Call("hang_up"),)),
        ),
        hears=(Heard("goodbye"),),
    )
    async with served(tmp_path, script) as (openai, server):
        call = await ringing(openai, server)
        await openai.realtime.sent.until("output_audio_buffer.stopped")
        await openai.says(from_wav(caller("common_no")))
        await openai.realtime.sent.until("output_audio_buffer.started", nth=2)
        await idle(server)
        assert len(openai.realtime.sent.of("output_audio_buffer.stopped")) == 2, "the farewell was cut off"
        assert call.verbs == ["accept", "hangup"]
        assert only_call(server, call.call_id).ending == "agent/hung-up"


async def test_keys_are_a_turn(tmp_path: Path) -> None:
    script = Script(replies=(Reply(GREETING, audio=SHORT), Reply("Twelve, thank you.", audio=SHORT)))
    async with served(tmp_path, script) as (openai, server):
        call = await ringing(openai, server)
        await openai.realtime.sent.until("output_audio_buffer.stopped")
        for key in "12#":
            openai.presses(key)
        await openai.realtime.sent.until("output_audio_buffer.stopped", nth=2)
        await openai.hang_up(call)
        await idle(server)
        said = [text for role, text in only_call(server, call.call_id).said if role == "user"]
        assert any(text.startswith("The caller pressed 1 2 #") for text in said)


async def test_a_sideband_that_is_lost_ends_the_call_for_the_caller_too(tmp_path: Path) -> None:
    async with served(tmp_path, Script(replies=(Reply(GREETING, audio=SHORT),))) as (openai, server):
        call = await ringing(openai, server)
        await openai.realtime.sent.until("output_audio_buffer.started")
        await openai.realtime.kill()
        await idle(server)
        assert call.verbs == ["accept", "hangup"]
        assert only_call(server, call.call_id).ending == "model/lost"


async def test_full_lines_are_busy_and_a_caller_who_has_gone_is_no_call(tmp_path: Path) -> None:
    async with served(tmp_path, Script(), PARLEY_MAX_CALLS="1") as (openai, server):
        first = await ringing(openai, server)
        second = await ringing(openai, server)
        assert second.commands == [("reject", {"status_code": 486})]
        await openai.realtime.sent.until("session.created")
        await openai.hang_up(first)
        await idle(server)
        gone = openai.ringing()
        gone.over = True
        answered = await openai.ring(f"{server.url}/telephony/openai/voice", gone)
        assert answered.status == 200
        await idle(server)


async def test_webhooks_are_proved_and_each_is_good_once(tmp_path: Path) -> None:
    judge = OpenAI(api_key=KEY, webhook_secret=SECRET)
    async with served(tmp_path, Script()) as (openai, server):
        url = f"{server.url}/telephony/openai/voice"
        call = openai.ringing()
        body = openai.webhook(call)
        judge.webhooks.verify_signature(body, signed(body, "wh_1", at=time.time()))
        wrong = "whsec_" + "QUJDRA=="
        for headers in (
            {},
            signed(body, "wh_1", at=time.time(), secret=wrong),
            signed(body + b" ", "wh_1", at=time.time()),
            signed(body, "wh_1", at=time.time() - 400),
            signed(body, "wh_1", at=time.time()) | {"webhook-id": "wh_2"},
        ):
            if headers:
                with pytest.raises((InvalidWebhookSignatureError, ValueError)):
                    judge.webhooks.verify_signature(body, headers)
            assert (await openai.ring(url, call, body=body, headers=headers)).status == 403
        assert call.commands == []
        assert sessions_of(server, call.call_id) == []
        openai.refusing = 500
        assert (await openai.ring(url, call, webhook_id="wh_3")).status == 503
        openai.refusing = None
        answers = [await openai.ring(url, call, webhook_id="wh_3") for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 200]
        assert call.verbs == ["accept"]
        assert len(sessions_of(server, call.call_id)) == 1
        await openai.realtime.sent.until("session.created")
        await openai.hang_up(call)
        await idle(server)


async def test_without_its_secret_there_is_no_such_webhook(tmp_path: Path) -> None:
    async with served(tmp_path, Script(), OPENAI_WEBHOOK_SECRET="") as (openai, server):
        answered = await openai.ring(f"{server.url}/telephony/openai/voice", openai.ringing())
        assert answered.status == 404
