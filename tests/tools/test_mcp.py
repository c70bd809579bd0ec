"""MCP servers of the official package, as programs and over HTTP, well- and ill-behaved, as sources of tools."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.dialogue.talk import NOW, MemoryRecords
from tests.tools.controls import FakeControl
from tests.tools.through import through_door
from tools.contract import ToolContext
from tools.mcp import session
from tools.mcp.model import McpFile, McpServer, check
from tools.mcp.session import Connection
from tools.outbound.addresses import Allowed
from tools.outbound.guard import Guard
from tools.runtime.request import Execution
from tools.secrets import Secrets
from tools.yaml_file import FileFault, read_yaml

pytestmark = pytest.mark.integration

PEER = (sys.executable, "-m", "tests.tools.mcp_peer")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PAUSE_S", 0.05)


@asynccontextmanager
async def connected(
    about: McpServer, guard: Guard | None = None, secrets: Secrets | None = None
) -> AsyncIterator[Connection]:
    connection = Connection("peer", about, ROOT, guard or Guard(), secrets or Secrets(None))
    async with asyncio.TaskGroup() as group:
        group.create_task(connection.run(), name="mcp:peer")
        try:
            await asyncio.wait_for(connection.settled.wait(), 30)
            yield connection
        finally:
            connection.close()


def program(*arguments: str, **more: Any) -> McpServer:
    return McpServer.model_validate({"command": [*PEER, *arguments], **more})


@asynccontextmanager
async def site() -> AsyncIterator[str]:
    """The same server over streamable HTTP."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*PEER, "http", stdin=pipe, stdout=pipe, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        port = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.stdin.close()
        await process.wait()


async def run(connection: Connection, tool: str, /, **arguments: Any) -> Execution:
    context = ToolContext("c", "s", "t", "p", "s:1", NOW, MemoryRecords(), FakeControl())
    return await through_door(connection.tools[f"peer__{tool}"], json.dumps(arguments), context)


def told(outcome: Execution) -> Any:
    return json.loads(outcome.output)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.02)


async def behaves(connection: Connection) -> None:
    """What holds whichever way a server is reached."""
    assert connection.why == ""
    definition = connection.tools["peer__add"].definition()
    assert definition["name"] == "peer__add"
    assert set(definition["parameters"]["properties"]) == {"a", "b"}
    assert told(await run(connection, "add", a=2, b=3)) == {"result": 5}
    assert told(await run(connection, "member", number="7")) == {"number": "7", "name": "Susan Walker"}
    assert "Members only" in told(await run(connection, "refuse"))["error"]
    assert "a: must be of type integer" in told(await run(connection, "add", a="x", b=3))["error"]
    assert told(await run(connection, "key")) == {"result": "s:1"}
    async with asyncio.TaskGroup() as group:
        sums = [group.create_task(run(connection, "add", a=n, b=1)) for n in range(10)]
    assert [told(each.result())["result"] for each in sums] == list(range(1, 11))
    # A hung call is let go, and the connection still serves.
    assert (await run(connection, "hang")).reason == "timed-out"
    assert told(await run(connection, "add", a=1, b=1)) == {"result": 2}
    # The list changes, and is read again.
    await run(connection, "grow")
    await until(lambda: "peer__grown" in connection.tools)
    assert "peer__refuse" not in connection.tools
    assert told(await run(connection, "grown")) == {"result": "new"}


HANG = {"for_tools": {"hang": {"timeout_s": 0.5}}}


async def test_a_program_serves_its_tools() -> None:
    async with connected(program(**HANG)) as connection:
        await behaves(connection)


async def test_a_server_over_http_serves_its_tools(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with site() as url:
        about = McpServer.model_validate({"url": url, **HANG})
        async with connected(about, Guard(Allowed.read(("127.0.0.1",)))) as connection:
            await behaves(connection)
            # A hundred megabytes fail one call, and the connection still serves.
            memory = _resident()
            assert (await run(connection, "flood")).reason == "failed"
            assert _resident() - memory < 40e6
            assert told(await run(connection, "add", a=1, b=1)) == {"result": 2}
    # What was asked and answered may be what callers said: no library logs it.
    assert {record.name for record in caplog.records if record.name.startswith(("mcp", "http"))} == set()
    assert "Susan Walker" not in caplog.text


async def test_a_server_out_of_bounds_is_not_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        async with connected(
            McpServer(url=f"http://127.0.0.1:{listening.getsockname()[1]}/mcp")
        ) as connection:
            assert "PARLEY_OUTBOUND_ALLOW" in connection.why
            assert connection.tools == {}
        with pytest.raises(BlockingIOError):
            listening.accept()


async def test_a_program_that_dies_or_sends_a_hundred_megabytes_is_started_again() -> None:
    async with connected(program()) as connection:
        for evil in ("die", "flood"):
            process, memory = told(await run(connection, "process"))["result"], _resident()
            assert (await run(connection, evil)).reason == "failed"
            assert _resident() - memory < 40e6
            await until(lambda: connection.why != "")
            await until(lambda: connection.why == "")
            assert told(await run(connection, "process"))["result"] != process


async def test_a_read_while_the_program_is_away_is_tried_again() -> None:
    async with connected(program(effect="read")) as connection:
        outcome = await run(connection, "die")
        assert outcome.reason == "unavailable"
        assert outcome.attempts == 3


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("silent", "no list of tools within"),
        ("absent", "it ended"),
        ("babble", "longer than"),
        ("nonsense", "the connection broke"),
    ],
)
async def test_a_program_that_serves_nothing_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, how: str, why: str
) -> None:
    monkeypatch.setattr(session, "CONNECT_S", 1.0 if how == "silent" else 20.0)
    async with connected(program(how)) as connection:
        assert connection.tools == {}
        assert why in connection.why
        if how == "absent":
            assert connection.last_words == "[2Jno licence found"


