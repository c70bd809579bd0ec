"""The catalog in force while a server runs: files change, the calls that have begun do not. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from personas.catalog import Catalog
from personas.persona import Persona

__all__ = ["Catalogs"]


class Catalogs:
    """What was given out stays as it was; whoever asks again gets today's."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._faults: tuple[str, ...] = ()
        self.personas: Mapping[str, Persona] = _Personas(self)
        """Those in force, always: a live view."""

    @property
    def current(self) -> Catalog:
        return self._catalog

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the files as they are now are not in force, the catalog of before is; none: they are in force."""
        return self._faults

    def replace(self, catalog: Catalog) -> None:
        """From now on this one is in force."""
        self._catalog = catalog
        self._faults = ()

    def refuse(self, faults: Sequence[str]) -> None:
        """The files are wrong: what is in force stays so."""
        self._faults = tuple(faults)


class _Personas(Mapping[str, Persona]):
    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs

    def __getitem__(self, key: str) -> Persona:
        return self._catalogs.current.personas[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalogs.current.personas)

    def __len__(self) -> int:
        return len(self._catalogs.current.personas)
