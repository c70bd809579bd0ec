"""A call over Twilio that a machine answers, in real time: from the order to the message, by the embedded engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from personas.library import load
from tests.answering.calls import MACHINES
from tests.e2e.server import settles
from tests.telephony.carriers import carrier_call
from tests.telephony.record import idle, only_call
from tests.telephony.test_outbound import calling_out, placed

pytestmark = pytest.mark.integration

MESSAGE = load()["dental_reception"].voicemail_message


async def test_the_message_is_left_after_the_beep(tmp_path: Path) -> None:
    side = MACHINES[0]
    greeting = [side.audio[at : at + 160] for at in range(0, 8 * side.beep_end_ms, 160)]
    async with calling_out(tmp_path, "twilio") as (server, twilio):
        await placed(server)
        order = await twilio.placed()
        async with order.answer() as phone:
            call = await phone.stream()
            said = await call.speak(*greeting)
            await call.over(within_s=30)
            assert call.faults == []
            on_tape = [ms for ms in call.heard.loud_ms() if ms > said.to_ms]
        await idle(server)
        name = carrier_call("twilio", phone)
        assert settles(lambda: only_call(server, name).ending == "agent/left-message", 20)
        # 100 ms on a quiet machine; ears and voice share this one with other tests. `tests/answering` is strict.
        assert on_tape[0] - said.to_ms <= 3000
        assert ("assistant", MESSAGE) in only_call(server, name).said


async def test_the_carrier_s_verdict_will_do(tmp_path: Path) -> None:
    async with calling_out(tmp_path, "twilio") as (server, twilio):
        await placed(server)
        order = await twilio.placed()
        async with order.answer(answered_by="machine_end_silence") as phone:
            await (await phone.stream()).over(within_s=30)
        await idle(server)
        name = carrier_call("twilio", phone)
        assert settles(lambda: only_call(server, name).ending == "agent/left-message", 20)
        assert ("assistant", MESSAGE) in only_call(server, name).said
