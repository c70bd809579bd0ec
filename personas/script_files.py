"""Loading scripted callers: every fault of every file at once, with file, line and what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from personas.files import CatalogError, files_in, meant, read_file
from personas.persona import Persona
from personas.scripts import Called, Expectation, Script, Turn

__all__ = ["BUILT_IN", "load", "read"]

BUILT_IN = Path(__file__).parent / "tests"
"""The scripts of the personas that come with Parley."""
FOLDER = "tests"
"""Where they are in a user's folder."""

Place = tuple[int | str, ...]


def load(
    personas: Mapping[str, Persona],
    tools: Collection[str],
    own: Path | None = None,
    *,
    folder: Path = BUILT_IN,
) -> dict[str, Script]:
    """The scripts of `folder` and of a user's `own` beside them, by persona, in the personas' order. Of a persona that
    the user has in place of Parley's, only the user's script counts. Raises CatalogError."""
    files = {file.stem: file for file in files_in(folder)}
    if own is not None:
        for file in files_in(own):
            files.pop(file.stem, None)
        files |= {file.stem: file for file in files_in(own / FOLDER)}
    found: dict[str, Script] = {}
    faults: list[str] = []
    for stem, file in sorted(files.items()):
        try:
            found[stem] = read(file, personas, tools)
        except CatalogError as fault:
            faults += fault.faults
    if faults:
        raise CatalogError(faults)
    order = {name: place for place, name in enumerate(personas)}
    return dict(sorted(found.items(), key=lambda entry: order[entry[0]]))


def read(file: Path, personas: Mapping[str, Persona], tools: Collection[str]) -> Script:
    """One file. `tools`: the names of all there are. Raises CatalogError."""
    name = f"tests/{file.name}" if file.parent == BUILT_IN else str(file)
    document = read_file(file, Script, key="persona", name=name)
    script = document.model
    faults = []
    persona = personas.get(script.persona)
    if persona is None:
        told = f"{script.persona!r} is no persona; {meant(script.persona, personas)}"
        faults.append(document.fault(("persona",), told))
    else:
        faults += [document.fault(place, what) for place, what in _unknown_tools(script, persona, tools)]
    if faults:
        raise CatalogError(faults)
    return script


def _unknown_tools(script: Script, persona: Persona, tools: Collection[str]) -> Iterator[tuple[Place, str]]:
    """Tools that are awaited and would never be called."""
    mine = ", ".join(persona.tools) or "none"
    for place, called, banned in _calls(script):
        if called.tool not in persona.tools and not banned:
            told = "may not be used by this persona" if called.tool in tools else "is no tool"
            yield place, f"{called.tool} {told}, so it is never called; it has: {mine}"
        elif called.tool not in tools:
            yield place, f"{called.tool} is no tool; correct its name, or nothing is tested"


def _calls(script: Script) -> Iterator[tuple[Place, Called, bool]]:
    """Where, which, and whether it must not be."""
    for number, caller in enumerate(script.callers):
        place: Place = ("callers", number)
        yield from _expected(caller.expect, (*place, "expect"))
        for at, turn in enumerate(caller.turns):
            yield from _of_turn(turn, (*place, "turns", at))


def _of_turn(turn: Turn, place: Place) -> Iterator[tuple[Place, Called, bool]]:
    yield from _expected(turn.expect, (*place, "expect"))
    for at, called in enumerate(turn.until.called if turn.until else ()):
        yield (*place, "until", "called", at), called, False


def _expected(expected: Expectation, place: Place) -> Iterator[tuple[Place, Called, bool]]:
    for at, called in enumerate(expected.called):
        yield (*place, "called", at), called, called.times == 0
    for at, called in enumerate(expected.must_not.called):
        yield (*place, "must_not", "called", at), called, True
