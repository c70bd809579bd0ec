"""A phone call whose provider takes G.711: the carrier's bytes and the provider's, untouched; and after the provider is
lost, the engine that takes PCM only."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from media import g711
from tests.carrier_peers.twilio_hooks import Account
from tests.carrier_peers.twilio_peer import TwilioPeer
from tests.carrier_peers.twilio_phone import TwilioPhone
from tests.carrier_peers.voice import spoken
from tests.e2e.server import Server, calm, running
from tests.peers.openai_ga import KEY, OpenAiPeer
from tests.peers.peer import RealtimePeer
from tests.peers.script import Asked, Heard, Refusal, Reply, Script
from tests.telephony.record import idle, only_call

pytestmark = pytest.mark.integration

PUBLIC = "https://voice.example.test"
ACCOUNT = Account()


def replies(asked: Asked) -> Reply:
    words = "Of course, a cleaning, we have plenty of times next week" if asked.heard else "Hello there"
    return Reply(words, speed=4.0)


@asynccontextmanager
async def phoned(folder: Path) -> AsyncIterator[tuple[RealtimePeer, TwilioPhone, Server]]:
    """A call that the vendor's server answers, with the embedded engine behind it."""
    script = Script(answer=replies, hears=(Heard("i'd like to book a cleaning"),))
    async with OpenAiPeer.open(script) as peer:
        process = running(
            folder,
            TWILIO_AUTH_TOKEN=ACCOUNT.token,
            PARLEY_PUBLIC_URL=PUBLIC,
            PARLEY_PHONE_PERSONA="dental_reception",
            PARLEY_PROVIDERS="upstream,embedded",
            PARLEY_UPSTREAM_URL=peer.url,
            PARLEY_UPSTREAM_API_KEY=KEY,
        )
        server = await asyncio.to_thread(process.__enter__)
        try:
            await asyncio.to_thread(calm, server)
            async with (
                TwilioPeer.open(ACCOUNT, via=server.url) as twilio,
                twilio.ring(f"{PUBLIC}/telephony/twilio/voice") as phone,
            ):
                yield peer, phone, server
            await idle(server)
            assert twilio.faults == []
            assert peer.faults == []
        finally:
            await asyncio.to_thread(process.__exit__, None, None, None)


def untouched(said: bytes, appended: bytes) -> float:
    """The share of the frames with sound that came byte for byte and in order. A machine that stalls may have cost one:
    what is late is concealed. Of what was converted there would be none."""
    frames = [said[at : at + 160] for at in range(0, len(said) - 159, 160)]
    loud = [frame for frame in frames if len(set(frame)) > 16]
    place = found = 0
    for frame in loud:
        at = appended.find(frame, place)
        if at >= 0:
            place, found = at + 160, found + 1
    return found / len(loud)


async def test_the_bytes_of_carrier_and_provider_pass_untouched(tmp_path: Path) -> None:
    async with phoned(tmp_path) as (peer, phone, server):
        call = await phone.stream()
        await call.played(400)
        await call.quiet()
        said = b"".join(spoken("dental_01_book", call.carrier.says))
        await call.say("dental_01_book")
        await call.played(1500, within_s=15)
        await call.quiet()
        appended = [base64.b64decode(e["audio"]) for e in peer.received.of("input_audio_buffer.append")]
        deltas = [base64.b64decode(e["delta"]) for e in peer.sent.of("response.output_audio.delta")]
        assert untouched(said, b"".join(appended)) > 0.9
        heard = b"".join(sound.pcm for sound in call.heard.sounds)
        assert g711.decode(b"".join(deltas[:3]), "mu") in heard
        assert call.underruns == 0
        assert call.faults == []
        assert server.written().count("converted") == 0
    assert {role for role, _ in only_call(server, phone.call.sid).said} == {"user", "assistant"}


async def test_an_engine_that_takes_pcm_goes_on_where_the_provider_is_lost(tmp_path: Path) -> None:
    async with phoned(tmp_path) as (peer, phone, server):
        call = await phone.stream()
        await call.played(400)
        await call.quiet()
        peer.refusing = Refusal(503, "down", "gone for good")
        await peer.kill()
        before = call.heard.played_ms
        await call.say("dental_01_book")
        await call.played(before + 1500, within_s=20)
        assert call.faults == []
    session = only_call(server, phone.call.sid)
    words = [text for role, text in session.said if role == "user"]
    assert any("appointment" in text for text in words), f"what the engine's own ears heard: {words}"
    assert len([role for role, _ in session.said if role == "assistant"]) >= 2
