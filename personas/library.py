"""Loading a folder of persona files: every fault of every file at once, with file, line and what to do."""

from __future__ import annotations

from pathlib import Path

from personas.files import CatalogError, files_in, read_file
from personas.persona import Persona

__all__ = ["BUILT_IN", "load"]

BUILT_IN = Path(__file__).parent / "library"
"""The personas that come with Parley."""


def load(folder: Path | None = None) -> dict[str, Persona]:
    """All personas of `folder` (default: the built-in ones) by id, in their order, each by itself: what they name of
    others is `personas.catalog_files`'s to check. Raises CatalogError."""
    where = folder or BUILT_IN
    files = files_in(where)
    if not files:
        raise CatalogError([f"{where}: no persona files (*.yaml) there; add one or correct the path"])
    found: dict[str, Persona] = {}
    faults: list[str] = []
    for file in files:
        try:
            persona = read_file(file, Persona).model
        except CatalogError as fault:
            faults += fault.faults
            continue
        if persona.id in found:
            faults.append(f"{file.name}:1: the id {persona.id} is taken by another file; ids are unique")
        persona.zone  # noqa: B018 - made now, because making it reads a file
        found[persona.id] = persona
    if faults:
        raise CatalogError(faults)
    return dict(sorted(found.items(), key=lambda entry: (entry[1].order, entry[0])))
