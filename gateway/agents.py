"""What agents are made of, read for a server: the catalog's files and the tools that they name."""

from __future__ import annotations

from gateway.config import Settings
from gateway.errors import ConfigError
from gateway.speech.voices import VOICES
from personas.catalog import Catalog
from personas.catalog_files import load_catalog
from personas.files import CatalogError
from tools import library as tool_library
from tools.contract import Tool

__all__ = ["load_agents"]


def load_agents(settings: Settings) -> tuple[Catalog, dict[str, Tool]]:
    """The catalog and the tools. Reads files. Raises ConfigError with every fault of every file."""
    try:
        tools = tool_library.load()
    except ValueError as error:
        raise ConfigError([str(error)]) from None
    try:
        catalog = load_catalog(settings.personas_dir, tools=tools, voices=[voice.id for voice in VOICES])
    except CatalogError as error:
        raise ConfigError(error.faults) from None
    return catalog, tools
