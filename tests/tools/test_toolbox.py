"""A user's folder of tools: what is taken of it, which persona may use what, and every fault with its line."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.agents import load_agents
from gateway.carriers.dialects.standard_webhooks import verify
from gateway.checks.finding import Level
from gateway.checks.tools import check_tools
from gateway.config import Settings
from gateway.errors import ConfigError
from tests.dialogue.talk import NOW, MemoryRecords
from tests.tools.service import Service
from tools.library import load
from tools.runtime.door import Business, ToolRuntime
from tools.runtime.request import Execution, Request
from tools.toolbox import Toolbox, ToolboxError

pytestmark = pytest.mark.integration

PYTHON = """
from pydantic import BaseModel, Field
from tools.contract import Tool

class Sum(BaseModel):
    a: int = Field(description="One.")
    b: int = Field(description="Another.")

async def _run(asked, context):
    return {"sum": asked.a + asked.b}

tool = Tool(name="add_up", description="Add two numbers up.", parameters=Sum, run=_run)
"""
HTTP = """
name: shop_hours
description: When the shop is open on a day.
parameters:
  day: {type: string, description: Day of the week.}
request:
  url: HOST/hours/{day}
  auth: {header: {name: X-Key, secret: SHOP}}
health:
  url: HOST/health
"""
NOTIFY = """
name: tell_back_office
description: Tell the back office that a caller wants to be called back.
parameters:
  reason: {type: string, description: Why.}
request:
  method: POST
  url: HOST/hooks
  auth: {sign: {secret: HOOK}}
  body: {type: callback.wanted, reason: "{reason}", session: "{context.session_id}"}
"""
MCP = f"""
servers:
  peer:
    command: [{sys.executable}, -m, tests.tools.mcp_peer]
    folder: {Path(__file__).parents[2]}
    tools: [add]
    personas: [assistant]
