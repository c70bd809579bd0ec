"""Every remote provider keeps the port's promises with a strict server of its vendor, over a real socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.errors import ModelError, ModelLost, ModelRefused, ModelUnavailable
from gateway.ports import ModelSpec
from tests.peers.script import Call, Cut, Heard, Refusal, Reply, Script
from tests.peers.sound import pieces, tone
from tests.peers.voicelive_events import EXTRAS
from tests.providers.bench import PERSONA
from tests.providers.vendors import SESSION, VENDORS, Stage, Vendor

pytestmark = pytest.mark.contract


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return VENDORS[request.param]


def speak(stage: Stage, ms: int = 500, silence_ms: int = 400) -> None:
    for frame in pieces(tone(ms) + bytes(48 * silence_ms), 20):
        stage.session.audio(frame)


async def test_a_spoken_turn(vendor: Vendor) -> None:
    script = Script(replies=(Reply("Good morning."),), hears=(Heard("hello"),))
    async with asyncio.timeout(10), Stage.open(vendor, script) as stage:
        speak(stage)
        await stage.until("response.done")
        heard = await stage.until("conversation.item.input_audio_transcription.completed")
        assert heard["transcript"] == "hello"
        sent = b"".join(event["delta"] for event in stage.of("response.output_audio.delta"))
    turn = [kind for kind in stage.kinds if "transcription" not in kind and kind != "rate_limits.updated"]
    deltas = ("response.output_audio.delta", "response.output_audio_transcript.delta")
    assert [kind for kind in turn if kind not in deltas and kind != "conversation.created"] == [
        "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed",
        "conversation.item.added", "conversation.item.done",
        "response.created", "response.output_item.added", "conversation.item.added", "response.content_part.added",
        "response.output_audio.done", "response.output_audio_transcript.done", "response.content_part.done",
        "conversation.item.done", "response.output_item.done", "response.done",
    ]  # fmt: skip
    assert len(sent) == 48 * 60 * len("Good morning.")
    done = stage.of("response.done")[0]["response"]
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "Good morning."}]
    assert done["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert done["usage"]["total_tokens"] > 0
    assert stage.session.model
    user, agent = (event["item"]["id"] for event in stage.of("conversation.item.added"))
    assert stage.of("input_audio_buffer.committed")[0]["item_id"] == user
    assert stage.of("conversation.item.added")[1]["previous_item_id"] == user
    assert agent == done["output"][0]["id"]


async def test_a_tool_is_called_and_answered(vendor: Vendor) -> None:
    calls = (Call("lookup", '{"day": "friday"}', "call_1"),)
    script = Script(replies=(Reply(calls=calls), Reply("Friday is free.")))
    async with asyncio.timeout(10), Stage.open(vendor, script) as stage:
        say = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Is friday free?"}],
        }
        stage.send("conversation.item.create", item=say)
        stage.send("response.create")
        asked = (await stage.until("response.done"))["response"]["output"][0]
        assert (asked["type"], asked["name"], asked["call_id"]) == ("function_call", "lookup", "call_1")
        told = stage.of("response.function_call_arguments.done")[0]
        assert (told["name"], told["arguments"], told["call_id"]) == (
            "lookup",
            '{"day": "friday"}',
            "call_1",
        )
        output = {"type": "function_call_output", "call_id": "call_1", "output": '{"free":true}'}
        stage.send("conversation.item.create", item=output)
        stage.send(
            "response.create", response={"instructions": "Say it shortly.", "metadata": {"topic": "day"}}
        )
        done = (await stage.until("response.done", 2))["response"]
        assert done["metadata"] == {"topic": "day"}
    added = [event["item"]["id"] for event in stage.of("conversation.item.added")]
    assert sorted(added) == sorted(event["item"]["id"] for event in stage.of("conversation.item.done"))
    kinds = [event["item"]["type"] for event in stage.of("conversation.item.added")]
    assert kinds == ["message", "function_call", "function_call_output", "message"]


async def test_text_and_history(vendor: Vendor) -> None:
    script = Script(replies=(Reply("In writing."),))
    async with asyncio.timeout(10), Stage.open(vendor, script, output_modalities=["text"]) as stage:
        before = {"id": "item_before", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_audio", "transcript": "Welcome back."}]}  # fmt: skip
        system = {
            "type": "message",
            "role": "system",
            "content": [{"type": "input_text", "text": "Carry on."}],
        }
        stage.send("conversation.item.create", item=before)
        stage.send("conversation.item.create", item=system, previous_item_id="item_before")
        stage.send("response.create", response={"output_modalities": ["text"], "max_output_tokens": 200})
        done = (await stage.until("response.done"))["response"]
        assert done["output"][0]["content"] == [{"type": "output_text", "text": "In writing."}]
        assert done["output_modalities"] == ["text"]
        stage.send("conversation.item.retrieve", item_id="item_before")
        item = (await stage.until("conversation.item.retrieved"))["item"]
        assert item["content"] == [{"type": "output_text", "text": "Welcome back."}]
        stage.send("conversation.item.delete", item_id="item_before")
        await stage.until("conversation.item.deleted")
    first, second, *_ = stage.of("conversation.item.done")
    assert (first["item"]["id"], second["previous_item_id"]) == ("item_before", "item_before")
    assert "".join(event["delta"] for event in stage.of("response.output_text.delta")) == "In writing."


async def test_an_interruption(vendor: Vendor) -> None:
    script = Script(replies=(Reply("A long story about a river.", speed=1.0, chunk_ms=100),))
    async with asyncio.timeout(10), Stage.open(vendor, script) as stage:
        stage.send("response.create")
        await stage.until("response.output_audio.delta", 3)
        speak(stage, ms=300, silence_ms=0)
        await stage.until("input_audio_buffer.speech_started")
        done = (await stage.until("response.done"))["response"]
        assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")
        item = done["output"][0]
        stage.send("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=150)
        cut = await stage.until("conversation.item.truncated")
        assert cut["audio_end_ms"] == 150
    assert item["status"] == "incomplete"
    assert [e["item"]["id"] for e in stage.of("conversation.item.done")].count(item["id"]) == 1


async def test_a_cancel_and_an_error_of_the_server(vendor: Vendor) -> None:
    script = Script(replies=(Reply("A long story.", speed=1.0, late_deltas=1),))
    async with asyncio.timeout(10), Stage.open(vendor, script) as stage:
        stage.send("response.create")
        response = (await stage.until("response.created"))["response"]
        await stage.until("response.output_audio.delta")
        stage.send("response.cancel", response_id=response["id"])
        done = (await stage.until("response.done"))["response"]
        assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        stage.send("response.cancel", event_id="event_late")
        error = (await stage.until("error"))["error"]
        assert (error["event_id"], error["code"]) == ("event_late", "response_cancel_not_active")


async def test_push_to_talk_and_out_of_band(vendor: Vendor) -> None:
    heard = {**SESSION["audio"]["input"], "turn_detection": None}
    script = Script(replies=(Reply("Aside."), Reply("Aloud.")))
    async with (
        asyncio.timeout(10),
        Stage.open(vendor, script, audio={**SESSION["audio"], "input": heard}) as stage,
    ):
        speak(stage)
        stage.send("input_audio_buffer.commit")
        await stage.until("conversation.item.done")
        aside = {"conversation": "none", "output_modalities": ["text"], "metadata": {"for": "notes"}}
        stage.send("response.create", response=aside)
        done = (await stage.until("response.done"))["response"]
        assert (done["conversation_id"], done["metadata"]) == (None, {"for": "notes"})
        assert len(stage.of("conversation.item.added")) == 1
        stage.send("response.create")
        await stage.until("response.done", 2)
        assert len(stage.of("conversation.item.added")) == 2
        stage.send("input_audio_buffer.clear")
        await stage.until("input_audio_buffer.cleared")


async def test_an_image_is_taken_or_refused_with_its_event_id(vendor: Vendor) -> None:
    """Older servers have no word for it, and then the adapter answers as the server would."""
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    item = {"type": "message", "role": "user", "content": [image]}
    async with asyncio.timeout(10), Stage.open(vendor) as stage:
        stage.send("conversation.item.create", item=item, event_id="event_image")
        if vendor.old:
            error = (await stage.until("error"))["error"]
            assert (error["event_id"], error["code"]) == ("event_image", "unsupported_content_type")
        else:
            assert (await stage.until("conversation.item.done"))["item"]["content"][0][
                "type"
            ] == "input_image"


async def test_voice_lives_own_events_do_no_harm() -> None:
    script = Script(replies=(Reply("Hello."),))
    async with asyncio.timeout(10), Stage.open(VENDORS["voicelive"], script) as stage:
        for extra in EXTRAS:
            await stage.peer.send(extra)
        stage.send("response.create")
        await stage.until("response.done")
    assert not {extra["type"] for extra in EXTRAS} & set(stage.kinds)


async def test_a_session_can_be_changed(vendor: Vendor) -> None:
    async with asyncio.timeout(10), Stage.open(vendor) as stage:
        tools = [{"type": "function", "name": "weather", "parameters": {"type": "object"}}]
        choice = {"type": "function", "name": "weather"}
        stage.send("session.update", session={"type": "realtime", "instructions": "Be brief."})
        stage.send("session.update", session={"type": "realtime", "tools": tools, "tool_choice": choice})
        stage.send(
            "session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        )
        session = (await stage.until("session.updated", 3))["session"]
    assert session["instructions"] == "Be brief."
    assert session["tools"][0]["name"] == "weather"
    assert session["audio"]["input"]["turn_detection"] is None
    assert session["audio"]["input"]["transcription"]["model"] == "gpt-4o-mini-transcribe"


@pytest.mark.parametrize(
    ("name", "persona", "sent"),
    [
        ("azure-preview", 0.0, 0.6),
        ("azure-preview", 0.9, 0.9),
        ("voicelive", 2.0, 1.0),
        ("openai", 0.9, None),
        ("azure-ga", 0.9, None),
    ],
)
async def test_a_personas_temperature_is_told_where_sessions_have_one(
    name: str, persona: float, sent: float | None
) -> None:
    who = PERSONA.model_copy(update={"temperature": persona})
    async with asyncio.timeout(10), VENDORS[name].open(Script()) as peer:
        async with VENDORS[name].provider(peer, None).open(ModelSpec("rtc_1", who, SESSION)):
            pass
        (update,) = peer.received.of("session.update")
    assert update["session"].get("temperature") == sent


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ModelRefused),
        (403, ModelRefused),
        (404, ModelRefused),
        (429, ModelUnavailable),
        (503, ModelUnavailable),
    ],
)
async def test_refusals(vendor: Vendor, status: int, kind: type[ModelError]) -> None:
    async with asyncio.timeout(10), vendor.open(Script(refusals=(Refusal(status),))) as peer:
        with pytest.raises(kind, match=str(status)):
            await opened(vendor, peer, None)


async def test_a_wrong_key_is_refused(vendor: Vendor) -> None:
    async with asyncio.timeout(10), vendor.open(Script()) as peer:
        with pytest.raises(ModelRefused, match="401") as caught:
            await opened(vendor, peer, "wrong-secret")
        assert "wrong-secret" not in str(caught.value)


async def opened(vendor: Vendor, peer: Any, key: str | None, **session: Any) -> None:
    async with vendor.provider(peer, key).open(ModelSpec("rtc_1", PERSONA, SESSION | session)):
        pass


async def test_a_session_that_is_not_accepted_is_refused(vendor: Vendor) -> None:
    async with asyncio.timeout(10), vendor.open(Script()) as peer:
        with pytest.raises(ModelRefused, match=r"session\.(max_output_tokens|max_response_output_tokens)"):
            await opened(vendor, peer, None, max_output_tokens="plenty")


@pytest.mark.parametrize("how", ["abort", "close"])
async def test_lost_in_the_middle_of_a_reply(vendor: Vendor, how: Any) -> None:
    script = Script(replies=(Reply("A long story.", speed=1.0, chunk_ms=40),))
    async with asyncio.timeout(10), Stage.open(vendor, script) as stage:
        stage.send("response.create")
        await stage.until("response.output_audio.delta", 2)
        await (stage.peer.kill() if how == "abort" else stage.peer.close(1011))
        with pytest.raises(ModelLost, match="1006" if how == "abort" else "1011"):
            await stage.until("response.done")


async def test_the_longest_duration(vendor: Vendor) -> None:
    async with asyncio.timeout(10), Stage.open(vendor, Script(life_s=0.3)) as stage:
        with pytest.raises(ModelLost, match="longest duration"):
            await stage.until("response.done")


async def test_a_server_that_stalls_before_the_session_is_unavailable(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.connector.CONNECT_S", 0.3)
    script = Script(cuts=(Cut(sent="session.created", how="stall"),))
    async with asyncio.timeout(10), vendor.open(script) as peer:
        with pytest.raises(ModelUnavailable, match="in time"):
            await opened(vendor, peer, None)
