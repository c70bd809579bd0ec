"""What agents are made of, read for a server: the catalog's files and the tools that they name; and read again when
files change, for the calls to come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from gateway.beside import beside
from gateway.config import Settings
from gateway.errors import ConfigError
from gateway.log import where
from gateway.speech.catalogue import EVERY_VOICE
from personas.catalog import Catalog
from personas.catalog_files import CatalogFiles, Stamp
from personas.catalogs import Catalogs
from personas.files import CatalogError, meant
from tools.toolbox import Toolbox, ToolboxError

__all__ = ["Agents", "CatalogSource", "load_agents", "open_agents", "read_again"]

logger = logging.getLogger(__name__)

TOLD_AT_MOST = 20
"""Faults of one attempt that are logged."""


class CatalogSource(Protocol):
    """Where catalogs come from. Both read files."""

    @property
    def loaded(self) -> Stamp:
        """The stamp of when it was last loaded, whatever came of it."""

    def stamp(self) -> Stamp:
        """Changes when `load` would give something else."""

    def load(self) -> Catalog:
        """Raises CatalogError."""

    def taken(self) -> None:
        """What was loaded last is in force from now on. Called on the loop."""


class Agents:
    """The files of a server's catalog and of its tools, and what its settings ask of them (`CatalogSource`). Both are
    in force as they were read together: what a persona lists is there."""

    def __init__(self, settings: Settings, tools: Toolbox) -> None:
        self._settings = settings
        self._tools = tools
        self._kit = tools.kit
        """The tools as they were last read."""
        self._faults: list[str] = []
        """Why they could not be read."""
        self._files = CatalogFiles(settings.personas_dir, tools=tools.names(), voices=EVERY_VOICE)

    @property
    def loaded(self) -> Stamp:
        return self._files.loaded + self._tools.files.loaded

    def stamp(self) -> Stamp:
        return self._files.stamp() + self._tools.files.stamp()

    def told(self, persona_id: str, path: tuple[int | str, ...], message: str) -> str:
        """`message` with the file and the line of what `path` leads to in a persona that was loaded."""
        return self._files.told(persona_id, path, message)

    def load(self) -> Catalog:
        self._read_tools()
        self._files.tools = None if self._faults else self._tools.names(self._kit)
        try:
            catalog = self._files.load()
        except CatalogError as error:
            raise CatalogError([*self._faults, *error.faults]) from None
        if self._faults:
            raise CatalogError(self._faults)
        if faults := [
            self.told(persona.id, ("tools", at), told)
            for persona in catalog.personas.values()
            for at, tool in enumerate(persona.tools)
            if (told := self._kit.reserved(tool, persona.id))
        ]:
            raise CatalogError(faults)
        names = (entry.rpartition("=")[2].strip() for entry in self._settings.phone_persona)
        if faults := [
            f"PARLEY_PHONE_PERSONA names {name!r}, which is no persona; {meant(name, catalog.personas)}"
            for name in names
            if name not in catalog.personas
        ]:
            raise CatalogError(faults)
        return catalog

    def taken(self) -> None:
        if self._kit is not self._tools.kit:
            self._tools.put_in_force(self._kit)
            logger.info("the tools were read again: they hold for the runs to come")

    def _read_tools(self) -> None:
        files = self._tools.files
        if files.stamp() == files.loaded:
            return
        try:
            self._kit, self._faults = files.load(), []
        except ToolboxError as error:
            self._faults = error.faults


def load_agents(settings: Settings) -> tuple[Catalog, Toolbox]:
    """The catalog and the tools, read once. Reads files. Raises ConfigError with every fault of every file."""
    catalog, tools, _agents = open_agents(settings)
    return catalog, tools


def open_agents(settings: Settings) -> tuple[Catalog, Toolbox, Agents]:
    """The catalog, the tools, and what reads the catalog again. Reads files. Raises ConfigError with every fault of
    every file."""
    try:
        tools = Toolbox.read(settings.tools_dir, settings.secrets_dir, settings.outbound_allow)
    except ToolboxError as error:
        raise ConfigError([*error.faults, *_faults_beside(settings)]) from None
    agents = Agents(settings, tools)
    try:
        return agents.load(), tools, agents
    except CatalogError as error:
        raise ConfigError(error.faults) from None


def _faults_beside(settings: Settings) -> list[str]:
    """The catalog's faults where nobody knows which tools there are."""
    try:
        CatalogFiles(settings.personas_dir, voices=EVERY_VOICE).load()
    except CatalogError as error:
        return error.faults
    return []


@asynccontextmanager
async def read_again(catalogs: Catalogs, source: CatalogSource, every_s: float) -> AsyncIterator[None]:
    """While the block runs, look every so many seconds (0: never) whether files have changed, and put in force what
    they say now. Files that are wrong change nothing: the faults are logged, and stand in `catalogs.faults`. What the
    block raises is raised as it is."""
    if every_s <= 0:
        yield
        return
    async with beside(_look(catalogs, source, every_s), "catalog"):
        yield


async def _look(catalogs: Catalogs, source: CatalogSource, every_s: float) -> None:
    seen: Stamp | None = None
    while True:
        await asyncio.sleep(every_s)
        try:
            now = await asyncio.to_thread(source.stamp)
            # A change is read once nobody writes any more: editors and copies take a moment.
            if now != source.loaded and now == seen:
                await _put_in_force(catalogs, source)
            seen = now
        except Exception as fault:  # noqa: BLE001 - our bug, or a disk that fails: what is in force stays so
            logger.error("the catalog could not be read again: %s", where(fault))


async def _put_in_force(catalogs: Catalogs, source: CatalogSource) -> None:
    before = catalogs.current
    try:
        catalog = await asyncio.to_thread(source.load)
    except CatalogError as error:
        catalogs.refuse(error.faults)
        for one in error.faults[:TOLD_AT_MOST]:
            logger.error("catalog: %s", one)
        logger.error(
            "the catalog's files have faults (%d); the catalog %s stays in force",
            len(error.faults),
            before.version,
        )
        return
    catalogs.replace(catalog)
    source.taken()
    changed = [
        name
        for name in sorted({*before.personas, *catalog.personas})
        if before.personas.get(name) != catalog.personas.get(name)
    ]
    logger.info(
        "the catalog was read again: %s, for the calls to come; personas changed: %s",
        catalog.version,
        ", ".join(changed) or "none",
    )
