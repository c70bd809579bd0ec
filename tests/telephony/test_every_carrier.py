"""A call over every carrier, on real sockets against strict carriers; and what none of them may do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.carriage.mock import ToneSession, reply_of
from tests.carrier_peers import acs_hooks
from tests.carrier_peers.acs_peer import AcsPeer
from tests.carrier_peers.manners import GOOD, Manners
from tests.carrier_peers.sockets import Refused
from tests.carrier_peers.telnyx_peer import TelnyxPeer
from tests.telephony.bringing import OTHER, WAYS, Brought, Way, Wrong
from tests.telephony.office import Office, office
from tests.telephony.record import idle
from tests.telephony.whole import WHOLE
from tests.whole.stalls import Stalls

pytestmark = pytest.mark.integration

ALL = WAYS | WHOLE
EVERY = pytest.mark.parametrize("way", ALL.values(), ids=ALL.keys())
FRESH = pytest.mark.parametrize(
    "way", [pytest.param(way, id=name) for name, way in ALL.items() if not way.shared]
)
"""Those that show something else in every call."""


@asynccontextmanager
async def opened(folder: Path, way: Way) -> AsyncIterator[Office]:
    """An office that is set up for this carrier."""
    if way.beside is None:
        async with office(folder, way.settings) as made:
            yield made
        return
    async with way.beside() as api, office(folder, {**way.settings, **reaching(api)}, api) as made:
        yield made


def reaching(api: Any) -> dict[str, str]:
    """What makes a server command this carrier's API."""
    if isinstance(api, AcsPeer):
        return {
            "ACS_CONNECTION_STRING": f"endpoint={api.base}/;accesskey={api.resource.access_key}",
            "ACS_RESOURCE_ID": api.resource.id,
            "PARLEY_ACS_OPENID_URL": f"{api.base}{acs_hooks.OPENID}",
        }
    if isinstance(api, TelnyxPeer):
        return {
            "TELNYX_PUBLIC_KEY": api.keys.public,
            "TELNYX_API_KEY": api.api_key,
            "PARLEY_TELNYX_API_URL": f"{api.base}/v2",
        }
    raise AssertionError(f"no settings are known for {api}")


async def spoken(session: ToneSession, replies: int) -> None:
    async with asyncio.timeout(10):
        while session.replies < replies:  # noqa: ASYNC110 - a mock
            await asyncio.sleep(0.01)


def said(session: ToneSession, text: str) -> None:
    """The model has understood the caller."""
    item = f"u{len(session.heard_at)}"
    session.emit("input_audio_buffer.committed", item_id=item, previous_item_id=None)
    session.emit(
        "conversation.item.input_audio_transcription.completed",
        item_id=item,
        content_index=0,
        transcript=text,
    )