"""
BUILT_IN = load()
HOOK = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"


def filled(folder: Path, host: str = "https://shop.example.com", **files: str) -> Settings:
    (folder / "tools").mkdir(exist_ok=True)
    (folder / "secrets").mkdir(exist_ok=True)
    for name, text in {"SHOP": "shop-key-7781", "HOOK": HOOK}.items():
        (folder / "secrets" / name).write_text(text)
        (folder / "secrets" / name).chmod(0o600)
    for name, text in files.items():
        (folder / "tools" / name.replace("_yaml", ".yaml").replace("_py", ".py")).write_text(
            text.replace("HOST", host)
        )
    return Settings.model_validate(
        {
            "tools_dir": folder / "tools",
            "secrets_dir": folder / "secrets",
            "outbound_allow": ("127.0.0.1",),
            "personas_dir": folder / "personas" if (folder / "personas").is_dir() else None,
        }
    )


def box_of(settings: Settings) -> Toolbox:
    return Toolbox.read(settings.tools_dir, settings.secrets_dir, settings.outbound_allow)


def door_of(box: Toolbox) -> ToolRuntime:
    return ToolRuntime(box, records=lambda _: MemoryRecords(), business=lambda _: Business(NOW))


async def ask(door: ToolRuntime, tool: str, /, **arguments: Any) -> Execution:
    return await door.execute(Request(tool, arguments, "rest", "acme", session_id="sess_1"))


async def test_tools_of_every_kind_run_through_the_door(tmp_path: Path) -> None:
    async with Service.running() as service:
        settings = await asyncio.to_thread(
            filled, tmp_path, service.url, add_up_py=PYTHON, hours_yaml=HTTP, hook_yaml=NOTIFY, mcp_yaml=MCP
        )
        box = await asyncio.to_thread(box_of, settings)
        door = door_of(box)
        assert set(BUILT_IN) < set(box)
        async with box.opened(30):
            assert set(box.own) == {"add_up", "shop_hours", "tell_back_office", "peer__add"}
            assert (await ask(door, "add_up", a=2, b=3)).result == {"sum": 5}
            assert (await ask(door, "peer__add", a=2, b=3)).result == {"result": 5}
            service.answers = [web.json_response({"open": "9 to 5"})]
            assert (await ask(door, "shop_hours", day="Monday")).result == {"open": "9 to 5"}
            assert service.last.headers["X-Key"] == "shop-key-7781"

            service.answers = [web.Response(status=204)]
            assert (await ask(door, "tell_back_office", reason="a bill")).status == "done"
            sent = service.last
            # Judged by the verifier of webhooks that come in, which is no part of what signs.
            identity = verify(sent.headers, sent.body, secret=HOOK, now=time.time())
            assert sent.json() == {"type": "callback.wanted", "reason": "a bill", "session": "sess_1"}
            assert (await ask(door, "tell_back_office", reason="a bill")).replayed
            await ask(door, "tell_back_office", reason="another")
            assert verify(service.last.headers, service.last.body, secret=HOOK, now=time.time()) != identity
        assert (await ask(door, "shop_hours", day="Friday")).reason == "unavailable"


async def test_the_doctor_asks_each_source_how_it_is(tmp_path: Path) -> None:
    async with Service.running() as service:
        absent = MCP.replace("  peer:", "  peer:").replace("mcp_peer]", "mcp_peer, absent]")
        settings = await asyncio.to_thread(filled, tmp_path, service.url, hours_yaml=HTTP, mcp_yaml=absent)
        service.answers = [web.json_response({})]
        found = {finding.about: finding for finding in await check_tools(settings)}
        assert found["tool shop_hours"].level is Level.OK
        assert found["MCP server peer"].level is Level.WARNING
        assert "no licence found" in found["MCP server peer"].seen
        assert [asked.target for asked in service.asked] == ["/health"]
        service.answers = [web.Response(status=500)]
        (tmp_path / "secrets" / "SHOP").chmod(0o644)
        (tmp_path / "tools" / "mcp.yaml").unlink()
        found = {finding.about: finding for finding in await check_tools(settings)}
        assert "answers 500" in found["tool shop_hours"].seen
        assert "SHOP" in found["secrets"].seen
        assert "shop-key-7781" not in json.dumps([str(each) for each in found.values()])


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("sum_py", "import nothing_there\n", "sum.py:1: ModuleNotFoundError"),
        ("sum_py", "x = 1\ny = (\n", "sum.py:2: SyntaxError"),
        ("sum_py", "x = 1\n\nraise RuntimeError('no')\n", "sum.py:3: RuntimeError: no"),
        ("sum_py", "x = 1\n", "sum.py:1: exports no `tool`; write"),
        ("sum_py", PYTHON.replace("add_up", "weather"), "sum.py:1: the name weather is taken"),
        ("sum_py", PYTHON.replace("add_up", "peer__add"), "sum.py:1: the name peer__add has __ in it"),
        (
            "hours_yaml",
            HTTP.replace("SHOP", "NONE"),
            "hours.yaml:8: the secret NONE is not there; write it to",
        ),
        (
            "mcp_yaml",
            "servers: {x: {command: [a], env: {T: {secret: NONE}}}}",
            "mcp.yaml:1: the secret NONE",
        ),
        ("connectors_yaml", "mail: {}", "connectors.yaml:1: mail.host: is missing; add it"),
    ],
)
def test_faults_keep_a_server_from_starting(tmp_path: Path, name: str, text: str, fault: str) -> None:
    with pytest.raises(ToolboxError) as raised:
        box_of(filled(tmp_path, **{name: text}))
    assert any(f"/{fault}" in each for each in raised.value.faults), raised.value.faults


def test_a_folder_that_is_not_there_and_an_unreadable_allowance_are_told(tmp_path: Path) -> None:
    with pytest.raises(ToolboxError) as raised:
        Toolbox.read(tmp_path / "none", None, ("a:b:c",))
    assert [each.partition(":")[0] for each in raised.value.faults] == [
        "PARLEY_OUTBOUND_ALLOW",
        "PARLEY_TOOLS_DIR",
    ]


def test_a_persona_lists_a_users_tools_unless_they_are_anothers(tmp_path: Path) -> None:
    persona = (Path(__file__).parents[2] / "personas" / "library" / "assistant.yaml").read_text()
    assert "tools: [weather, hang_up]" in persona
    (tmp_path / "personas").mkdir()

    def with_tools(names: str) -> Settings:
        text = persona.replace("id: assistant", "id: clerk", 1).replace("[weather, hang_up]", f"[{names}]")
        (tmp_path / "personas" / "clerk.yaml").write_text(text)
        return filled(tmp_path, add_up_py=PYTHON, hours_yaml=HTTP + "personas: [clerk]\n", mcp_yaml=MCP)

    catalog, tools = load_agents(with_tools("add_up, shop_hours"))
    assert catalog.personas["clerk"].tools == ("add_up", "shop_hours")
    assert "add_up" in tools
    with pytest.raises(ConfigError, match="peer__add is for assistant only"):
        load_agents(with_tools("peer__add"))
    with pytest.raises(ConfigError, match="tool"):
        load_agents(with_tools("other__add"))


async def test_servers_come_and_go_and_who_is_asked_as_before_stays(tmp_path: Path) -> None:
    """Nobody is at these addresses, and the guard says so."""

    async def told(text: str) -> dict[str, object]:
        await asyncio.to_thread((tmp_path / "mcp.yaml").write_text, f"servers: {{{text}}}\n")
        box.put_in_force(await asyncio.to_thread(box.files.load))
        assert {health.about for health in await box.health()} == {
            f"MCP server {name}" for name in box._servers
        }
        return dict(box._servers)

    here, there = "{url: 'http://127.0.0.1:9/'}", "{url: 'http://127.0.0.2:9/'}"
    await asyncio.to_thread((tmp_path / "mcp.yaml").write_text, f"servers: {{one: {here}, two: {here}}}\n")
    box = await asyncio.to_thread(Toolbox.read, tmp_path)
    first = dict(box._servers)
    async with box.opened(30):
        second = await told(f"two: {here}, three: {there}")
        third = await told(f"two: {here}, three: {here}")
        assert second["two"] is first["two"] is third["two"]
        assert third["three"] is not second["three"]
        assert "one__find" not in box.names()
        assert "three__find" in box.names()
