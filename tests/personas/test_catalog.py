"""Personas, scenarios, packs and experiments as models: defaults, what contradicts itself, names on the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from personas.catalog import Catalog
from personas.experiment import Experiment
from personas.free import Bare
from personas.languages import Languages
from personas.library import load
from personas.manner import SemanticVad, ServerVad
from personas.packs import Pack
from personas.persona import Persona
from personas.scenario import Scenario

pytestmark = pytest.mark.unit

CONTRACT = json.loads(
    (Path(__file__).parents[2] / "api" / "contracts" / "tellgence.openapi.json").read_text()
)


def schema(path: str) -> Any:
    answer = CONTRACT["paths"][path]["get"]["responses"]["200"]
    return answer["content"]["application/json"]["schema"]


PERSONA: dict[str, Any] = {
    "id": "tiny",
    "display_name": "Tiny",
    "domain": "test",
    "description": "A small persona.",
    "avatar_key": "tiny",
    "professional_role": "Helper",
    "default_tone": "brief",
    "default_voice": "marin",
    "allowed_voices": ["marin", "sage"],
    "scenario": "tiny",
    "scenario_title": "Tiny",
    "instructions": "You work for Elm & Co. Be brief.",
}
SCENARIO: dict[str, Any] = {
    "slug": "lost-luggage",
    "title": "Lost luggage",
    "industry": "sales",
    "short_description": "A suitcase is gone.",
    "long_description": "A caller's suitcase did not arrive.",
    "agent_set_key": "desk",
    "company_name": "Elm & Co",
}
WORKFLOW: dict[str, Any] = {
    "id": "intake/new_client",
    "title": "New client",
    "description": "Takes down a new client.",
    "primary_outcome": "intake_completed",
    "required_fields": ["name"],
    "allowed_tools": ["crm_create"],
}
PACK: dict[str, Any] = {
    "id": "legal",
    "display_name": "Law offices",
    "positioning": "Calls are answered.",
    "buyer_persona": "Office manager",
    "workflows": [WORKFLOW],
}


def persona(**more: Any) -> Persona:
    return Persona.model_validate(PERSONA | more)


def scenario(**more: Any) -> Scenario:
    return Scenario.model_validate(SCENARIO | more)


def test_a_persona_that_says_nothing_speaks_its_locale_alone() -> None:
    spanish = persona(locale="es-MX", language="Spanish")
    assert spanish.languages == Languages(primary="es", supported=("es",), labels={"es": "Spanish"})
    assert spanish.languages.locked
    assert persona().languages.supported == ("en",)
    assert persona().turn_detection == ServerVad(
        threshold=0.5, prefix_padding_ms=300, silence_duration_ms=480
    )
    assert persona(brand="Elm & Co").brand == ("Elm & Co",)


def test_what_files_hold_as_text_becomes_what_it_is() -> None:
    told = persona(
        temperature="0.6",
        turn_detection={"type": "semantic_vad", "eagerness": "low"},
        languages={"primary": "en", "supported": ["en", "es"], "locked": "no", "recommended": ["es"]},
        tones={"warm": {"voice": "sage", "temperature": "0.9"}},
    )
    assert told.temperature == 0.6
    assert told.turn_detection == SemanticVad(eagerness="low")
    assert not told.languages.locked
    assert told.tones["warm"].temperature == 0.9


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"languages": {"primary": "es"}}, "not that of the locale"),
        ({"languages": {"primary": "en", "supported": ["es"]}}, "lacks the primary"),
        ({"languages": {"primary": "en", "supported": ["en", "en"]}}, "twice"),
        ({"languages": {"primary": "en", "labels": {"fr": "French"}}}, "`labels` names fr"),
        ({"brand": ["Oak & Co"]}, "in none of its texts"),
        ({"tones": {"warm": {"voice": "cedar"}}}, "cedar"),
        ({"tones": {"stern": {}}}, "warm"),
        ({"turn_detection": {"type": "telepathy"}}, "server_vad"),
        ({"locale": "English"}, "pattern"),
        ({"temperature": 3}, "less than or equal to 2"),
    ],
)
def test_a_persona_that_contradicts_itself_is_told(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        persona(**more)


def test_a_scenario_on_the_wire_is_the_contracts() -> None:
    told = scenario(
        tools=[
            "find_bag",
            {"name": "book_courier", "description": "Brings it.", "parameters": {"type": "object"}},
        ],
        ui_panels=[{"id": "crm", "title": "Caller", "icon": "user", "type": "crm"}],
        scripted_beats=[{"id": "found", "title": "Found", "description": "The bag turns up."}],
        tool_beat_map={"find_bag": "found"},
        seed_data={"matter": {"children_count": Bare("2")}, "bag": {"tag": "0042", "kilos": Bare("7.5")}},
        allowed_personas=["tiny"],
        parameterization={"practiceBrand": "Ash & Co", "own": Bare("3"), "nothing": None},
        demo_language_defaults={"primary": "es", "preset": "unified"},
    ).wire()
    assert told["id"] == told["slug"] == "lost-luggage"
    assert told["allowedPersonaIds"] == ["tiny"]
    assert told["seedData"] == {"matter": {"childrenCount": 2}, "bag": {"tag": "0042", "kilos": 7.5}}
    assert told["parameterization"] == {"practiceBrand": "Ash & Co", "own": 3, "nothing": None}
    faults = list(Draft202012Validator(schema("/api/scenarios/{slug}")).iter_errors(told))
    assert not faults, faults


def test_a_scalar_without_quotes_is_what_it_looks_like() -> None:
    looks = ("12", "-3", "0", "1.5", "true", "false", "0042", "2026-03-01", "yes", "1e5", "+15550100020")
    meant = [Bare(text).meant for text in looks]
    assert meant == [12, -3, 0, 1.5, True, False, "0042", "2026-03-01", "yes", "1e5", "+15550100020"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"visibility": "exception"}, "exception_rationale"),
        ({"visibility": "secret"}, "hidden-lab"),
        ({"tool_beat_map": {"find_bag": "found"}}, "tool_beat_map"),
        ({"tools": ["find_bag", "find_bag"]}, "rename one"),
        ({"industry": "fishing"}, "veterinary"),
        ({"parameterization": {"practiceBrand": 3}}, "practiceBrand"),
        ({"slug": "Lost Luggage"}, "pattern"),
    ],
)
def test_a_scenario_that_contradicts_itself_is_told(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        scenario(**more)


def test_what_the_public_may_see() -> None:
    assert scenario().public
    assert scenario(visibility="proof").public
    assert not scenario(visibility="hidden-lab").public
    assert not scenario(visibility="exception", exception_rationale="Not for everybody.").public
    assert not scenario(hidden=True).public


def test_a_pack_on_the_wire_is_the_contracts() -> None:
    pack = Pack.model_validate(PACK)
    catalog = {"success": True, "packs": [pack.wire()]}
    assert not list(Draft202012Validator(schema("/api/cp/verticals/packs")).iter_errors(catalog))
    one = {"success": True, "verticalPack": "legal", "workflows": pack.workflows_wire()}
    assert not list(Draft202012Validator(schema("/api/verticals/legal/workflows")).iter_errors(one))
    assert one["workflows"] == catalog["packs"][0]["workflows"]  # type: ignore[index]  # it is a list


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"workflows": [WORKFLOW | {"blocked_tools": ["crm_create"]}]}, "at once"),
        ({"workflows": [WORKFLOW, WORKFLOW]}, "share an id"),
        ({"workflows": []}, "at least 1"),
        ({"default_locale": "es-MX"}, "lacks the default"),
        ({"id": "fishing"}, "platform"),
    ],
)
def test_a_pack_that_contradicts_itself_is_told(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Pack.model_validate(PACK | more)


EXPERIMENT: dict[str, Any] = {
    "id": "brisk",
    "personas": ["tiny"],
    "variants": [{"id": "control"}, {"id": "brisk", "weight": "3", "temperature": "0.5"}],
}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"variants": [{"id": "control"}]}, "at least 2"),
        ({"variants": [{"id": "one"}, {"id": "one"}]}, "share an id"),
        ({"variants": [{"id": "one", "weight": 0}, {"id": "two", "weight": 0}]}, "weight 0"),
        ({"variants": [{"id": "one", "weight": -1}, {"id": "two"}]}, "greater than or equal to 0"),
    ],
)
def test_an_experiment_that_cannot_be_is_told(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Experiment.model_validate(EXPERIMENT | more)


def test_the_catalog_finds_what_belongs_together() -> None:
    tiny, other = persona(), persona(id="other", scenario="else")
    whole = Catalog(
        personas={"tiny": tiny, "other": other},
        scenarios={"tiny": scenario(slug="tiny", allowed_personas=["other", "tiny"])},
        packs={"legal": Pack.model_validate(PACK)},
        experiments={
            "old": Experiment.model_validate(EXPERIMENT | {"id": "old", "active": False}),
            "brisk": Experiment.model_validate(EXPERIMENT),
        },
    )
    assert whole.players("tiny") == (tiny, other)
    assert whole.players("else") == (other,)
    assert whole.players("nowhere") == ()
    running = whole.experiment_of("tiny")
    assert running is not None
    assert running.id == "brisk"
    assert whole.experiment_of("other") is None
    assert whole.workflow("intake/new_client") is whole.packs["legal"].workflows[0]
    assert whole.workflow("intake") is None


def test_the_version_changes_with_any_word() -> None:
    one, same = Catalog({"tiny": persona()}), Catalog({"tiny": persona()})
    assert one.version == same.version
    assert Catalog({"tiny": persona(description="Another.")}).version != one.version
    assert Catalog({"tiny": persona()}, {"lost-luggage": scenario()}).version != one.version


def test_the_built_in_personas_know_their_business_by_name() -> None:
    for each in load().values():
        assert each.id == "assistant" or each.brand, each.id
