"""A call in G.711: untouched to whoever takes it, converted for the rest, and nobody is taken at his word."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from numpy.typing import NDArray

from gateway.engine.lessons import Lessons
from gateway.ports import Event, Model, ModelSession, ModelSpec
from gateway.providers.embedded.provider import EmbeddedModel
from gateway.providers.upstream import UpstreamModel
from gateway.realtime.session import default_session, merge_session, with_format
from gateway.transcoding import open_model
from media import g711
from media.audio import PCM24, PCMA, PCMU, AudioFormat
from media.transcoder import Transcoder
from tests.caller_audio import pcm
from tests.peers.script import Reply, Script
from tests.peers.sound import tone
from tests.providers.bench import PERSONA, EchoMind
from tests.providers.server import serving
from tests.providers.speech import QuickEars, QuickVoice
from tests.providers.vendors import SESSION, VENDORS

pytestmark = pytest.mark.contract

FORMS = {"mu": PCMU, "a": PCMA}
laws = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())


def spec(form: AudioFormat) -> ModelSpec:
    silent = {"type": "realtime", "audio": {"input": {"turn_detection": {"create_response": False}}}}
    session = merge_session(SESSION, silent).session
    return ModelSpec("rtc_1", PERSONA, with_format(session, form), form=form)


def speech(form: AudioFormat) -> bytes:
    """A recorded caller, as a telephone carries him."""
    return Transcoder(AudioFormat(16000), form).process(pcm("dental_01_book"))


def samples(audio: bytes, form: AudioFormat) -> NDArray[np.float32]:
    """At 8 kHz."""
    narrow = Transcoder(form, AudioFormat(8000)).process(audio)
    return np.frombuffer(narrow, "<i2").astype(np.float32)


def alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The correlation of the two where they fit best: 1 is the same sound."""
    length = min(len(one), len(other))
    one, other = one[:length], other[:length]
    size = 2 * length
    both = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    return float(np.abs(both).max() / (np.linalg.norm(one) * np.linalg.norm(other)))


async def spoken(session: ModelSession) -> bytes:
    """The audio of the next response."""
    audio = b""
    async with asyncio.timeout(10):
        async for event in session:
            if event["type"] == "response.output_audio.delta":
                audio += event["delta"]
            if event["type"] == "response.done":
                return audio
    raise AssertionError("the session ended")


@laws
@pytest.mark.parametrize("name", VENDORS)
async def test_a_vendor_gets_and_gives_the_carriers_own_bytes(name: str, form: AudioFormat) -> None:
    vendor, said = VENDORS[name], speech(form)
    async with vendor.open(Script(replies=(Reply("hi", audio=tone(400)),))) as peer:
        async with open_model(vendor.provider(peer, None), spec(form)) as session:
            for at in range(0, len(said), form.frame_bytes):
                session.audio(said[at : at + form.frame_bytes])
            session.send({"type": "response.create"})
            heard = await spoken(session)
        sent = [base64.b64decode(e["audio"]) for e in peer.received.of("input_audio_buffer.append")]
        deltas = [e for e in peer.sent if e["type"].endswith("audio.delta")]
        told = b"".join(base64.b64decode(e["delta"]) for e in deltas)
    assert peer.faults == []
    assert b"".join(sent) == said
    assert heard == told
    assert form.to_ms(len(heard)) == 400


