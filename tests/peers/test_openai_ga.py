"""The GA peer is a whole server: driven by the vendor's own client, and it sends nothing that the types do not know."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import ConnectionClosed

from tests.caller_audio import caller
from tests.peers.ga_events import complaints
from tests.peers.openai_ga import KEY, OpenAiPeer
from tests.peers.peer import RealtimePeer
from tests.peers.script import Asked, Call, Cut, Heard, Order, Reply, Script
from tests.peers.sound import from_wav, pieces, tone

pytestmark = pytest.mark.integration

PUSH_TO_TALK: dict[str, Any] = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}


@asynccontextmanager
async def talking(script: Script) -> AsyncIterator[tuple[RealtimePeer, AsyncRealtimeConnection]]:
    async with OpenAiPeer.open(script) as peer, AsyncOpenAI(api_key=KEY, base_url=peer.base_url) as client:
        # With a bounded queue a client that does not read cannot close in time.
        async with client.realtime.connect(
            model="gpt-realtime-2.1", websocket_connection_options={"max_queue": None}
        ) as connection:
            yield peer, connection
        assert [fault for event in peer.sent for fault in complaints(event)] == []


async def until(connection: AsyncRealtimeConnection, kind: str) -> list[str]:
    """The types up to and with the first event of this kind."""
    kinds: list[str] = []
    async with asyncio.timeout(20):
        while not kinds or kinds[-1] != kind:
            kinds.append((await connection.recv()).type)
    return kinds


async def gone(connection: AsyncRealtimeConnection, pcm: bytes = b"") -> None:
    """Reads, and speaks between, until the connection is closed: raises ConnectionClosed."""
    async with asyncio.timeout(20):
        while True:
            await connection.recv()
            await speak(connection, pcm)


async def speak(connection: AsyncRealtimeConnection, pcm: bytes) -> None:
    for piece in pieces(pcm, 100):
        await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())


SPOKEN = ["response.output_audio_transcript.delta", "response.output_audio.delta"]


async def test_a_text_turn_in_the_order_of_the_sample() -> None:
    script = Script(replies=(Reply("Hi", chunk_ms=240),), order=Order.SAMPLE, conversation_created=False)
    async with talking(script) as (peer, connection):
        assert await until(connection, "session.created") == ["session.created"]
        await connection.session.update(session={"type": "realtime", "instructions": "Be brief."})
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
        )
        await connection.response.create()
        assert await until(connection, "rate_limits.updated") == [
            "session.updated",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            *SPOKEN,
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
            "rate_limits.updated",
        ]
    assert peer.faults == []
    assert peer.sent.of("session.updated")[0]["session"]["instructions"] == "Be brief."


async def test_a_voice_turn_in_the_live_order() -> None:
    script = Script(
        replies=(Reply("When would you like to come?", chunk_ms=1000),),
        hears=(Heard("i'd like to book"),),
        session={"audio": {"input": {"transcription": {"model": "whisper-1"}}}},
    )
    async with talking(script) as (peer, connection):
        await speak(connection, from_wav(caller("common_yes")) + bytes(48 * 400))
        kinds = await until(connection, "response.done")
    assert kinds[:2] == ["session.created", "conversation.created"]
    floating = [kind for kind in kinds[2:] if "transcription." in kind]
    assert floating == [
        f"conversation.item.input_audio_transcription.{end}" for end in ("delta", "completed")
    ]
    rest = [kind for kind in kinds[2:] if "transcription." not in kind]
    assert rest[:8] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
    ]
    assert rest[-3:] == ["conversation.item.done", "response.output_item.done", "response.done"]
    started, stopped = (
        peer.sent.of(f"input_audio_buffer.speech_{verb}")[0] for verb in ("started", "stopped")
    )
    assert (
        started["item_id"]
        == stopped["item_id"]
        == peer.sent.of("input_audio_buffer.committed")[0]["item_id"]
    )
    assert started["audio_start_ms"] < stopped["audio_end_ms"]


async def test_push_to_talk_and_text_only_and_out_of_band() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply("aside" if asked.response.get("conversation") == "none" else "written")

    async with talking(Script(answer=answer)) as (peer, connection):
        await connection.session.update(session=PUSH_TO_TALK)  # type: ignore[arg-type]  # a plain dict
        await speak(connection, tone(300))
        await connection.input_audio_buffer.commit()
        await connection.response.create(response={"output_modalities": ["text"]})
        await connection.response.create(response={"conversation": "none", "metadata": {"topic": "x"}})
        await peer.sent.until("response.done", 2)
    assert peer.faults == []
    main, aside = peer.sent.of("response.done")
    assert main["response"]["output"][0]["content"] == [{"type": "output_text", "text": "written"}]
    assert main["response"]["usage"]["input_token_details"]["audio_tokens"] == 3
    assert aside["response"]["conversation_id"] is None
    assert aside["response"]["metadata"] == {"topic": "x"}
    entered = [event["item"]["id"] for event in peer.sent.of("conversation.item.added")]
    assert aside["response"]["output"][0]["id"] not in entered


async def test_a_function_call_is_answered_and_talked_about() -> None:
    script = Script(replies=(Reply(calls=(Call("lookup", '{"q": "friday"}', "call_1"),)), Reply("Free.")))
    async with talking(script) as (peer, connection):
        await connection.response.create()
        kinds = await until(connection, "response.done")
        assert kinds[-4:] == [
            "response.function_call_arguments.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]
        await connection.conversation.item.create(
            item={"type": "function_call_output", "call_id": "call_1", "output": "free"}
        )
        await connection.response.create()
        await until(connection, "response.done")
    assert peer.faults == []
    assert peer.left == ()
    deltas = [event["delta"] for event in peer.sent.of("response.function_call_arguments.delta")]
    assert "".join(deltas) == '{"q": "friday"}'


async def test_a_barge_in_cancels_and_the_client_truncates() -> None:
    script = Script(replies=(Reply("A long story. " * 5, speed=1.0, late_deltas=2),))
    async with talking(script) as (peer, connection):
        await connection.response.create()
        first = await peer.sent.until("response.output_audio.delta", 2)
        await speak(connection, tone(200))
        done = (await peer.sent.until("response.done"))["response"]
        assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert done["output"][0]["status"] == "incomplete"
        kinds = peer.sent.kinds
        assert kinds[kinds.index("input_audio_buffer.speech_started") + 1 :][:2] == [
            "response.output_audio.delta",
            "response.output_audio.delta",
        ]
        await connection.conversation.item.truncate(
            item_id=first["item_id"], content_index=0, audio_end_ms=180
        )
        await peer.sent.until("conversation.item.truncated")
        await connection.conversation.item.retrieve(item_id=first["item_id"])
        kept = await peer.sent.until("conversation.item.retrieved")
        assert kept["item"]["content"][0]["transcript"] == ""
    assert peer.faults == []


async def test_client_cancel_and_a_cancel_too_late() -> None:
    async with talking(Script(replies=(Reply("A long story. " * 5, speed=1.0),))) as (peer, connection):
        await connection.response.create()
        await peer.sent.until("response.output_audio.delta")
        await connection.response.cancel()
        done = await peer.sent.until("response.done")
        assert done["response"]["status_details"]["reason"] == "client_cancelled"
        await connection.response.cancel(event_id="mine")
        error = await peer.sent.until("error")
    assert error["error"]["code"] == "response_cancel_not_active"
    assert error["error"]["event_id"] == "mine"
    assert peer.faults == []
    assert [fault.code for fault in peer.noise] == ["response_cancel_not_active"]


async def test_the_statuses_of_a_response() -> None:
    failed = {"type": "server_error", "code": "inference_rate_limit_exceeded", "message": "Too many."}
    script = Script(
        replies=(
            Reply(status="failed", error=failed),
            Reply("Cut sh", status="incomplete", reason="max_output_tokens"),
        )
    )
    async with talking(script) as (peer, connection):
        for nth in (1, 2):
            await connection.response.create()
            await peer.sent.until("response.done", nth)
    one, two = (event["response"] for event in peer.sent.of("response.done"))
    assert (one["status"], one["status_details"]["error"]["code"]) == ("failed", failed["code"])
    assert (two["status"], two["status_details"]["reason"]) == ("incomplete", "max_output_tokens")
    assert two["output"][0]["status"] == "incomplete"


async def test_a_failed_transcription_and_an_unasked_reply() -> None:
    script = Script(
        hears=(Heard(failed=True),),
        session={
            "audio": {"input": {"turn_detection": None, "transcription": {"model": "gpt-4o-transcribe"}}}
        },
    )
    async with talking(script) as (peer, connection):
        await speak(connection, tone(300))
        await connection.input_audio_buffer.commit()
        failed = await peer.sent.until("conversation.item.input_audio_transcription.failed")
        assert failed["error"]["code"] == "audio_unintelligible"
        await peer.say(Reply("Are you there?"))
        await peer.sent.until("response.done")


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
async def test_telephone_formats_both_ways(kind: str) -> None:
    fmt = {"type": kind}
    session = {"audio": {"input": {"format": fmt}, "output": {"format": fmt}}}
    async with talking(Script(session=session, replies=(Reply("Hello", chunk_ms=10_000),))) as (
        peer,
        connection,
    ):
        await connection.response.create()
        said = base64.b64decode((await peer.sent.until("response.output_audio.delta"))["delta"])
        assert len(said) == 300 * 8
        await peer.sent.until("response.done")
        await connection.input_audio_buffer.append(audio=base64.b64encode(said).decode())
        await peer.sent.until("input_audio_buffer.speech_started")


@pytest.mark.parametrize(
    ("cut", "last"),
    [
        (Cut.after_deltas(3), "response.output_audio.delta"),
        (Cut.while_caller_speaks(200), "input_audio_buffer.speech_started"),
        (Cut.while_call_outstanding(), "response.done"),
    ],
)
async def test_killed_at_a_point(cut: Cut, last: str) -> None:
    replies = (
        Reply(calls=(Call("lookup"),)) if cut.outstanding_call else Reply("A long story", chunk_ms=100),
    )
    async with talking(Script(replies=replies, cuts=(cut,))) as (peer, connection):
        if cut.speech_ms is None:
            await connection.response.create()
        with pytest.raises(ConnectionClosed) as closed:
            await gone(connection, tone(100) if cut.speech_ms else b"")
        assert closed.value.rcvd is None
        await peer.line.closed.wait()
    assert peer.sent.kinds[-1] == last
    assert len(peer.sent.of("response.output_audio.delta")) == (3 if cut.sent else 0)


async def test_the_model_hears_what_nobody_writes_down() -> None:
    asked: list[Asked] = []

    def answer(one: Asked) -> None:
        asked.append(one)

    async with talking(Script(answer=answer, hears=(Heard("friday"),))) as (peer, connection):
        await speak(connection, tone(300) + bytes(48 * 300))
        await peer.sent.until("response.done")
    assert (asked[0].heard, asked[0].automatic, asked[0].last_text) == ("friday", True, "")


async def test_closed_stalled_and_expired() -> None:
    async with talking(Script(life_s=0.3, expiry_code=1001)) as (peer, connection):
        await until(connection, "conversation.created")
        peer.stall()
        await connection.response.create()
        await peer.received.until("response.create")
        await asyncio.sleep(0.05)
        assert peer.sent.of("response.created") == []
        peer.resume()
        await peer.sent.until("response.done")
        with pytest.raises(ConnectionClosed) as closed:
            await gone(connection)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert peer.sent[-1]["error"]["code"] == "session_expired"
    async with talking(Script()) as (peer, connection):
        await until(connection, "session.created")
        await peer.close(1012, "restart")
        with pytest.raises(ConnectionClosed) as closed:
            await until(connection, "response.done")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
