"""The command `parley persona`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gateway.config import Settings
    from gateway.rehearsal.running import Case
    from personas.persona import Persona
    from personas.scripts import Script

__all__ = ["SUMMARY", "define", "run"]

SUMMARY = "check, show, talk with and test agents"
DESCRIPTION = """\
Work on agents: what is wrong with their files, what a model sees of one, a conversation in the terminal, and what
scripted callers make of them.

  parley persona check                             every file of the catalog, and every script
  parley persona show dental_reception             instructions, tools and settings as the model has them
  parley persona talk dental_reception             a conversation in the terminal
  parley persona test                              every scripted caller calls, in text
  parley persona test dental_reception --audio     those that can be heard, in audio

Your own personas are in PARLEY_PERSONAS_DIR, their scripts in its folder tests. docs/personas.md has a tutorial.
"""


def define(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    actions.add_parser("check", help="tell what is wrong with the files of agents and scripts")

    show = actions.add_parser("show", help="show an agent as its model has it")
    add = show.add_argument
    add("persona", metavar="PERSONA")
    add("--scenario", metavar="SLUG", help="in this scenario")
    add("--tone", choices=("warm", "professional", "friendly"), help="in this tone")
    add("--language", metavar="TAG", help="for a client that asks for this language (BCP 47)")
    add("--session", metavar="ID", help="in the session of this id: experiments go by it")
    add("--json", action="store_true", help="the session object, and what it was made of")

    talk = actions.add_parser("talk", help="talk with an agent in the terminal, in text")
    add = talk.add_argument
    add("persona", metavar="PERSONA")
    add("--provider", metavar="NAME", help="who answers (default: as PARLEY_PROVIDERS says)")

    test = actions.add_parser("test", help="have scripted callers call, and tell what came of it")
    add = test.add_argument
    add("personas", nargs="*", metavar="PERSONA", help="whom to call (default: everybody who has a script)")
    add("--caller", action="append", default=[], metavar="ID", help="only this caller; may be given again")
    add(
        "--scripts",
        type=Path,
        metavar="FOLDER",
        help="where the scripts are (default: Parley's own and yours)",
    )
    add("--provider", metavar="NAME", help="who answers (default: as PARLEY_PROVIDERS says)")
    add(
        "--audio",
        action="store_true",
        help="only those who can be heard, over WebRTC with speech both ways",
    )
    add("--transcripts", action="store_true", help="show what was said to callers that passed, too")
    add(
        "--json",
        metavar="FILE",
        help="write the report as JSON; - for standard output, in place of the table",
    )
    add("--junit", type=Path, metavar="FILE", help="write the report as JUnit XML")


def run(options: argparse.Namespace) -> int:
    """The exit code: 0, or 1 when a caller failed or something is doubtful. Raises ConfigError."""
    match options.action:
        case "check":
            return _check()
        case "show":
            return _show(options)
        case "talk":
            return _talk(options)
        case _:
            return _test(options)


def _check() -> int:
    from gateway.agents import open_agents
    from gateway.config import from_env
    from gateway.rehearsal.checking import remarks

    settings = from_env()
    catalog, tools, agents = open_agents(settings)
    scripts = _scripts(catalog.personas, tools, settings, None)
    found = remarks(catalog.personas, tools, scripts, agents.told)
    for one in found:
        print(one)
    callers = sum(len(script.callers) for script in scripts.values())
    print(
        f"{len(catalog.personas)} personas, {len(catalog.scenarios)} scenarios, {len(tools)} tools, "
        f"{callers} scripted callers: {'no fault' if not found else f'{len(found)} doubtful'}"
    )
    return 1 if found else 0


def _show(options: argparse.Namespace) -> int:
    import json

    from gateway.agents import load_agents
    from gateway.config import from_env
    from gateway.errors import ConfigError
    from gateway.rehearsal.showing import as_object, as_text
    from personas.composition.composing import Ingredients, compose
    from personas.files import meant

    catalog, tools = load_agents(from_env())
    persona = _persona(options.persona, catalog.personas)
    if options.scenario is not None and options.scenario not in catalog.scenarios:
        told = meant(options.scenario, catalog.scenarios)
        raise ConfigError([f"--scenario: there is no scenario {options.scenario}; {told}"])
    workflow = persona.workflow_profile
    runtime = compose(
        Ingredients(
            persona=persona,
            tools=tools,
            session_id=options.session,
            scenario=catalog.scenarios.get(options.scenario or ""),
            tone=options.tone,
            experiment=catalog.experiment_of(persona.id),
            hint=options.language,
            workflow=catalog.workflow(workflow) if workflow else None,
            colleagues=catalog.personas,
        )
    )
    print(
        json.dumps(as_object(runtime), indent=1, ensure_ascii=False) if options.json else as_text(runtime)
    )
    return 0


def _talk(options: argparse.Namespace) -> int:
    from gateway import log
    from gateway.agents import load_agents
    from gateway.config import from_env
    from gateway.rehearsal.talking import HELP, Conversation
    from gateway.rehearsal.terminal import converse

    settings = from_env(providers=_chosen(options))
    catalog, _tools = load_agents(settings)
    persona = _persona(options.persona, catalog.personas)
    log.set_up("error", settings.log_format)
    print(
        f"{persona.display_name}, {persona.professional_role}; by {settings.provider_order[0]}. /help tells more."
    )
    converse(Conversation(persona, settings, lambda line: print(line, flush=True)), HELP)
    return 0


def _persona(name: str, personas: Mapping[str, Persona]) -> Persona:
    """Raises ConfigError."""
    from gateway.errors import ConfigError
    from personas.files import meant

    if name not in personas:
        raise ConfigError([f"there is no persona {name}; {meant(name, personas)}"])
    return personas[name]


def _chosen(options: argparse.Namespace) -> tuple[str, ...] | None:
    """The providers, where the command line names one."""
    return None if options.provider is None else (options.provider,)


def _test(options: argparse.Namespace) -> int:
    import uvloop

    from gateway import log
    from gateway.config import from_env
    from gateway.rehearsal.report import as_json, as_junit, as_table, one_line
    from gateway.rehearsal.running import perform

    settings = from_env(providers=_chosen(options))
    cases = _cases(options, settings)
    _writable(options)
    log.set_up("warning", settings.log_format)
    quiet = options.json == "-"
    results = uvloop.run(
        perform(cases, settings, lambda one: None if quiet else print(one_line(one), flush=True))
    )
    if options.junit:
        options.junit.write_text(as_junit(results), encoding="utf-8")
    if quiet:
        print(as_json(results))
    else:
        print(f"\n{as_table(results, transcripts=options.transcripts)}")
        if options.json:
            Path(options.json).write_text(as_json(results) + "\n", encoding="utf-8")
    return 0 if all(result.passed for result in results) else 1


def _writable(options: argparse.Namespace) -> None:
    """Whether the reports can be written, asked before anybody calls. Raises ConfigError."""
    from gateway.errors import ConfigError

    faults = []
    for option, name in (("--json", options.json), ("--junit", options.junit)):
        if name is None or name == "-":
            continue
        try:
            with Path(name).open("a", encoding="utf-8"):
                pass
        except OSError as fault:
            faults.append(f"{option}: {name} cannot be written ({fault.strerror}); name another file")
    if faults:
        raise ConfigError(faults)


def _scripts(
    personas: Mapping[str, Persona], tools: Collection[str], settings: Settings, folder: Path | None
) -> dict[str, Script]:
    """Raises ConfigError."""
    from gateway.errors import ConfigError
    from personas.files import CatalogError
    from personas.script_files import load

    try:
        if folder is not None:
            return load(personas, tools, folder=folder)
        return load(personas, tools, settings.personas_dir)
    except CatalogError as fault:
        raise ConfigError(fault.faults) from None


def _cases(options: argparse.Namespace, settings: Settings) -> list[Case]:
    """Raises ConfigError."""
    from gateway.agents import load_agents
    from gateway.errors import ConfigError
    from gateway.rehearsal.running import cases_of
    from personas.files import meant

    catalog, tools = load_agents(settings)
    personas = catalog.personas
    scripts = _scripts(personas, tools, settings, options.scripts)
    faults = [
        f"{name} has no script; there is one for: {', '.join(scripts) or 'nobody'}"
        if name in personas
        else f"there is no persona {name}; {meant(name, personas)}"
        for name in options.personas
        if name not in scripts
    ]
    wanted = {name: script for name, script in scripts.items() if name in (options.personas or scripts)}
    cases = cases_of(personas, wanted, "audio" if options.audio else "text")
    known = {case.caller.id for case in cases}
    faults += [f"--caller {name}: there is no such caller" for name in options.caller if name not in known]
    if not cases and not faults:
        faults.append("none of these callers can be heard; give one `audio: true` in its script")
    if faults:
        raise ConfigError(faults)
    return [case for case in cases if not options.caller or case.caller.id in options.caller]
