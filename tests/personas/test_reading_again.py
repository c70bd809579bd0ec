"""Files that change while a server runs: in force for whoever asks again, never for who has begun."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.agents import open_agents, read_again
from gateway.config import from_env
from personas.catalog import Catalog
from personas.catalog_files import CatalogFiles
from personas.catalogs import Catalogs
from personas.files import CatalogError
from personas.library import load as load_personas
from tools.kit import SPEAKER
from tools.toolbox import Toolbox

pytestmark = pytest.mark.unit

PERSONA = """\
id: night_desk
display_name: Ira
domain: test
description: Answers at night.
avatar_key: ira
professional_role: Night clerk
default_tone: brief
default_voice: marin
allowed_voices: [marin]
scenario: late-call
scenario_title: A late call
instructions: Be brief.
"""
OFTEN_S = 0.01
BUILT_IN = set(load_personas())


async def write(file: Path, text: str) -> None:
    await asyncio.to_thread(file.write_text, text, encoding="utf-8")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - a file is waited for
            await asyncio.sleep(OFTEN_S)


@asynccontextmanager
async def server(folder: Path, **environ: str) -> AsyncIterator[tuple[Catalogs, Toolbox]]:
    await write(folder / "night_desk.yaml", PERSONA)
    settings = from_env({"PARLEY_PERSONAS_DIR": str(folder), **environ})
    catalog, tools, agents = await asyncio.to_thread(open_agents, settings)
    catalogs = Catalogs(catalog)
    async with read_again(catalogs, agents, OFTEN_S):
        yield catalogs, tools


async def test_a_change_is_for_who_asks_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.agents")
    async with server(tmp_path) as (catalogs, _):
        personas = catalogs.personas
        begun, version = personas["night_desk"], catalogs.current.version
        await write(tmp_path / "night_desk.yaml", PERSONA.replace("Be brief.", "Be very brief."))
        await until(lambda: personas["night_desk"].instructions == "Be very brief.")
        assert begun.instructions == "Be brief."
        assert catalogs.current.version != version
        assert catalogs.faults == ()
        await until(lambda: "personas changed: night_desk" in caplog.text)


async def test_personas_come_and_go(tmp_path: Path) -> None:
    async with server(tmp_path) as (catalogs, _):
        text = PERSONA.replace("night_desk", "day_desk")
        await write(tmp_path / "day_desk.yaml", text)
        await until(lambda: "day_desk" in catalogs.personas)
        await asyncio.to_thread((tmp_path / "night_desk.yaml").unlink)
        await until(lambda: "night_desk" not in catalogs.personas)
        assert set(catalogs.personas) == {*BUILT_IN, "day_desk"}
        assert len(catalogs.personas) == len(BUILT_IN) + 1


async def test_files_with_faults_change_nothing_until_they_are_mended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with server(tmp_path) as (catalogs, _):
        before = catalogs.current
        await write(tmp_path / "night_desk.yaml", PERSONA + "tools: [no_such_tool]\n")
        await until(lambda: bool(catalogs.faults))
        assert catalogs.current is before
        assert any(
            "night_desk.yaml:13: tools.0: 'no_such_tool' is no tool" in one for one in catalogs.faults
        )
        await until(lambda: f"the catalog {before.version} stays in force" in caplog.text)
        assert catalogs.faults[0] in caplog.text
        await write(tmp_path / "night_desk.yaml", PERSONA + "tools: [hang_up]\n")
        await until(lambda: not catalogs.faults)
        assert catalogs.personas["night_desk"].tools == ("hang_up",)


async def test_who_answers_the_telephone_cannot_go(tmp_path: Path) -> None:
    async with server(tmp_path, PARLEY_PHONE_PERSONA="+15550100002=night_desk") as (catalogs, _):
        await asyncio.to_thread((tmp_path / "night_desk.yaml").unlink)
        await until(lambda: bool(catalogs.faults))
        assert catalogs.faults[0].startswith("PARLEY_PHONE_PERSONA names 'night_desk', which is no persona")
        assert "night_desk" in catalogs.personas


TOOL = """\
from pydantic import BaseModel
from tools.contract import Tool

class Nothing(BaseModel):
    pass

async def _run(asked, context):
    return {"at": context.now.isoformat()}

