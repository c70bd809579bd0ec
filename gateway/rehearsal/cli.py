"""The command `parley persona`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.rehearsal.running import Case

__all__ = ["SUMMARY", "define", "run"]

SUMMARY = "test agents by scripted callers"
DESCRIPTION = """\
Work on agents: what is wrong with their files, and what scripted callers make of them.

  parley persona test                              every scripted caller calls, in text
  parley persona test dental_reception             those of one persona
  parley persona test --audio                      the callers that can be heard, in audio
  parley persona test dental_reception --transcripts --junit report.xml
"""


def define(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    test = actions.add_parser("test", help="have scripted callers call, and tell what came of it")
    add = test.add_argument
    add("personas", nargs="*", metavar="PERSONA", help="whom to call (default: everybody who has a script)")
    add("--caller", action="append", default=[], metavar="ID", help="only this caller; may be given again")
    add("--scripts", type=Path, metavar="FOLDER", help="where the scripts are (default: Parley's own)")
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
    """The exit code: 0, or 1 when a caller failed. Raises ConfigError."""
    return _test(options)


def _test(options: argparse.Namespace) -> int:
    import uvloop

    from gateway import log
    from gateway.config import from_env
    from gateway.rehearsal.report import as_json, as_junit, as_table, one_line
    from gateway.rehearsal.running import perform

    settings = from_env()
    cases = _cases(options, settings)
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


def _cases(options: argparse.Namespace, settings: Settings) -> list[Case]:
    """Raises ConfigError."""
    from gateway.agents import load_agents
    from gateway.errors import ConfigError
    from gateway.rehearsal.running import cases_of
    from personas.files import CatalogError
    from personas.script_files import load

    catalog, tools = load_agents(settings)
    personas = catalog.personas
    try:
        if options.scripts:
            scripts = load(personas, tools, folder=options.scripts)
        else:
            scripts = load(personas, tools, settings.personas_dir)
    except CatalogError as fault:
        raise ConfigError(fault.faults) from None
    faults = [
        f"{name} has no script; there is one for: {', '.join(scripts) or 'nobody'}"
        if name in personas
        else f"there is no persona {name}; there is: {', '.join(personas)}"
        for name in options.personas
        if name not in scripts
    ]
    wanted = {name: script for name, script in scripts.items() if name in (options.personas or scripts)}
    cases = cases_of(personas, wanted, "audio" if options.audio else "text")
    known = {case.caller.id for case in cases}
    faults += [f"--caller {name}: there is no such caller" for name in options.caller if name not in known]
    if faults:
        raise ConfigError(faults)
    return [case for case in cases if not options.caller or case.caller.id in options.caller]
