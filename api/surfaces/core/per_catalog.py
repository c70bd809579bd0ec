"""An answer that is made once for each catalog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from personas.catalog import Catalog
from personas.catalogs import Catalogs

__all__ = ["PerCatalog"]

T = TypeVar("T")


class PerCatalog(Generic[T]):
    """What `make` makes of the catalog in force; made again when another one is."""

    def __init__(self, catalogs: Catalogs, make: Callable[[Catalog], T]) -> None:
        self._catalogs = catalogs
        self._make = make
        self._of: Catalog | None = None
        self._made: T

    def __call__(self) -> T:
        current = self._catalogs.current
        if current is not self._of:
            self._made, self._of = self._make(current), current
        return self._made
