"""Finding interchangeable things by name: configuration names a module, the module is imported."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

__all__ = ["find", "names"]


def names(package: str) -> list[str]:
    """What stands on the shelf `package`, sorted."""
    shelf = importlib.import_module(package)
    return sorted(
        info.name for info in pkgutil.iter_modules(shelf.__path__) if not info.name.startswith("_")
    )


def find(package: str, name: str) -> ModuleType:
    """The module `package.name`; of a package its `provider` module. Raises LookupError that lists what there is."""
    if name not in names(package):
        raise LookupError(f"there is no {name!r} in {package}; there is: {', '.join(names(package))}")
    module = importlib.import_module(f"{package}.{name}")
    return importlib.import_module(f"{package}.{name}.provider") if hasattr(module, "__path__") else module
