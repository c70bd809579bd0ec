"""The catalog's files: a user's beside Parley's, and every fault of every file with line and mend."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.agents import load_agents
from gateway.config import from_env
from gateway.errors import ConfigError
from personas.catalog_files import CatalogFiles
from personas.files import CatalogError
from personas.library import load as load_personas
from tools.library import load as load_tools

pytestmark = pytest.mark.unit

PERSONA = """\
id: night_desk
display_name: Ira
domain: test
description: Answers at night.
avatar_key: ira
professional_role: Night clerk
default_tone: brief
default_voice: marin
allowed_voices: [marin, sage]
scenario: late-call
scenario_title: A late call
instructions: You are Ira of Elm & Co.
tools: [hang_up]
"""
SCENARIO = """\
slug: late-call
title: A late call
industry: sales
short_description: Somebody calls at night.
long_description: Somebody calls at night and wants an answer.
agent_set_key: night
company_name: Elm & Co
visibility: hidden-lab
seed_data:
  room: {number: 12, floor: "3", since: 2026-03-01, quiet: yes, lit: true}
"""
PACK = """\
id: service
display_name: Services
positioning: Somebody answers.
buyer_persona: Owner
workflows:
  - id: night_message
    title: Message at night
    description: Takes a message.
    primary_outcome: intake_completed
    required_fields: [name]
    allowed_tools: [hang_up]
"""
EXPERIMENT = """\
id: brisk_nights
personas: [night_desk]
variants:
  - id: control
  - id: brisk
    temperature: 0.5
