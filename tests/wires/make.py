"""Writes the wire files anew: `python -m tests.wires.make`."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from pathlib import Path

from openai.types.beta.realtime import RealtimeClientEvent as BetaClient
from openai.types.beta.realtime import RealtimeServerEvent as BetaServer
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from websockets.exceptions import InvalidStatus

from tests.peers.bad import dialled
from tests.peers.faults import Event
from tests.peers.peer import RealtimePeer
from tests.peers.script import Refusal, Script
from tests.peers.strict import by_type
from tests.peers.voicelive_types import CLIENT_EVENT, SERVER_EVENT
from tests.wires.situations import SITUATIONS, Talk
from tests.wires.words import VENDORS, Words

__all__ = ["FOLDER", "main"]

FOLDER = Path(__file__).parent
TYPES = {
    "openai": ("5", "6", RealtimeClientEvent, RealtimeServerEvent, "openai.types.realtime"),
    "azure": (
        "14.1 and 5",
        "14.1 and 6",
        RealtimeClientEvent,
        RealtimeServerEvent,
        "openai.types.realtime",
    ),
    "azure_preview": ("14.2", "14.2", BetaClient, BetaServer, "openai.types.beta.realtime"),
    "voicelive": ("14.3", "14.3", CLIENT_EVENT, SERVER_EVENT, "azure.ai.voicelive.models"),
}
REFUSALS = (
    Refusal(403, "unsupported_country_region_territory", "Country, region, or territory not supported."),
    Refusal(429, "insufficient_quota", "You exceeded your current quota.", "insufficient_quota"),
    Refusal(500, "server_error", "The server had an error while processing your request.", "server_error"),
    Refusal(503, "service_unavailable", "The service is overloaded, try again later.", "server_error"),
)


def source(vendor: str, way: str, event: Event) -> str:
    """Where the shape of a line stands."""
    up, down, client, server, package = TYPES[vendor]
    section, union = (up, client) if way == "up" else (down, server)
    return f"reference {section}; {package}.{by_type(union)[event['type']].__name__}"


async def play(vendor: str, name: str) -> list[Event]:
    """One situation at one vendor's peer, as lines."""
    script, situation = SITUATIONS[name]
    words = VENDORS[vendor]
    lines: list[Event] = []

    def note(way: str, event: Event) -> None:
        lines.append({"dir": way, "source": source(vendor, way, event), "event": event})

    async with words.open(script) as peer, dialled(peer.url + words.query, words.headers) as socket:

        async def send(event: Event) -> None:
            note("up", event)
            await socket.send(json.dumps(event))

        async def until(*kinds: str) -> Event:
            while True:
                event: Event = json.loads(await socket.recv())
                note("down", event)
                if event["type"] in kinds:
                    return event

        await until("session.created")
        await situation(Talk(words, send, until, peer.expire))
    return lines


async def refused(vendor: str, words: Words) -> list[Event]:
    """The bodies of refused upgrades."""
    wrong = dict.fromkeys(words.headers, "wrong")
    lines = []
    async with words.open(Script(refusals=())) as peer:
        lines.append(
            await _refused(vendor, peer, words.query, wrong, "14.1" if vendor != "openai" else "10")
        )
    async with words.open(Script(refusals=REFUSALS)) as peer:
        for _ in REFUSALS:
            lines.append(await _refused(vendor, peer, words.query, words.headers, "10"))  # noqa: PERF401 - in order
    return lines


async def _refused(
    vendor: str, peer: RealtimePeer, query: str, headers: dict[str, str], section: str
) -> Event:
    try:
        async with dialled(peer.url + query, headers):
            raise AssertionError("the upgrade was taken")
    except InvalidStatus as refusal:
        body = json.loads(refusal.response.body or b"{}")
        status = refusal.response.status_code
    kind = "openai.types.shared.ErrorObject" if vendor == "openai" else "Azure's error, code and message"
    return {"dir": "down", "source": f"reference {section}; {kind}", "status": status, "event": body}


OPAQUE = re.compile(r"\b(item|resp|event|sess|conv|call)_[0-9a-f]{20}\b")


def plain(lines: list[Event]) -> str:
    """JSON lines with ids numbered in the order of their first appearance, and one time for all."""
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()

    def numbered(found: re.Match[str]) -> str:
        if found[0] not in names:
            counts[found[1]] += 1
            names[found[0]] = f"{found[1]}_{counts[found[1]]}"
        return names[found[0]]

    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return re.sub(r'"expires_at": \d+', '"expires_at": 1760003600', OPAQUE.sub(numbered, text))


async def _all() -> dict[Path, str]:
    files: dict[Path, str] = {}
    for vendor, words in VENDORS.items():
        for name in SITUATIONS:
            files[FOLDER / vendor / f"{name}.jsonl"] = plain(await play(vendor, name))
        files[FOLDER / vendor / "http.jsonl"] = plain(await refused(vendor, words))
    return files


def main() -> None:
    for path, text in asyncio.run(_all()).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
