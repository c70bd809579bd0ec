"""Every agent passes its own scripted callers: over the real wire, with the embedded engine and demo records."""

from __future__ import annotations

import pytest

from gateway.agents import load_agents
from gateway.config import from_env
from gateway.rehearsal.report import as_table
from gateway.rehearsal.running import cases_of, perform
from personas.script_files import load

pytestmark = pytest.mark.integration

CATALOG, TOOLS = load_agents(from_env({}))
PERSONAS = CATALOG.personas
SCRIPTS = load(PERSONAS, TOOLS)


def test_every_agent_has_a_script() -> None:
    assert set(SCRIPTS) == set(PERSONAS)


async def test_every_agent_passes_its_script_in_text() -> None:
    results = await perform(cases_of(PERSONAS, SCRIPTS, "text"), from_env({}))
    assert {result.case.persona.id for result in results} == set(SCRIPTS)
    assert all(result.passed for result in results), as_table(results)
