"""Every provider replayed from its vendor's wire files: whoever speaks, a call hears the same.

`tests/wires/openai` is GA itself, so what any provider makes of its vendor's file of a situation must be what that one
says, but for what the vendors do not tell.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from gateway.connector import RemoteModel
from gateway.errors import ModelError, ModelLost, ModelRefused, ModelUnavailable
from gateway.ports import Event, ModelSession, ModelSpec
from gateway.providers.azure import AzureModel
from gateway.providers.openai import OpenAIModel
from gateway.providers.upstream import UpstreamModel
from gateway.providers.voicelive import VoiceLiveModel
from tests.providers.bench import PERSONA
from tests.providers.replaying import WIRES, lines, replaying
from tests.providers.server import serving
from tests.providers.vendors import SESSION
from tests.realtime.strict import assert_strict

pytestmark = pytest.mark.contract

MAKERS: dict[str, tuple[str, Callable[[str], RemoteModel]]] = {
    "openai": ("openai", lambda at: OpenAIModel(url=f"ws://{at}", model="gpt-realtime", api_key="k")),
    "azure": ("azure", lambda at: AzureModel(endpoint=f"http://{at}", api_key="k", deployment="d")),
    "azure-preview": (
        "azure_preview",
        lambda at: AzureModel(
            endpoint=f"http://{at}", api_key="k", deployment="d", api_version="2025-04-01-preview"
        ),
    ),
    "voicelive": (
        "voicelive",
        lambda at: VoiceLiveModel(
            endpoint=f"http://{at}", api_key="k", model="gpt-realtime", api_version="2026-04-10"
        ),
    ),
    "upstream": ("openai", lambda at: UpstreamModel(url=f"ws://{at}", model="m", api_key=None)),
    "upstream-of-old": (
        "azure_preview",
        lambda at: UpstreamModel(url=f"ws://{at}", model="m", api_key=None),
    ),
}
"""By name: the folder of the wires, and the provider for an address."""

SITUATIONS = sorted(path.stem for path in (WIRES / "openai").glob("*.jsonl") if path.stem != "http")

SIDE = ("session.created", "session.updated", "conversation.created", "rate_limits.updated")
"""What some vendors do not say, and what opening consumes."""

TRANSCRIPT_DELTA = "conversation.item.input_audio_transcription.delta"


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("provider", MAKERS)
async def test_a_situation(provider: str, situation: str) -> None:
    vendor, make = MAKERS[provider]
    ga = lines("openai", situation)
    async with (
        asyncio.timeout(10),
        replaying(lines(vendor, situation)) as (address, replay),
        make(address).open(ModelSpec("rtc_1", PERSONA, SESSION)) as session,
    ):
        for told in ups(ga)[1 if replay.session_first else 0 :]:
            if told["type"] == "input_audio_buffer.append":
                session.audio(base64.b64decode(told["audio"]))
            else:
                session.send(told)
        heard, ending = await to_the_end(session)
    assert ("longest duration" in ending) is (situation == "expiry")
    expected = [line["event"] for line in ga if line["dir"] == "down"]
    if situation == "expiry":
        expected = [event for event in expected if event["type"] != "error"]
    assert [essence(event) for event in heard if counts(event)] == [
        essence(event) for event in expected if counts(event)
    ]
    # And what is said to each vendor is what the file has a client of that vendor say.
    assert replay.audio == replay.written
    for came, wanted in replay.said:
        assert came["type"] == wanted["type"]
        if came["type"] != "session.update":
            assert same(came) == same(wanted)


async def to_the_end(session: ModelSession) -> tuple[list[Event], str]:
    """All events, each judged, and how the session ended."""
    heard: list[Event] = []
    try:
        async for event in session:
            assert_strict(event)
            heard.append(event)
    except ModelLost as lost:
        return heard, str(lost)
    raise AssertionError("a session that ends says so")


def ups(wire: list[dict[str, Any]]) -> list[Event]:
    return [line["event"] for line in wire if line["dir"] == "up"]


def counts(event: Event) -> bool:
    return event["type"] not in SIDE and event["type"] != TRANSCRIPT_DELTA


def essence(event: Event) -> Event:
    """An event without its id and without what the vendors tell differently: voices, usage, sentences of errors."""
    told = {k: v for k, v in event.items() if k != "event_id"}
    if told["type"] == "response.output_audio.delta" and isinstance(told["delta"], str):
        told["delta"] = base64.b64decode(told["delta"])
    if told["type"].endswith("transcription.completed"):
        del told["usage"]
    if "error" in told:
        told["error"] = {k: told["error"].get(k) for k in ("type", "code", "event_id")}
    if "response" in told:
        response = told["response"]
        usage = response["usage"]
        told["response"] = {
            "id": response["id"],
            "status": response["status"],
            "reason": (response["status_details"] or {}).get("reason"),
            "error": ((response["status_details"] or {}).get("error") or {}).get("code"),
            "output": response["output"],
            "output_modalities": response["output_modalities"],
            "format": response["audio"]["output"]["format"],
            "tokens": usage and (usage["input_tokens"], usage["output_tokens"]),
        }
    return told


def same(event: Event) -> Event:
    """Modalities are a set."""
    told = dict(event)
    if "response" in told:
        told["response"] = {k: sorted(v) if k == "modalities" else v for k, v in told["response"].items()}
    return told


@pytest.mark.parametrize("provider", MAKERS)
async def test_refused_upgrades(provider: str) -> None:
    vendor, make = MAKERS[provider]
    expected: dict[int, type[ModelError]] = {401: ModelRefused, 403: ModelRefused, 404: ModelRefused}
    wire = lines(vendor, "http")
    answers = iter(wire)

    async def refuse(_: web.Request) -> web.Response:
        line = next(answers)
        return web.json_response(line["event"], status=line["status"])

    app = web.Application()
    app.router.add_get("/{path:.*}", refuse)
    async with asyncio.timeout(10), serving(app) as address:
        for line in wire:
            with pytest.raises(ModelError, match=str(line["status"])) as caught:
                async with make(address).open(ModelSpec("rtc_1", PERSONA, SESSION)):
                    pass
            assert type(caught.value) is expected.get(line["status"], ModelUnavailable)
