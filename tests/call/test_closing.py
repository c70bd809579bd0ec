"""The steps by which a call is closed: what is told of those that do not go well."""

from __future__ import annotations

import asyncio

import pytest

from gateway.call.closing import CLOSE_S, bounded

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


async def test_a_step_that_is_late_is_not_told_of_as_failed(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await bounded("writing the ending", asyncio.sleep(60), then="it is written later")
    assert loop.time() - began == CLOSE_S
    [told] = caplog.messages
    assert told == "writing the ending takes longer than 5 s; it is written later"


@pytest.mark.parametrize("fault", [ValueError(), TimeoutError()])
async def test_a_step_that_fails_is(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise fault

    await bounded("closing the leg", work())
    [told] = caplog.messages
    assert told.startswith(f"closing the leg failed: {type(fault).__name__}")
