"""The examples of docs/clients.md, run as they stand there but for the address and the key."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from tests.needs import installed, program
from tests.vendors.conftest import Front
from tests.vendors.node_client import NODE

pytestmark = pytest.mark.e2e

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
BLOCK = re.compile(
    r"^## (?P<title>[^\n]+)\n(?:(?!^## ).)*?^```(?P<language>\w+)\n(?P<code>.*?)^```", re.M | re.S
)
WITHIN_S = 30


def example(title: str, front: Front) -> str:
    found = {match["title"]: match["code"] for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}
    assert title in found, f"no example under {title!r}; there are {', '.join(found)}"
    address = front.server.url.removeprefix("http://")
    return found[title].replace("127.0.0.1:8080", address).replace("unused", front.key)


async def run(*command: str, told: str, cwd: Path | None = None) -> str:
    """What the program says. It must end well by itself."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )  # fmt: skip
    try:
        async with asyncio.timeout(WITHIN_S):
            said, complained = await process.communicate(told.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complained.decode()[-3000:]
    return said.decode()


PYTHON = """
import ast, asyncio, inspect, sys
code = compile(sys.stdin.read(), "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
async def main():
    result = eval(code, {})
    if inspect.isawaitable(result):
        await asyncio.wait_for(result, 25)
asyncio.run(main())
"""
"""Runs a script that awaits at its top, as `python -m asyncio` and notebooks do."""


async def test_openai_over_websocket(front: Front) -> None:
    said = await run(sys.executable, "-c", PYTHON, told=example("openai for Python, WebSocket", front))
    assert len(said.strip()) > 5


async def test_openai_over_webrtc(front: Front) -> None:
    code = example("openai for Python, WebRTC", front)
    # Where the page leaves the conversation to the reader: until the greeting of the session came.
    waits = 'import asyncio\nhello = asyncio.Event()\nchannel = peer.createDataChannel("oai-events")\n'
    code = code.replace(
        'peer.createDataChannel("oai-events").on("message", print)\n',
        waits + 'channel.on("message", lambda m: (print(m), hello.set()))\n',
    ).replace("\n...\n", "\nawait hello.wait()\n")
    code += "await peer.close()\n"
    said = await run(sys.executable, "-c", PYTHON, told=code)
    assert "session.created" in said
    assert "Be brief." in said


async def test_openai_agents(front: Front) -> None:
    said = await run(sys.executable, "-c", PYTHON, told=example("openai-agents for Python", front))
    assert "bytes to play" in said


async def test_openai_agents_in_node(front: Front) -> None:
    installed(NODE / "node_modules", "npm ci --prefix tests/vendors/node")
    code = example("@openai/agents-realtime in Node", front)
    said = await run(program("node", "nodejs"), "--input-type=module", "-", told=code, cwd=NODE)
    assert "bytes to play" in said
    assert "assistant" in said
