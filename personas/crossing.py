"""What one file of the catalog says of another, and whether it is so. Pure.

A file that has faults of its own is absent here, and nothing is said of what names it (`Known.faulty`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from personas.experiment import Experiment
from personas.files import FileOf, M, meant
from personas.packs import Pack
from personas.persona import Persona
from personas.scenario import Scenario

__all__ = ["Known", "faults_between"]


@dataclass(frozen=True)
class Known:
    """Names of what stands in no file of the catalog; None: not known here, so not checked."""

    tools: Collection[str] | None = None
    voices: Collection[str] | None = None
    faulty: Collection[str] = ()
    """Names of files that are there, of any kind, and could not be read."""
    replaced: bool = False
    """Whether a user's files took the place of some of Parley's: what Parley's other files say of those is then no
    fault."""


def faults_between(
    personas: Mapping[str, FileOf[Persona]],
    scenarios: Mapping[str, FileOf[Scenario]],
    packs: Mapping[str, FileOf[Pack]],
    experiments: Mapping[str, FileOf[Experiment]],
    known: Known,
) -> list[str]:
    """Every fault, as `file:line: what is wrong; what to do`."""
    workflows = {workflow.id for pack in packs.values() for workflow in pack.model.workflows}
    faults: list[str] = []

    def judged(files: Mapping[str, FileOf[M]]) -> Iterator[FileOf[M]]:
        return (file for file in files.values() if not (known.replaced and file.built_in))

    for persona in judged(personas):
        faults += _of_persona(persona, personas, workflows, known)
    for scenario in judged(scenarios):
        faults += _of_scenario(scenario, personas, packs, known)
    seen: dict[str, str] = {}
    for pack in packs.values():
        faults += _of_pack(pack, seen, known)
    running: dict[str, str] = {}
    # Parley's own first, so that of two that share a persona the user's is told.
    for experiment in sorted(experiments.values(), key=lambda file: not file.built_in):
        told = list(_of_experiment(experiment, personas, running, known))
        if not (known.replaced and experiment.built_in):
            faults += told
    return faults


def _unknown(
    what: str, name: str, there: Collection[str] | None, faulty: Collection[str] = ()
) -> str | None:
    if there is None or name in there or name in faulty:
        return None
    return f"{name!r} is no {what}; {meant(name, there)}"


def _of_persona(
    file: FileOf[Persona], personas: Mapping[str, object], workflows: Collection[str], known: Known
) -> Iterator[str]:
    persona = file.model
    for at, tool in enumerate(persona.tools):
        if told := _unknown("tool", tool, known.tools):
            yield file.fault(("tools", at), told)
    for task_at, task in enumerate(persona.dialogue.tasks if persona.dialogue else ()):
        for step_at, step in enumerate(task.steps):
            if step.call is not None and step.call not in persona.tools:
                yield file.fault(
                    ("dialogue", "tasks", task_at, "steps", step_at, "call"),
                    f"{step.call!r} is none of the persona's `tools`; add it there, or call one of them",
                )
    if persona.default_voice not in persona.allowed_voices:
        yield file.fault(
            ("default_voice",), f"{persona.default_voice!r} is not among `allowed_voices`; add it"
        )
    for at, voice in enumerate(persona.allowed_voices):
        if told := _unknown("voice", voice, known.voices):
            yield file.fault(("allowed_voices", at), told)
    for at, other in enumerate(persona.hand_over_to):
        if told := _unknown("persona", other, personas, known.faulty):
            yield file.fault(("hand_over_to", at), told)
        elif other == persona.id:
            yield file.fault(("hand_over_to", at), "is the persona itself; remove it")
    if (
        persona.workflow_profile is not None
        and not known.faulty
        and (told := _unknown("workflow of a pack", persona.workflow_profile, workflows))
    ):
        yield file.fault(("workflow_profile",), told)


def _of_scenario(
    file: FileOf[Scenario],
    personas: Mapping[str, FileOf[Persona]],
    packs: Mapping[str, object],
    known: Known,
) -> Iterator[str]:
    scenario = file.model
    for at, name in enumerate(scenario.allowed_personas or ()):
        if told := _unknown("persona", name, personas, known.faulty):
            yield file.fault(("allowed_personas", at), told)
    if (
        not scenario.allowed_personas
        and not known.faulty
        and all(each.model.scenario != scenario.slug for each in personas.values())
    ):
        yield file.fault(
            ("slug",), "no persona plays it: add `allowed_personas`, or a persona whose `scenario` it is"
        )
    for at, pack in enumerate(scenario.vertical_packs or ()):
        if told := _unknown("vertical pack", pack, packs, known.faulty):
            yield file.fault(("vertical_packs", at), told)
    for at, tool in enumerate(scenario.tools):
        if told := _unknown("tool", tool.name, known.tools):
            yield file.fault(("tools", at), told)
    if scenario.agent_voice is not None and (told := _unknown("voice", scenario.agent_voice, known.voices)):
        yield file.fault(("agent_voice",), told)


def _of_pack(file: FileOf[Pack], seen: dict[str, str], known: Known) -> Iterator[str]:
    for at, workflow in enumerate(file.model.workflows):
        taken = seen.setdefault(workflow.id, file.name)
        if taken != file.name:
            yield file.fault(("workflows", at, "id"), f"{workflow.id!r} is taken by {taken}; rename one")
        for field in ("allowed_tools", "blocked_tools"):
            for tool_at, tool in enumerate(getattr(workflow, field)):
                if told := _unknown("tool", tool, known.tools):
                    yield file.fault(("workflows", at, field, tool_at), told)


def _of_experiment(
    file: FileOf[Experiment],
    personas: Mapping[str, FileOf[Persona]],
    running: dict[str, str],
    known: Known,
) -> Iterator[str]:
    experiment = file.model
    for at, name in enumerate(experiment.personas):
        if told := _unknown("persona", name, personas, known.faulty):
            yield file.fault(("personas", at), told)
        if name not in personas:
            continue
        if experiment.active:
            other = running.setdefault(name, file.name)
            if other != file.name:
                yield file.fault(
                    ("personas", at),
                    f"{name!r} is in the experiment of {other} too; end one, or leave it out here",
                )
        tones = personas[name].model.tones
        for variant_at, variant in enumerate(experiment.variants):
            if variant.tone is not None and variant.tone not in tones:
                yield file.fault(
                    ("variants", variant_at, "tone"),
                    f"{name} has no tone {variant.tone!r}; {meant(variant.tone, tones)}",
                )