tool = Tool(name="opening", description="When we open.", parameters=Nothing, run=_run)
"""
WITH_TOOL = PERSONA + "tools: [opening]\n"


async def test_changed_tools_hold_from_the_next_run_on_and_faults_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "tools"
    await asyncio.to_thread(folder.mkdir)
    await write(folder / "opening.py", TOOL)
    await write(folder / "other.py", TOOL.replace("opening", "closing"))
    async with server(tmp_path, PARLEY_TOOLS_DIR=str(folder)) as (catalogs, tools):
        await write(tmp_path / "night_desk.yaml", WITH_TOOL)
        await until(lambda: catalogs.personas["night_desk"].tools == ("opening",))
        offered, other = tools["opening"], tools["closing"]
        # As long as the text before, and most likely within the same second.
        await write(folder / "opening.py", TOOL.replace("When we open.", "As we opened."))
        await until(lambda: tools["opening"].description == "As we opened.")
        assert offered.description == "When we open."
        assert tools["closing"] is other
        before = dict(tools)
        # A persona's tool cannot go, a tool's fault is told beside that of an agent, and nothing of it is in force.
        await asyncio.to_thread((folder / "opening.py").unlink)
        await until(lambda: any("'opening' is no tool" in one for one in catalogs.faults))
        await write(folder / "opening.py", TOOL + "tool = None\n")
        await write(tmp_path / "night_desk.yaml", WITH_TOOL + "no_such_field: 1\n")
        await until(
            lambda: sum("opening.py:1:" in one or "no_such_field" in one for one in catalogs.faults) == 2
        )
        await until(lambda: catalogs.faults[0] in caplog.text)
        assert dict(tools) == before
        await write(tmp_path / "night_desk.yaml", WITH_TOOL)
        await until(lambda: len(catalogs.faults) == 1)
        assert "opening.py:1:" in catalogs.faults[0]
        await write(folder / "opening.py", TOOL.replace("parameters=Nothing", "parameters=BaseModel"))
        await until(lambda: "no JSON Schema" in catalogs.faults[0])
        # To learn of MCP takes seconds, which calls would hear.
        await write(folder / "opening.py", TOOL)
        await until(lambda: not catalogs.faults)
        monkeypatch.delitem(sys.modules, SPEAKER, raising=False)
        await write(folder / "mcp.yaml", "servers: {crm: {url: 'http://127.0.0.1:9/'}}\n")
        await until(lambda: any("start Parley again" in one for one in catalogs.faults))
        await asyncio.to_thread((folder / "mcp.yaml").unlink)
        await until(lambda: not catalogs.faults)
        assert tools["opening"].description == "When we open."


async def test_nothing_is_looked_at_where_it_is_not_wanted() -> None:
    class Untouched:
        loaded = ()

        def stamp(self) -> tuple[tuple[str, int, int], ...]:
            raise AssertionError("looked at")

        def load(self) -> Catalog:
            raise AssertionError("read")

        def taken(self) -> None:
            raise AssertionError("taken")

    async with read_again(Catalogs(Catalog({})), Untouched(), 0.0):
        await asyncio.sleep(0)


class Source:
    """Changes while `writing`, with each look; what it loads is counted."""

    def __init__(self) -> None:
        self.looks, self.loads = 0, 0
        self.writing = False
        self.written = 0
        self.fails = False
        self.loaded = (("file", 0, 0),)

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        self.looks += 1
        if self.fails:
            raise OSError("the disk is gone")
        self.written += self.writing
        return (("file", self.written, 0),)

    def load(self) -> Catalog:
        self.loads += 1
        self.loaded = (("file", self.written, 0),)
        return Catalog({})

    def taken(self) -> None: ...


async def test_what_is_being_written_is_not_read_yet() -> None:
    source, catalogs = Source(), Catalogs(Catalog({}))
    async with read_again(catalogs, source, OFTEN_S):
        await until(lambda: source.looks > 1)
        source.writing = True
        looks = source.looks
        await until(lambda: source.looks > looks + 3)
        assert source.loads == 0
        source.writing = False
        await until(lambda: source.loads == 1)
        looks = source.looks
        await until(lambda: source.looks > looks + 3)
        assert source.loads == 1


async def test_a_disk_that_fails_is_told_and_looked_at_again(caplog: pytest.LogCaptureFixture) -> None:
    source, catalogs = Source(), Catalogs(Catalog({}))
    async with read_again(catalogs, source, OFTEN_S):
        await until(lambda: source.looks > 0)
        source.fails = True
        await until(lambda: "could not be read again: OSError" in caplog.text)
        source.fails, source.writing = False, True
        looks = source.looks
        await until(lambda: source.looks > looks)
        source.writing = False
        await until(lambda: source.loads == 1)


async def test_what_the_block_raises_is_raised_as_it_is() -> None:
    with pytest.raises(KeyError):
        async with read_again(Catalogs(Catalog({})), Source(), OFTEN_S):
            raise KeyError("mine")


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "night_desk.yaml").write_text(PERSONA)
    files = CatalogFiles(tmp_path)
    stamp = files.stamp()
    first = files.load()
    assert files.stamp() == stamp
    (tmp_path / "night_desk.yaml").write_text(PERSONA.replace("Ira", "Iris"))
    assert files.stamp() != stamp
    second = files.load()
    assert second.personas["assistant"] is first.personas["assistant"]
    assert second.personas["night_desk"].display_name == "Iris"
    (tmp_path / "night_desk.yaml").write_text("id: [")
    with pytest.raises(CatalogError):
        files.load()
    with pytest.raises(CatalogError):
        files.load()
    (tmp_path / "night_desk.yaml").write_text(PERSONA)
    assert files.load().personas["night_desk"] == first.personas["night_desk"]