class Server:
    """A compatible server of one kind: what its session shows, and whether it refuses what it does not take."""

    def __init__(self, *, shows: AudioFormat | None, refuses: bool = False) -> None:
        self.shows, self.refuses = shows, refuses
        self.updates: list[Event] = []
        self.heard = b""
        self.says = b""

    @asynccontextmanager
    async def model(self, **more: Any) -> AsyncIterator[Model]:
        app = web.Application()
        app.router.add_get("/v1/realtime", self._serve)
        async with serving(app) as address:
            yield UpstreamModel(url=f"ws://{address}", model="m", api_key="k", **more)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        fresh = default_session(model="m", session_id="sess_1")
        await socket.send_json({"type": "session.created", "event_id": "e1", "session": fresh})
        async for message in socket:
            event = message.json()
            if event["type"] == "session.update":
                await socket.send_json(self._updated(fresh, event))
            elif event["type"] == "input_audio_buffer.append":
                self.heard += base64.b64decode(event["audio"])
            elif event["type"] == "response.create":
                part = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
                delta = base64.b64encode(self.says).decode()
                await socket.send_json(
                    {"type": "response.output_audio.delta", "event_id": "e3", **part, "delta": delta}
                )
                response = {
                    "id": "resp_1",
                    "object": "realtime.response",
                    "status": "completed",
                    "output": [],
                }
                await socket.send_json({"type": "response.done", "event_id": "e4", "response": response})
        return socket

    def _updated(self, fresh: Event, event: Event) -> Event:
        self.updates.append(event["session"])
        wanted = event["session"]["audio"]["input"]["format"]["type"]
        if self.refuses and wanted != "audio/pcm":
            fault = {
                "type": "invalid_request_error", "code": "invalid_value", "message": "no", "param": None,
                "event_id": event["event_id"],
            }  # fmt: skip
            return {"type": "error", "event_id": "e2", "error": fault}
        formats = frozenset({"audio/pcm", "audio/pcmu", "audio/pcma"})
        session = merge_session(fresh, event["session"], formats=formats).session
        session = session if self.shows is None else with_format(session, self.shows)
        return {"type": "session.updated", "event_id": "e2", "session": session}


async def both_ways(server: Server, form: AudioFormat, **more: Any) -> bytes:
    """Everything a caller says and hears with this server."""
    said = speech(form)
    async with server.model(**more) as model, open_model(model, spec(form)) as session:
        for at in range(0, len(said), form.frame_bytes):
            session.audio(said[at : at + form.frame_bytes])
        session.send({"type": "response.create"})
        return await spoken(session)


@laws
@pytest.mark.parametrize(
    ("server", "asked"),
    [
        (Server(shows=PCM24), ["g711", "pcm"]),
        (Server(shows=None, refuses=True), ["g711", "pcm"]),
        (Server(shows=PCMU), ["pcm"]),
    ],
    ids=["it-shows-another", "it-refuses", "it-lies-and-we-know"],
)
async def test_a_server_that_takes_pcm_only_is_converted_for(
    server: Server, asked: list[str], form: AudioFormat
) -> None:
    server.updates, server.heard = [], b""
    server.says = Transcoder(AudioFormat(16000), PCM24).process(pcm("bargein_stop"))
    heard = await both_ways(server, form, g711=asked != ["pcm"])
    formats = [u["audio"]["input"]["format"]["type"] for u in server.updates]
    assert ["pcm" if kind == "audio/pcm" else "g711" for kind in formats] == asked
    assert alike(samples(server.heard, PCM24), samples(speech(form), form)) > 0.98
    assert alike(samples(heard, form), samples(server.says, PCM24)) > 0.98
    assert abs(form.to_ms(len(heard)) - PCM24.to_ms(len(server.says))) <= 1


@laws
async def test_the_engine_in_this_process_is_converted_for(form: AudioFormat) -> None:
    ears, voice = QuickEars(), QuickVoice()
    model = EmbeddedModel(Lessons(ears, EchoMind().script), voice, EchoMind())
    async with open_model(model, spec(form)) as session:
        assert session.provider == "embedded"
        for _ in range(40):
            session.audio(form.silence * form.frame_bytes)
        content = [{"type": "input_text", "text": "good morning"}]
        item = {"type": "message", "role": "user", "content": content}
        session.send({"type": "conversation.item.create", "item": item})
        session.send({"type": "session.update", "session": with_format(SESSION, form)})
        session.send({"type": "response.create"})
        heard = await spoken(session)
    spoken_ms = form.to_ms(len(heard))
    assert spoken_ms > 100
    level = samples(heard, form)
    assert float(np.sqrt((level**2).mean())) > 500


def test_what_is_converted_keeps_its_length_and_joins_without_a_seam() -> None:
    said = Transcoder(AudioFormat(16000), PCM24).process(pcm("dental_01_book"))
    whole = Transcoder(PCM24, PCMU).process(said)
    pieces = Transcoder(PCM24, PCMU)
    assert b"".join(pieces.process(said[at : at + 1000]) for at in range(0, len(said), 1000)) == whole
    assert Transcoder(PCMU, PCMU).process(whole) is whole
    assert len(Transcoder(PCMU, PCMA).process(whole)) == len(whole)
    assert g711.decode(PCMA.silence * 2, "a") == b"\x08\x00" * 2
