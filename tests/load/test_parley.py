"""All three kinds at a real Parley with its embedded engine, the phone by its webhook."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.config import from_env
from gateway.load.plan import KINDS, Plan
from gateway.load.run import Run, perform
from tests.e2e.server import running

pytestmark = pytest.mark.e2e


async def test_every_kind_is_answered(tmp_path: Path) -> None:
    stop = asyncio.Event()

    def watch(run: Run) -> None:
        if sum(any(turn.reply_at for turn in call.talk.turns) for call in run.calls) == len(KINDS):
            stop.set()

    settings = {"PARLEY_TELEPHONY_OPEN": "1", "PARLEY_PHONE_PERSONA": "dental_reception"}
    with running(tmp_path, **settings) as server:
        plan = Plan(
            server.url, KINDS, calls=3, duration_s=60, ramp_s=0.5, lead_s=1.0, pid=server.process.pid
        )
        report = await perform(plan, from_env({}), stop, watch)
    whole = report["figures"]["all"]
    assert (whole["connected"], whole["failed"], whole["rules_broken"]) == (3, 0, {}), whole["reasons"]
    for kind in KINDS:
        assert (
            report["figures"][kind]["first_audio_ms"]["n"] + report["figures"][kind]["early_replies"] >= 1
        )
    assert report["server"]["cores"] > 0
