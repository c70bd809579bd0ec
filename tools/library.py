"""Finding the tools: every module in `tools/builtin/` that exports `tool`."""

from __future__ import annotations

import importlib
import pkgutil

from tools import builtin
from tools.contract import Tool

__all__ = ["load"]


def load() -> dict[str, Tool]:
    """All tools by name. Raises ValueError when a file exports none, or two tools share a name."""
    found: dict[str, Tool] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(builtin.__path__)):
        tool = getattr(importlib.import_module(f"{builtin.__name__}.{module}"), "tool", None)
        if not isinstance(tool, Tool):
            raise ValueError(f"tools/builtin/{module}.py exports no `tool = Tool(...)`")  # noqa: TRY004 - a fault of the file
        if tool.name in found:
            raise ValueError(
                f"tools/builtin/{module}.py: the name {tool.name} is taken; tool names are unique"
            )
        found[tool.name] = tool
    return found
