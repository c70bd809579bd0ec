"""The first three agents pass their callers in audio: over WebRTC, with a synthesised caller, real ears and voice."""

from __future__ import annotations

import pytest

from gateway.agents import load_agents
from gateway.config import from_env
from gateway.rehearsal.report import as_table
from gateway.rehearsal.running import cases_of, perform
from gateway.speech.active import probe
from personas.script_files import load

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FIRST = ("bank_dispute", "dental_reception", "insurance_claim")
CATALOG, TOOLS = load_agents(from_env({}))
SCRIPTS = {name: script for name, script in load(CATALOG.personas, TOOLS).items() if name in FIRST}


@pytest.fixture
def speech() -> None:
    if missing := [one.name for one in probe() if not one.ok and "espeak" not in one.name]:
        pytest.skip(f"no {', no '.join(missing)}: see parley doctor")


@pytest.mark.usefixtures("speech")
@pytest.mark.parametrize("name", FIRST)
async def test_the_first_three_pass_in_audio(name: str) -> None:
    results = await perform(cases_of(CATALOG.personas, {name: SCRIPTS[name]}, "audio"), from_env({}))
    assert {result.case.persona.id for result in results} == {name}
    assert all(result.passed for result in results), as_table(results)
    assert all(len(result.course.waits_ms) == len(result.case.caller.turns) for result in results)
