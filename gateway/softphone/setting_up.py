"""`parley phone setup`: a carrier's sheet and what was found, for people and for programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from gateway import plugins
from gateway.checks.finding import Finding, Level
from gateway.checks.sheet import EXAMPLE, Sheet, Step, names, sheet
from gateway.checks.telephone import about_address, about_settings
from gateway.config import Settings
from gateway.softphone import lines as lines_of_carriers
from gateway.softphone import readiness

__all__ = ["Guide", "as_json", "as_text", "listed", "look"]

SIGNS = {Level.OK: "✓", Level.WARNING: "–", Level.FAULT: "✗"}


@dataclass(frozen=True, slots=True)
class Guide:
    """What to do at one carrier, and how this server stands."""

    carrier: str
    base: str
    """The public URL, or an example where there is none."""
    sheet: Sheet
    settings: tuple[Finding, ...]
    checks: tuple[Finding, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.settings + self.checks

    @property
    def ready(self) -> bool:
        """Nothing is missing that calls need."""
        return all(one.level is not Level.FAULT for one in self.findings)


def look(carrier: str, settings: Settings, *, offline: bool = False) -> Guide:
    """Reads the settings and asks the public address, unless `offline`. Raises LookupError for an unknown carrier."""
    base = settings.public_url or EXAMPLE
    page = sheet(carrier, base)
    address = about_address(settings, own=page.own)
    checks = [address]
    if settings.public_url is not None and not offline:
        checks += asyncio.run(readiness.reach(carrier, base, webhook=page.webhook, streams=page.streams))
    return Guide(carrier, base, page, tuple(about_settings(page, settings)), tuple(checks))


def listed(settings: Settings) -> str:
    """All carriers, and whether each is set up here."""
    lines, width = [], max(map(len, names()))
    for name in names():
        page = sheet(name)
        missing = [f.about for f in about_settings(page, settings) if f.level is Level.FAULT]
        state = f"needs {', '.join(missing)}" if missing else "its settings are there"
        lines.append(f"{'✗' if missing else '✓'} {name:<{width}} {page.name}: {state}")
    return "\n".join([*lines, "", "parley phone setup CARRIER tells what to do at one of them."])


def as_text(guide: Guide) -> str:
    """For somebody with the carrier's console open."""
    lines = [f"{guide.sheet.name}, for {guide.base}"]
    if guide.base == EXAMPLE:
        lines += ["(an example: PARLEY_PUBLIC_URL or --public-url gives the real addresses)"]
    lines += ["", "At your switch" if guide.sheet.own else "At the carrier"]
    for number, step in enumerate(guide.sheet.steps, start=1):
        lines += _step(number, step)
    lines += ["", "Settings of this server", *_found(guide.settings)]
    lines += ["", "Checks", *_found(guide.checks)]
    how = "Then call."
    if guide.carrier in plugins.names(lines_of_carriers.__name__):
        how = f"Then call the number. Without a carrier: parley phone call --carrier {guide.carrier}"
    return "\n".join([*lines, "", how if guide.ready else "Mend what is marked ✗, then run this again."])


def as_json(guide: Guide) -> str:
    """The same for programs."""
    value: Mapping[str, object] = {
        "carrier": guide.carrier,
        "base": guide.base,
        "steps": [step.model_dump(by_alias=True, exclude_defaults=True) for step in guide.sheet.steps],
        "findings": [asdict(one) for one in guide.findings],
    }
    return json.dumps(value, indent=1, ensure_ascii=False)


def _step(number: int, step: Step) -> list[str]:
    way = f" ({step.way})" if step.way else ""
    lines = [f"  {number}. {step.where}{way}"]
    lines += [f"       {what} → {variable}" for what, variable in step.copy_.items()]
    lines += [f"       {name}: {value}" for name, value in step.fill.items()]
    if step.note:
        lines.append(f"       {step.note}")
    return lines


def _found(findings: tuple[Finding, ...]) -> list[str]:
    lines = []
    for one in findings:
        lines.append(f"  {SIGNS[one.level]} {one.about}: {one.seen}")
        if one.mend:
            lines.append(f"      {one.mend}")
    return lines