async def test_a_command_that_is_not_there_is_told() -> None:
    async with connected(McpServer(command=("/nowhere/mcp",))) as connection:
        assert "No such file" in connection.why


async def test_stopping_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    from tools.mcp import stdio

    monkeypatch.setattr(stdio, "GRACE_S", 0.1)
    async with connected(program()) as connection:
        pid = told(await run(connection, "process"))["result"]
        monkeypatch.setattr(session, "CONNECT_S", 2.0)
        async with connected(program("stubborn")):
            stubborn = _children()
    assert pid in stubborn
    await until(lambda: not stubborn & _children())


async def test_secrets_reach_the_program_and_nothing_else_of_ours_does_and_rulings_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_API_KEYS", "sk-ours")
    (tmp_path / "CRM").write_text("tok-99871-otter")
    rulings = {"s*": {"effect": "read"}, "add": {"approval": True}}
    about = program(
        env={"TOKEN": {"secret": "CRM"}, "MODE": "live"}, tools=["a*", "seen"], for_tools=rulings
    )
    async with connected(about, secrets=Secrets(tmp_path)) as connection:
        assert told(await run(connection, "seen", name="TOKEN")) == {"result": "tok-99871-otter"}
        assert told(await run(connection, "seen", name="MODE")) == {"result": "live"}
        assert told(await run(connection, "seen", name="PARLEY_API_KEYS")) == {"result": "nothing"}
        # Only the tools that the file names, and as it says.
        assert set(connection.tools) == {"peer__add", "peer__seen"}
        assert (connection.tools["peer__seen"].effect, connection.tools["peer__add"].effect) == (
            "read",
            "write",
        )
        assert connection.tools["peer__add"].approval
    async with connected(about) as connection:
        assert "PARLEY_SECRETS_DIR" in connection.why


async def test_what_cannot_be_offered_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async with connected(program("wrong", tools=["fine", "remote", "broken", "long"])) as connection:
        assert set(connection.tools) == {"peer__fine"}
        description = connection.tools["peer__fine"].description
        assert len(description) == 1024
        # What a terminal would obey is left out.
        assert description.startswith("[2J first\nsecond x")
    assert caplog.text.count("is not offered") == 3


async def test_a_server_with_more_tools_than_anybody_wants_has_the_first_taken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected(program("many")) as connection:
        assert len(connection.tools) == session.MOST_TOOLS
    assert "200 of its 250 tools" in caplog.text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("servers: {crm: {}}", "mcp.yaml:1: servers.crm: has to have `command` (a program) or `url`"),
        (
            "servers:\n  crm: {command: [x], url: 'https://x.example.com'}",
            "mcp.yaml:2: servers.crm: has to have",
        ),
        ("servers:\n  my_crm: {command: [x]}", "mcp.yaml:"),
        ("servers:\n  crm:\n    url: ftp://x", "mcp.yaml:3: servers.crm.url: write https://host/path"),
        ("servers:\n  crm:\n    comand: [x]", "is no field here"),
        ("servers:\n  crm:\n    command: [x]\n    retries: 2", "mcp.yaml:4: servers.crm.retries: a write"),
        (
            "servers:\n  crm:\n    url: https://x.example.com\n    headers: {authorization: x}",
            "belongs under `auth`",
        ),
        (
            "servers:\n  crm:\n    url: https://x.example.com\n    auth: {sign: {secret: A}}",
            "auth must be bearer",
        ),
    ],
)
def test_faults_of_the_file_are_told_with_their_line(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "mcp.yaml").write_text(text)
    with pytest.raises(FileFault) as raised:
        read_yaml(tmp_path / "mcp.yaml", McpFile, check)
    assert fault in str(raised.value)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def _children() -> set[int]:
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and "tests.tools.mcp_peer" in (folder / "cmdline").read_text():
                found.add(int(folder.name))
        except OSError:
            continue
    return found
