"""The policies that whoever offers tools goes by are looked at now and then, whatever becomes of one look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from tests.tools.doors import Counted, Door, trial
from tools.runtime.door import LOOK_S
from tools.runtime.memory import MemoryPolicies
from tools.runtime.policy import Override, Rule

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


class Shaky(MemoryPolicies):
    """Breaks as nobody foresaw when it is looked at for the second time."""

    looks = 0

    async def whole(self) -> tuple[Mapping[str, Rule], Mapping[str, Mapping[str, Override]]]:
        self.looks += 1
        if self.looks == 2:
            raise RuntimeError("unforeseen")
        return await super().whole()


async def test_a_look_that_breaks_ends_neither_the_looking_nor_the_approvals() -> None:
    policies = Shaky()
    tool = trial(Counted())
    door = Door(tool, policies=policies)
    async with door.runtime:
        assert door.runtime.known("t").offers([tool]) == (tool,)
        policies.rules["trial"] = Rule(access="blocked")
        await asyncio.sleep(1.5 * LOOK_S)
        assert policies.looks == 2
        assert door.runtime.known("t").offers([tool]) == (tool,), "what could not be read stays as it was"
        await asyncio.sleep(LOOK_S)
        assert door.runtime.known("t").offers([tool]) == ()
