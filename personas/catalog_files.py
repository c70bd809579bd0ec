"""The catalog's files: Parley's own, and a folder of a user's beside them. Every fault of every file at once, also
what one file says of another.

A user's folder has personas at its top, and scenarios, vertical packs and experiments in folders of these names. A file
of the same name as one of Parley's own takes its place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from personas.catalog import Catalog
from personas.crossing import Known, faults_between
from personas.experiment import Experiment
from personas.files import CatalogError, FileOf, files_in, read_file
from personas.packs import Pack
from personas.persona import Persona
from personas.scenario import INDUSTRIES, Scenario

__all__ = ["BUILT_IN", "FOLDERS", "CatalogFiles", "Stamp"]

BUILT_IN = Path(__file__).parent
"""Where Parley's own folders are."""
FOLDERS: dict[str, str] = {
    "personas": ".",
    "scenarios": "scenarios",
    "verticals": "verticals",
    "experiments": "experiments",
}
"""Kind to its folder in a user's; Parley's own personas are in `library`."""

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class _Place:
    """One YAML file, and what it is called to people."""

    file: Path
    name: str
    built_in: bool


def _built_in(kind: str) -> Path:
    return BUILT_IN / ("library" if kind == "personas" else kind)


def _places(kind: str, own: Path | None) -> dict[str, _Place]:
    """By stem; a user's own stand in place of Parley's."""
    built_in = _built_in(kind)
    found = {
        file.stem: _Place(file, f"{built_in.name}/{file.name}", built_in=True)
        for file in files_in(built_in)
    }
    if own is not None:
        found |= {
            file.stem: _Place(file, str(file), built_in=False) for file in files_in(own / FOLDERS[kind])
        }
    return found


Stamp = tuple[tuple[str, int, int], ...]
"""Of every file its path, when it was last written, in nanoseconds, and its size."""


class CatalogFiles:
    """The files of a catalog. `own`: a user's folder. `tools`, `voices`: the names that there are; without them it is
    not checked which ones files name.

    Its methods read files, for a thread; not for two at once.
    """

    def __init__(
        self,
        own: Path | None = None,
        *,
        tools: Collection[str] | None = None,
        voices: Collection[str] | None = None,
    ) -> None:
        self._own = own
        self.tools = tools
        """The names that there are: to be set anew when there are others."""
        self._voices = voices
        self._read: dict[Path, tuple[tuple[str, int, int], FileOf[Any]]] = {}
        self.loaded: Stamp = ()
        """As the files were when they were last loaded, whatever came of it."""

    def stamp(self) -> Stamp:
        """Changes with the files."""
        return tuple(_stamp(place.file) for kind in FOLDERS for place in _places(kind, self._own).values())

    def load(self) -> Catalog:
        """Of files that are as they were the last time nothing is read again. Raises CatalogError."""
        self.loaded = self.stamp()
        faults: list[str] = []
        faulty: set[str] = set()
        if self._own is not None and not self._own.is_dir():
            faults.append(f"{self._own}:1: is no folder; make it, or correct PARLEY_PERSONAS_DIR")
        personas = self._shelf("personas", Persona, "id", faults, faulty)
        scenarios = self._shelf("scenarios", Scenario, "slug", faults, faulty)
        packs = self._shelf("verticals", Pack, "id", faults, faulty)
        experiments = self._shelf("experiments", Experiment, "id", faults, faulty)
        replaced = self._own is not None and any(
            (self._own / FOLDERS[kind] / file.name).exists()
            for kind in FOLDERS
            for file in files_in(_built_in(kind))
        )
        known = Known(self.tools, self._voices, faulty, replaced)
        faults += faults_between(personas, scenarios, packs, experiments, known)
        if faults:
            raise CatalogError(faults)
        for entry in personas.values():
            entry.model.zone  # noqa: B018 - made now, because making it reads a file
        catalog = Catalog(
            personas=dict(sorted(_models(personas).items(), key=lambda entry: (entry[1].order, entry[0]))),
            scenarios=dict(sorted(_models(scenarios).items(), key=lambda entry: _place_of(entry[1]))),
            packs=_models(packs),
            experiments=_models(experiments),
        )
        catalog.version  # noqa: B018 - made now, because making it takes milliseconds
        return catalog

    def told(self, persona_id: str, path: tuple[int | str, ...], message: str) -> str:
        """`message` with the file and the line of what `path` leads to in a persona that was loaded."""
        _, entry = self._read[_places("personas", self._own)[persona_id].file]
        return entry.fault(path, message)

    def _shelf(
        self, kind: str, model: type[M], key: str, faults: list[str], faulty: set[str]
    ) -> dict[str, FileOf[M]]:
        found: dict[str, FileOf[M]] = {}
        for stem, place in sorted(_places(kind, self._own).items()):
            stamp = _stamp(place.file)
            known = self._read.get(place.file)
            if known is not None and known[0] == stamp:
                found[stem] = known[1]
                continue
            try:
                found[stem] = read_file(
                    place.file, model, key=key, name=place.name, built_in=place.built_in
                )
            except CatalogError as fault:
                faults += fault.faults
                faulty.add(stem)
            else:
                self._read[place.file] = (stamp, found[stem])
        return found


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        told = file.stat()
    except OSError:
        return (str(file), 0, 0)
    return (str(file), told.st_mtime_ns, told.st_size)


def _models(files: Mapping[str, FileOf[M]]) -> dict[str, M]:
    return {stem: file.model for stem, file in files.items()}


def _place_of(scenario: Scenario) -> tuple[bool, int, int, str]:
    """What is shown first comes first; then by industry, and by what its packs think of it."""
    priority = 1000 if scenario.pack_priority is None else scenario.pack_priority
    return (not scenario.hero, INDUSTRIES.index(scenario.industry), priority, scenario.slug)
