"""Keys that the agent presses, as they arrive at each carrier: over its stream, by its API, or as tones."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from media.rates import Converter
from tests.carriage.mock import ToneSession
from tests.carrier_peers.manners import GOOD
from tests.media.test_dtmf import BLOCK, key
from tests.telephony import office
from tests.telephony.bringing import Brought, Wrong
from tests.telephony.carriers import CARRIERS, PUBLIC
from tests.telephony.test_every_carrier import ALL, opened

pytestmark = pytest.mark.integration

KEYS = "42#"
STREAM = {"signalwire": ["4", "2", "#"], "plivo": ["42#"]}
"""What the streams that have keys are told, as often as they are."""


@pytest.fixture(autouse=True)
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who answers has the tool."""
    who = office.PERSONAS["dental_reception"]
    pressing = who.model_copy(update={"tools": (*who.tools, "press_keys")})
    monkeypatch.setattr(office, "PERSONAS", {**office.PERSONAS, who.id: pressing})


async def presses(session: ToneSession) -> object:
    """The model calls the tool, once its greeting was heard; what it is answered."""
    await asyncio.sleep(2.2)
    item = {"id": "fc_1", "type": "function_call", "name": "press_keys", "call_id": "call_1"}
    item |= {"status": "completed", "arguments": json.dumps({"keys": KEYS})}
    session.emit("response.created", response={"id": "resp_k", "status": "in_progress"})
    session.emit("response.output_item.done", response_id="resp_k", output_index=0, item=item)
    session.emit("response.done", response={"id": "resp_k", "status": "completed", "output": [item]})
    async with asyncio.timeout(10):
        while True:
            for _, event in session.received:
                if event["type"] == "conversation.item.create" and "output" in event["item"]:
                    return json.loads(event["item"]["output"])
            await asyncio.sleep(0.05)


def heard(brought: Brought) -> str:
    """The keys that a receiver at the telephone makes out of the sound."""
    sound = brought.call.heard
    pcm = sound.between(0, brought.call.now_ms)
    if sound.rate != 8000:
        pcm = Converter(sound.rate, 8000).process(pcm)
    line = np.frombuffer(pcm, "<i2")
    out, now, run = "", "", 0
    for at in range(0, len(line) - BLOCK, BLOCK // 2):
        one = key(line[at : at + BLOCK])
        run = run + 1 if one == now else 1
        now = one
        if now and run == 3:
            out += now
    return out


@pytest.mark.parametrize("name", ALL)
async def test_keys_arrive(tmp_path: Path, name: str) -> None:
    way = ALL[name]
    async with opened(tmp_path, way) as made, way.bring(made, Wrong(), GOOD) as brought:
        assert await presses(await made.session()) == {"status": "pressed"}
        await asyncio.sleep(0.5)
        assert brought.call.faults == []
        if name == "telnyx, by command":
            [request] = made.beside.of("POST", "/actions/send_dtmf")
            assert request.json == {"digits": KEYS}
            assert heard(brought) == ""
        elif way.leg in STREAM:
            assert brought.call.carrier.digits == STREAM[way.leg]
            assert heard(brought) == ""
        else:
            assert heard(brought) == KEYS


async def test_keys_arrive_at_vonage_by_its_api(tmp_path: Path) -> None:
    async with CARRIERS["vonage"]() as (peer, environ), office.office(tmp_path, environ) as made:
        peer.via = made.url
        async with peer.ring(f"{PUBLIC}/telephony/vonage/voice") as phone:
            await phone.stream()
            assert await presses(await made.session()) == {"status": "pressed"}
            assert phone.pressed == [KEYS]
    # This one tells no status, so the call is ended once more when the caller has left.
    assert {fault.code for fault in peer.faults} <= {"404"}