def sounding_ms(brought: Brought) -> int:
    """How much of what the caller heard was no silence, to 20 ms."""
    heard = brought.call.heard
    pcm = np.frombuffer(heard.between(0, brought.call.now_ms), "<i2")
    frame = heard.rate // 50
    frames = pcm[: len(pcm) // frame * frame].reshape(-1, frame)
    return 20 * int(np.any(np.abs(frames.astype(np.int32)) > 200, axis=1).sum())


def loudest(brought: Brought, from_ms: float) -> bytes:
    """A piece of what the caller heard after that."""
    heard = brought.call.heard
    pcm = heard.between(from_ms, brought.call.now_ms)
    pieces = [
        pcm[at : at + heard.rate] for at in range(0, max(1, len(pcm) - heard.rate), heard.rate // 2 * 2)
    ]
    return max(pieces, key=lambda one: float(np.square(np.frombuffer(one, "<i2").astype(float)).sum()))


@EVERY
async def test_a_call(tmp_path: Path, way: Way, caplog: pytest.LogCaptureFixture) -> None:
    """It comes in, the greeting is heard, the caller speaks and is answered, and hangs up."""
    caplog.set_level(logging.INFO)
    async with opened(tmp_path, way) as made:
        async with way.bring(made, Wrong(), GOOD) as brought:
            call, session = brought.call, await made.session()
            with Stalls() as stalls:
                await asyncio.sleep(2.2)
            assert reply_of(loudest(brought, 0), call.heard.rate) == 1
            # Carrier and server share a loop: where it is held up, both are.
            assert sounding_ms(brought) == pytest.approx(1500, abs=45 + stalls.worst_s * 1000)
            since = call.now_ms
            await call.say("dental_01_book")
            assert session.heard_at, "the caller was not heard"
            said(session, "i would like to book an appointment")
            await spoken(session, 2)
            await asyncio.sleep(1.2)
            assert reply_of(loudest(brought, since), call.heard.rate) == 2
            if way.keys:
                await call.press("42#")
                await spoken(session, 3)
            assert call.faults == []
            # A lead of two frames is soon used up.
            assert call.underruns == 0 or way.leg == "asterisk_audiosocket" or stalls.worst_s > 0.1
            assert call.lead_ms_max <= (450 if way.leg == "genesys" else 250) + stalls.worst_s * 1000
        await idle(made)
        told = await made.told(brought.name, len(way.events))
    for secret in ("0123456789abcdef", "5550100", "08001234567", "/stream/"):
        assert secret not in caplog.text
    assert (told.leg, told.persona, told.ending) == (way.leg, "dental_reception", "caller/hung-up")
    assert tuple(told.events) == way.events
    assert ("user", "i would like to book an appointment") in told.said


@EVERY
async def test_without_its_proof_a_carrier_is_refused_and_leaves_nothing(tmp_path: Path, way: Way) -> None:
    async with opened(tmp_path, way) as made:
        for secret in ("", OTHER):
            with pytest.raises(Refused) as refused:
                async with way.bring(made, Wrong(secret), GOOD):
                    pass
            assert refused.value.status == 403
        assert await made.kept("%") == 0
        assert made.model.sessions == {}
        assert made.supervisor.live == 0


@FRESH
async def test_a_proof_that_was_used_is_none(tmp_path: Path, way: Way) -> None:
    once = Wrong()
    async with opened(tmp_path, way) as made:
        async with way.bring(made, once, GOOD) as brought:
            await brought.call.played(100)
        await idle(made)
        try:
            async with way.bring(made, once, GOOD) as again:
                # Over TCP there is no answer that refuses: the line is hung up.
                await again.call.over()
                assert again.call.heard.played_ms == 0
                status = 403 if way.leg == "asterisk_audiosocket" else 200
        except Refused as refused:
            status = refused.status
        assert status == 403
        assert await made.kept("%") == 1
        assert len(made.model.sessions) == 1


@EVERY
async def test_garbage_ends_one_call_and_no_other(tmp_path: Path, way: Way) -> None:
    async with opened(tmp_path, way) as made, way.bring(made, Wrong(), GOOD) as good:
        for garbage in way.garbage:
            async with way.bring(made, Wrong(), GOOD) as bad:
                await bad.call.played(100)
                await bad.call.send(garbage)
                await bad.call.over()
            assert (await made.told(bad.name)).ending == "caller/protocol-error"
        # The greeting lasts 1500 ms: there is no more where all of that took longer.
        await good.call.played(min(good.call.heard.played_ms + 200, 1400))
        assert good.call.ended is None
        assert good.call.faults == []


@EVERY
async def test_bad_lines_make_one_call_with_one_ending(tmp_path: Path, way: Way) -> None:
    """Out of order, twice and lost; and broken off without a word."""
    async with opened(tmp_path, way) as made:
        async with way.bring(made, Wrong(), Manners(swap=3, repeat_every=5, lose_every=7)) as brought:
            await brought.call.played(500)
            assert brought.call.faults == []
        async with way.bring(made, Wrong(), Manners(stops=False)) as dropped:
            await dropped.call.played(100)
            dropped.call.drop()
        await idle(made)
        assert (await made.told(brought.name)).ending == "caller/hung-up"
        assert (await made.told(dropped.name)).ending == way.dropped
        assert await made.kept("%") == 2
