"""Every line of the wire files is exactly what the vendor's own package says it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from azure.ai.voicelive import models
from openai.types.beta.realtime import RealtimeClientEvent as BetaClient
from openai.types.beta.realtime import RealtimeServerEvent as BetaServer
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from openai.types.shared import ErrorObject
from pydantic import TypeAdapter

from tests.peers import beta_events, ga_events, voicelive_events
from tests.peers.faults import Event
from tests.peers.strict import problems
from tests.wires.make import FOLDER, plain, play, source
from tests.wires.situations import SITUATIONS
from tests.wires.words import VENDORS

FILES = sorted(path for vendor in VENDORS for path in (FOLDER / vendor).glob("*.jsonl"))
TALKS = [path for path in FILES if path.stem != "http"]

PYDANTIC: dict[str, tuple[TypeAdapter[Any], TypeAdapter[Any]]] = {
    "openai": (TypeAdapter(RealtimeClientEvent), TypeAdapter(RealtimeServerEvent)),
    "azure": (TypeAdapter(RealtimeClientEvent), TypeAdapter(RealtimeServerEvent)),
    "azure_preview": (TypeAdapter(BetaClient), TypeAdapter(BetaServer)),
}
JUDGES = {
    "openai": ga_events,
    "azure": ga_events,
    "azure_preview": beta_events,
    "voicelive": voicelive_events,
}


def lines(path: Path) -> list[Event]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.unit
def test_every_vendor_has_every_situation() -> None:
    assert {named(path) for path in FILES} == {
        f"{vendor}/{name}" for vendor in VENDORS for name in [*SITUATIONS, "http"]
    }


@pytest.mark.unit
@pytest.mark.parametrize("path", TALKS, ids=named)
def test_every_line_is_of_the_vendors_types(path: Path) -> None:
    vendor = path.parent.name
    judge = JUDGES[vendor]
    for line in lines(path):
        assert set(line) == {"dir", "source", "event"}
        way, event = line["dir"], line["event"]
        assert line["source"] == source(vendor, way, event)
        if way == "up":
            assert judge.check_client(event) == event
        else:
            assert judge.complaints(event) == []
        if vendor == "voicelive":
            base: Any = models.ClientEvent if way == "up" else models.ServerEvent
            parsed = base._deserialize(event, [])
            assert type(parsed).__name__ == line["source"].rpartition(".")[2]
        else:
            adapter = PYDANTIC[vendor][way == "down"]
            typed = adapter.validate_json(json.dumps(event), strict=True)
            assert type(typed).__name__ == line["source"].rpartition(".")[2]


@pytest.mark.unit
@pytest.mark.parametrize("path", [path for path in FILES if path.stem == "http"], ids=named)
def test_refused_upgrades(path: Path) -> None:
    found = lines(path)
    assert [line["status"] for line in found] == [401, 403, 429, 500, 503]
    for line in found:
        error = line["event"]["error"]
        if path.parent.name == "openai":
            assert problems(ErrorObject, error) == []
        else:
            assert set(error) == {"code", "message"}


@pytest.mark.unit
@pytest.mark.parametrize("path", TALKS, ids=named)
def test_the_order_holds(path: Path) -> None:
    """One response at a time, each ended; deltas are the whole; nothing follows an item that is unknown."""
    running: str | None = None
    said: dict[str, str] = {}
    known: set[str | None] = {None}
    for line in lines(path):
        event, kind = line["event"], line["event"]["type"]
        if line["dir"] == "up":
            continue
        if kind == "response.created":
            assert running is None
            running = event["response"]["id"]
        elif kind == "response.done":
            assert event["response"]["id"] == running
            running = None
        elif "response_id" in event:
            assert event["response_id"] == running
        if "previous_item_id" in event:
            assert event["previous_item_id"] in known
        if kind in ("conversation.item.added", "conversation.item.created"):
            known.add(event["item"]["id"])
        if kind.endswith(("transcript.delta", "text.delta", "arguments.delta")):
            said[event["item_id"]] = said.get(event["item_id"], "") + event["delta"]
        for key, end in (
            ("transcript", "transcript.done"),
            ("text", "text.done"),
            ("arguments", "arguments.done"),
        ):
            if kind.endswith(end):
                assert event[key] == said.get(event["item_id"], "")
    assert running is None


@pytest.mark.integration
@pytest.mark.parametrize("vendor", list(VENDORS))
@pytest.mark.parametrize("name", ["voice_turn", "function_call", "text_turn"])
async def test_the_files_are_what_the_peers_say(vendor: str, name: str) -> None:
    assert plain(await play(vendor, name)) == (FOLDER / vendor / f"{name}.jsonl").read_text()
