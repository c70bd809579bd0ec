"""Another agent takes over in the middle of real calls with the embedded engine: spoken and written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from media.audio import PCM24
from media.resample import Resampler
from tests.caller_audio import pcm
from tests.e2e.server import Server, running
from tests.whole.dial import Dialled, credentials, dial

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SWITCHBOARD = """
id: switchboard
display_name: Rowan
domain: services
description: Answers the phone and passes callers on to whoever can help.
avatar_key: rowan
professional_role: Receptionist
default_tone: brisk
default_voice: cedar
allowed_voices: [cedar, marin]
scenario: switchboard
scenario_title: The switchboard
instructions: Find out what the caller wants, and pass them on.
greeting: "Switchboard, Rowan speaking."
tools: [pass_to_agent, hang_up]
hand_over_to: [dental_reception]
dialogue:
  help: "I can pass you on to the dentist."
  tasks:
    - id: dentist
      title: book with the dentist
      triggers: ["[(hi|hello)] [i would like to] (book|make) [(a|an)] [dental] (appointment|cleaning|checkup)"]
      slots: []
      steps:
        - call: pass_to_agent
          before: "I'll pass you on to the dentist."
          arguments: {agent: dental_reception, summary: "The caller wants an appointment."}
          failed: "I can't pass you on."
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("succession")
    (folder / "personas").mkdir()
    (folder / "personas" / "switchboard.yaml").write_text(SWITCHBOARD, encoding="utf-8")
    with running(folder, PARLEY_PERSONAS_DIR=str(folder / "personas")) as server:
        yield server


def replayed(server: Server, call_id: str) -> str:
    """What `parley replay` says of a call. Raises CalledProcessError when the core would go another way."""
    data = f"sqlite:///{server.log.parent / 'data' / 'parley.db'}"
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "replay", call_id],
        env={"PARLEY_DATABASE_URL": data, "PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout


async def said(call: Dialled) -> str:
    found = await call.event("response.output_audio_transcript.done", 30)
    transcript: str = found["transcript"]
    return transcript


async def test_a_caller_who_speaks_is_passed_on_by_the_tool(server: Server) -> None:
    speech = bytes(PCM24.to_bytes(3500)) + Resampler(16000, 24000).process(pcm("dental_01_book"))
    async with dial(server.url, speech, "switchboard") as call:
        assert (await call.event("session.created"))["session"]["audio"]["output"]["voice"] == "cedar"
        assert await said(call) == "Switchboard, Rowan speaking."
        assert await said(call) == "I'll pass you on to the dentist."
        session = (await call.event("session.updated", 30))["session"]
        assert session["audio"]["output"]["voice"] == "marin"
        assert "You are Nora" in session["instructions"]
        assert '"The caller wants an appointment."' in session["instructions"]
        assert "Nora" in await said(call)
        async with aiohttp.ClientSession() as http:
            path = f"{server.url}/api/sessions/{call.session_id}/state"
            async with http.get(path, headers={"X-Session-Access": call.access}) as answer:
                context = (await answer.json())["handoffContext"]
        assert (context["fromPersonaId"], context["toPersonaId"]) == ("switchboard", "dental_reception")
        assert "Caller: " in context["transcriptExcerpt"]
        call_id = call.location.rpartition("/")[2]
        async with (
            aiohttp.ClientSession() as http,
            http.post(
                f"{server.url}{call.location}/hangup", headers={"Authorization": f"Bearer {call.token}"}
            ),
        ):
            pass
    timeline = replayed(server, call_id)
    assert "dental_reception takes over" in timeline
    assert "the same:" in timeline


async def test_a_caller_who_writes_is_passed_on_over_rest(server: Server) -> None:
    async with aiohttp.ClientSession() as http:
        granted = await credentials(http, server.url, "switchboard")
        headers = {"Authorization": f"Bearer {granted['token']}"}
        async with http.ws_connect(granted["wsUrl"], headers=headers) as socket:

            async def event(kind: str) -> dict[str, Any]:
                while True:
                    told: dict[str, Any] = json.loads((await socket.receive(30)).data)
                    assert told["type"] != "error", told
                    if told["type"] == kind:
                        return told

            created = await event("session.created")
            written = {"type": "realtime", "output_modalities": ["text"]}
            await socket.send_json({"type": "session.update", "session": written})
            assert (await event("response.output_text.done"))["text"] == "Switchboard, Rowan speaking."
            await event("response.done")
            session_id = created["session"]["id"]
            async with http.patch(
                f"{server.url}/api/sessions/{session_id}/state",
                json={"currentPersonaId": "dental_reception"},
                headers={"X-Session-Access": socket._response.headers["X-Session-Access"]},
            ) as answer:
                assert answer.status == 200, await answer.text()
                assert (await answer.json())["currentPersonaId"] == "dental_reception"
            session = (await event("session.updated"))["session"]
            assert session["output_modalities"] == ["text"], "how the client reads stays"
            assert "Nora" in (await event("response.output_text.done"))["text"]
            await event("response.done")
            item = {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "a cleaning please"}],
            }
            await socket.send_json({"type": "conversation.item.create", "item": item})
            await socket.send_json({"type": "response.create"})
            assert "day and time" in (await event("response.output_text.done"))["text"]
