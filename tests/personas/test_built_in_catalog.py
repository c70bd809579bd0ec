"""What comes with Parley: every scenario, pack and experiment is playable, fictitious, and true to the contract."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft202012Validator

from api.surfaces.core.scenarios import scenario_view
from gateway.agents import load_agents
from gateway.config import from_env
from personas.catalog_files import BUILT_IN
from personas.files import files_in
from personas.persona import Persona
from personas.scenario import INDUSTRIES, VISIBILITIES, Scenario
from tests.personas.test_catalog import schema
from tools.contract import CALL

pytestmark = pytest.mark.unit

CATALOG, TOOLS = load_agents(from_env({}))
SCENARIOS = list(CATALOG.scenarios.values())
CALL_TOOLS = {name for name, tool in TOOLS.items() if tool.category == CALL}
FOLDERS = ("scenarios", "verticals", "experiments")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.slug)
def test_a_scenario_is_the_contracts_and_can_be_played(scenario: Scenario) -> None:
    told = scenario_view(scenario, TOOLS)
    assert not list(Draft202012Validator(schema("/api/cp/scenarios/{slug}")).iter_errors(told))
    assert all(tool["description"] for tool in told["tools"])
    players = CATALOG.players(scenario.slug)
    assert players
    for persona in players:
        assert {tool.name for tool in scenario.tools} <= set(persona.tools), persona.id
        brand = scenario.parameters.practice_brand
        assert brand is None or persona.brand, f"{persona.id} has no brand that {brand} could replace"
        assert scenario.company_name in {brand, *persona.brand}, persona.id
    if scenario.initial_agent_names:
        names = {persona.display_name for persona in CATALOG.personas.values()}
        assert set(scenario.initial_agent_names) <= names


def test_packs_are_the_contracts_and_every_one_of_them_is_there() -> None:
    told = {"success": True, "packs": [pack.wire() for pack in CATALOG.packs.values()]}
    assert not list(Draft202012Validator(schema("/api/cp/verticals/packs")).iter_errors(told))
    assert set(CATALOG.packs) == {"accounting", "healthcare", "legal", "insurance", "service", "platform"}


def test_what_is_in_force_leaves_no_word_of_an_agent_to_chance() -> None:
    """An experiment that runs out of the box would change what scripted callers hear."""
    for experiment in CATALOG.experiments.values():
        if experiment.active:
            assert all(variant.greeting is None for variant in experiment.variants), experiment.id


@pytest.mark.parametrize("folder", FOLDERS)
def test_people_and_numbers_are_made_up(folder: str) -> None:
    for file in files_in(BUILT_IN / folder):
        text = file.read_text(encoding="utf-8")
        for number in re.findall(r"\+\d{7,15}", text):
            assert re.fullmatch(r"\+15550100\d{3}", number), f"{file.name}: {number}"
        for domain in re.findall(r"@([a-z0-9.-]+)", text):
            assert domain.endswith(("example.com", ".test")), f"{file.name}: {domain}"
        assert text.startswith("# yaml-language-server: $schema=../schemas/"), file.name


def test_every_persona_with_a_task_has_its_scenario() -> None:
    without = {
        persona.id: persona.scenario
        for persona in CATALOG.personas.values()
        if persona.id != "assistant" and persona.scenario not in CATALOG.scenarios
    }
    assert not without, "write personas/scenarios/<scenario>.yaml for them"


def test_the_catalog_covers_every_industry_and_every_visibility() -> None:
    assert len(SCENARIOS) >= 20
    assert {scenario.industry for scenario in SCENARIOS} == set(INDUSTRIES)
    assert {scenario.visibility for scenario in SCENARIOS} == set(VISIBILITIES)
    public = {scenario.industry for scenario in SCENARIOS if scenario.public}
    assert public == set(INDUSTRIES), "an industry has nothing to show"
    assert len(CATALOG.personas) >= 17, "sixteen and the assistant"
    assert {persona.locale for persona in CATALOG.personas.values()} >= {"en-US", "es-MX", "ur-PK"}
    assert {persona.domain for persona in CATALOG.personas.values()} >= set(INDUSTRIES)


@pytest.mark.parametrize("persona", CATALOG.personas.values(), ids=lambda one: one.id)
def test_a_persona_that_carries_out_a_workflow_has_its_tools(persona: Persona) -> None:
    if persona.workflow_profile is None:
        assert persona.id == "assistant", "name the workflow of a pack in `workflow_profile`"
        return
    workflow = CATALOG.workflow(persona.workflow_profile)
    assert workflow is not None
    assert set(persona.tools) <= {*workflow.allowed_tools, *CALL_TOOLS}
    assert not set(persona.tools) & set(workflow.blocked_tools)
