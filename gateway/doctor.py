"""`parley doctor`: looks at everything a call needs and says, for each fault, what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from gateway.checks.agents import check_media, check_personas
from gateway.checks.data import check_database, check_folder, check_redis
from gateway.checks.finding import Finding, Level, fault
from gateway.checks.keys import check_keys
from gateway.checks.machine import check_clock, check_files, check_memory, check_native, check_python
from gateway.checks.network import check_ice, check_port, check_upstreams
from gateway.checks.prices import check_prices
from gateway.checks.speech import check_speech
from gateway.checks.telephone import check_telephone
from gateway.checks.tools import check_tools
from gateway.config import Settings, from_env
from gateway.errors import ConfigError

__all__ = ["diagnose", "exit_code", "main", "report"]

SIGNS = {Level.OK: "✓", Level.WARNING: "!", Level.FAULT: "✗"}


async def diagnose(settings: Settings) -> list[Finding]:
    """Look at everything. Never raises for what it looks at; starts nothing that goes on afterwards."""
    return [
        check_python(),
        await asyncio.to_thread(check_native),
        *await asyncio.to_thread(check_memory, settings),
        check_files(settings),
        await check_clock(),
        await check_port(settings),
        await asyncio.to_thread(check_ice, settings),
        *await check_upstreams(settings),
        *check_keys(settings),
        *await asyncio.to_thread(check_telephone, settings),
        *await asyncio.to_thread(check_prices, settings),
        await asyncio.to_thread(check_folder, settings),
        *await check_database(settings),
        *check_redis(settings),
        await asyncio.to_thread(check_media),
        *await check_speech(settings),
        *await check_personas(settings),
        *await check_tools(settings),
    ]


def report(findings: Iterable[Finding]) -> str:
    """For people: a line each, with what to do under it."""
    lines = []
    for finding in findings:
        lines.append(f"{SIGNS[finding.level]} {finding.about}: {finding.seen}")
        if finding.mend:
            lines.append(f"    → {finding.mend}")
    return "\n".join(lines)


def exit_code(findings: Iterable[Finding]) -> int:
    """1 when anything is a fault."""
    return int(any(finding.level is Level.FAULT for finding in findings))


def main(environ: Mapping[str, str] | None = None, *, as_json: bool = False, **overrides: object) -> int:
    """Read the settings (`overrides` win), look, print. Returns the exit code; settings that cannot be read are
    findings as well."""
    try:
        findings = asyncio.run(diagnose(from_env(environ, **overrides)))
    except ConfigError as error:
        findings = [
            fault("settings", one, "correct it; docs/run.md lists them all") for one in error.faults
        ]
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        print(report(findings))
    return exit_code(findings)