"""
FILES = {
    "night_desk.yaml": PERSONA,
    "scenarios/late-call.yaml": SCENARIO,
    "verticals/service.yaml": PACK,
    "experiments/brisk_nights.yaml": EXPERIMENT,
}


def folder(where: Path, **changed: str | None) -> Path:
    """Of `FILES`, by the stem with `_` for every other sign; None leaves one out."""
    for name, text in FILES.items():
        told = changed.pop(Path(name).stem.replace("-", "_"), text)
        if told is not None:
            (where / name).parent.mkdir(exist_ok=True)
            (where / name).write_text(told, encoding="utf-8")
    assert not changed
    return where


VOICES = {voice for persona in load_personas().values() for voice in persona.allowed_voices}
TOOLS = set(load_tools())


def faults(where: Path) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        CatalogFiles(where, tools=TOOLS, voices=VOICES).load()
    return [one.removeprefix(f"{where}/") for one in caught.value.faults]


def test_the_built_in_catalog_is_whole() -> None:
    catalog, tools = load_agents(from_env({}))
    assert dict(catalog.personas) == load_personas()
    assert list(catalog.personas) == list(load_personas())
    assert set(tools) >= TOOLS


def test_a_users_files_stand_beside_parleys(tmp_path: Path) -> None:
    catalog = CatalogFiles(folder(tmp_path), tools=TOOLS, voices=VOICES).load()
    assert set(catalog.personas) == {*load_personas(), "night_desk"}
    scenario = catalog.scenarios["late-call"]
    assert catalog.players("late-call") == (catalog.personas["night_desk"],)
    assert scenario.wire()["seedData"] == {
        "room": {"number": 12, "floor": "3", "since": "2026-03-01", "quiet": "yes", "lit": True}
    }
    assert catalog.workflow("night_message") is not None
    running = catalog.experiment_of("night_desk")
    assert running is not None
    assert [variant.temperature for variant in running.variants] == [None, 0.5]


def test_a_users_file_takes_the_place_of_parleys(tmp_path: Path) -> None:
    text = PERSONA.replace("night_desk", "bank_dispute")
    folder(tmp_path, night_desk=None, late_call=None, brisk_nights=None)
    (tmp_path / "bank_dispute.yaml").write_text(text, encoding="utf-8")
    # Parley's own scenario and personas that name the old one are not told: they are not the user's to mend.
    catalog = CatalogFiles(tmp_path, tools=TOOLS, voices=VOICES).load()
    assert catalog.personas["bank_dispute"].display_name == "Ira"
    assert catalog.personas["order_desk"].workflow_profile not in {
        one.id for one in catalog.packs["service"].workflows
    }
    assert set(catalog.personas) == set(load_personas())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"night_desk": PERSONA.replace("[hang_up]", "[hang_up, transfer_cal]")},
            "night_desk.yaml:13: tools.1: 'transfer_cal' is no tool; did you mean transfer_call?",
        ),
        (
            {"night_desk": PERSONA + "hand_over_to: [assistnt]\n"},
            "night_desk.yaml:14: hand_over_to.0: 'assistnt' is no persona; did you mean assistant?",
        ),
        (
            {"night_desk": PERSONA + "hand_over_to:\n  - night_desk\n"},
            "night_desk.yaml:15: hand_over_to.0: is the persona itself; remove it",
        ),
        (
            {"night_desk": PERSONA.replace("[marin, sage]", "[marin, sahge]")},
            "night_desk.yaml:9: allowed_voices.1: 'sahge' is no voice; did you mean sage?",
        ),
        (
            {"night_desk": PERSONA.replace("default_voice: marin", "default_voice: cedar")},
            "night_desk.yaml:8: default_voice: 'cedar' is not among `allowed_voices`; add it",
        ),
        (
            {"night_desk": PERSONA + "workflow_profile: night_mesage\n"},
            "night_desk.yaml:14: workflow_profile: 'night_mesage' is no workflow of a pack; did you mean night_",
        ),
        (
            {"late_call": SCENARIO + "allowed_personas: [nobody_at_all]\n"},
            "scenarios/late-call.yaml:11: allowed_personas.0: 'nobody_at_all' is no persona; there is: ",
        ),
        (
            {"night_desk": None, "brisk_nights": None},
            "scenarios/late-call.yaml:1: slug: no persona plays it: add `allowed_personas`, or a persona whose",
        ),
        (
            {"late_call": SCENARIO + "tools:\n  - hang_up\n  - hang_upp\n"},
            "scenarios/late-call.yaml:13: tools.1: 'hang_upp' is no tool; did you mean hang_up?",
        ),
        (
            {"late_call": SCENARIO + "vertical_packs: [services]\n"},
            "scenarios/late-call.yaml:11: vertical_packs.0: 'services' is no vertical pack; did you mean service?",
        ),
        (
            {"late_call": SCENARIO + "agent_voice: zed\n"},
            "scenarios/late-call.yaml:11: agent_voice: 'zed' is no voice; there is: ",
        ),
        (
            {"service": PACK.replace("[hang_up]", "[hang_up, fax]")},
            "verticals/service.yaml:11: workflows.0.allowed_tools.1: 'fax' is no tool; there is: ",
        ),
        (
            {"brisk_nights": EXPERIMENT.replace("temperature: 0.5", "tone: warm")},
            "experiments/brisk_nights.yaml:6: variants.1.tone: night_desk has no tone 'warm'; there is none",
        ),
        (
            {"brisk_nights": EXPERIMENT.replace("[night_desk]", "[night_dask]")},
            "experiments/brisk_nights.yaml:2: personas.0: 'night_dask' is no persona; did you mean night_desk?",
        ),
        (
            {"brisk_nights": EXPERIMENT.replace("temperature: 0.5", "tempo: 2")},
            "experiments/brisk_nights.yaml:6: variants.1.tempo: is no field here; correct its name or remove it",
        ),
        (
            {"late_call": SCENARIO.replace("hidden-lab", "exception")},
            "scenarios/late-call.yaml:1: the scenario: an exception needs `exception_rationale`",
        ),
        (
            {"late_call": SCENARIO.replace("late-call", "later-call")},
            "scenarios/late-call.yaml:1: slug later-call in this file; name it later-call.yaml",
        ),
    ],
)
def test_a_fault_names_file_line_and_mend(
    tmp_path: Path, changed: dict[str, str | None], says: str
) -> None:
    told = faults(folder(tmp_path, **changed))
    assert any(one.startswith(says) for one in told), told


def test_two_running_experiments_share_no_persona(tmp_path: Path) -> None:
    folder(tmp_path)
    more = EXPERIMENT.replace("brisk_nights", "slow_nights")
    (tmp_path / "experiments" / "slow_nights.yaml").write_text(more, encoding="utf-8")
    (told,) = faults(tmp_path)
    assert told.startswith(
        "experiments/slow_nights.yaml:2: personas.0: 'night_desk' is in the experiment of"
    )
    (tmp_path / "experiments" / "slow_nights.yaml").write_text(more + "active: false\n", encoding="utf-8")
    assert CatalogFiles(tmp_path, tools=TOOLS, voices=VOICES).load().experiment_of("night_desk") is not None


def test_faults_of_many_files_come_at_once(tmp_path: Path) -> None:
    folder(
        tmp_path,
        late_call=SCENARIO.replace("industry: sales", "industry: fishing"),
        service=PACK.replace("id: service", "id: sevrice"),
        brisk_nights=EXPERIMENT + "\tx: y\n",
    )
    told = faults(tmp_path)
    assert {one.partition(":")[0] for one in told} >= {
        "scenarios/late-call.yaml",
        "verticals/service.yaml",
        "experiments/brisk_nights.yaml",
    }


def test_what_names_a_file_with_faults_is_not_told_as_well(tmp_path: Path) -> None:
    text = PERSONA.replace("default_tone: brief", "default_tune: brief")
    named = SCENARIO + "allowed_personas: [night_desk]\n"
    told = faults(folder(tmp_path, night_desk=text, late_call=named))
    assert {one.partition(":")[0] for one in told} == {"night_desk.yaml"}, told


def test_a_few_lines_of_aliases_cannot_fill_the_memory(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    told = faults(folder(tmp_path, service=bomb))
    assert any("stands for more than" in one and "aliases" in one for one in told), told


def test_a_deep_file_is_refused(tmp_path: Path) -> None:
    told = faults(folder(tmp_path, service="id: " + "[" * 60 + "]" * 60))
    assert any("deep; flatten it" in one for one in told), told


@pytest.mark.parametrize("text", ["id: " + "[" * 150_000, "- " * 100_000, "id: " + "{a: " * 60_000])
def test_a_file_of_any_depth_leaves_the_process_alone(tmp_path: Path, text: str) -> None:
    # libyaml's parser would go down until its stack ends, and the process with it.
    told = faults(folder(tmp_path, service=text))
    assert any("service.yaml:1: is nested more than" in one for one in told), told


def test_a_text_with_many_brackets_is_not_deep(tmp_path: Path) -> None:
    remarked = f"{PERSONA}# {'[x] ' * 2500}\n"
    assert "night_desk" in CatalogFiles(folder(tmp_path, night_desk=remarked)).load().personas


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(folder(tmp_path) / "pipe.yaml")
    (tmp_path / "endless.yaml").symlink_to("/dev/zero")
    told = faults(tmp_path)
    assert [one.partition(".yaml:")[2] for one in told] == [
        "1: is no file; put a file of text there, or take it away"
    ] * 2


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no folder; make it, or correct PARLEY_PERSONAS_DIR"):
        load_agents(from_env({}, personas_dir=tmp_path / "nowhere"))
