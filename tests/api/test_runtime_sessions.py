"""Sessions whose media a client runs itself: what it tells is kept, and read back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.records import client_told
from tests.api.house import House, checked, house
from tests.stores.calls import call_in, said

pytestmark = pytest.mark.contract

NEW = {
    "personaId": "dental_reception",
    "personaName": "Nora of the west branch",
    "locale": "en-US",
    "transportMode": "TELEPHONY_LIVEKIT",
    "channelId": "room-7",
    "metadata": {"campaign": "spring", "calls": "none of yours"},
}
SESSIONS = "POST /api/realtime/sessions"
ONE = "/api/realtime/sessions/{sessionId}"
STATS: dict[str, Any] = {
    "transportMode": "TELEPHONY_LIVEKIT",
    "uptime": 12.5,
    "utteranceCount": 3,
    "lastActivity": 1.8e12,
}


async def opened(api: House, **changes: object) -> dict[str, Any]:
    answer = await api.client.post("/api/realtime/sessions", json=NEW | changes)
    return await checked(answer, SESSIONS, status=200)


async def told(api: House, session: str, what: str, status: int = 200, **body: object) -> dict[str, Any]:
    answer = await api.client.post(f"/api/realtime/sessions/{session}/{what}", json=body)
    return await checked(answer, f"POST {ONE}/{what}", status=status)


async def refused(api: House, session: str, what: str, status: int, says: str, **body: object) -> None:
    answer = await api.client.post(f"/api/realtime/sessions/{session}/{what}", json=body)
    text = await answer.text()
    assert answer.status == status, text
    assert says in text


async def test_a_session_as_its_client_tells_it(any_database: str) -> None:
    async with house(any_database) as api:
        first = await opened(api)
        session = first["session"]
        assert (session["state"], session["transportMode"]) == ("initializing", "TELEPHONY_LIVEKIT")
        assert (session["channelId"], session["personaName"]) == ("room-7", "Nora of the west branch")
        assert session["metadata"]["campaign"] == "spring"
        assert session["metadata"]["calls"] == [], "what we know is not overwritten"
        assert first["stats"] is None
        name = session["sessionId"]
        api.clock[0] += 3
        await told(
            api, name, "utterances", speaker="caller", text="Tomorrow.", startTime=2000, endTime=2600.4
        )
        after = await told(
            api, name, "utterances", speaker="agent", text="When?", startTime=500, confidence=0.5, locale="en-GB",
            metadata={"x": 1},
        )  # fmt: skip
        assert [one["text"] for one in after["transcript"]] == ["When?", "Tomorrow."]
        assert after["transcript"][0] == {
            "id": f"{name}:1", "sessionId": name, "speaker": "agent", "text": "When?", "startTime": 500,
            "endTime": 500, "confidence": 0.5, "locale": "en-GB", "metadata": {"x": 1},
        }  # fmt: skip
        assert (after["session"]["state"], after["session"]["utteranceCount"]) == ("active", 2)
        assert after["session"]["updatedAt"] == session["createdAt"] + 3000
        now = await told(api, name, "utterances", speaker="caller", text="Now.")
        assert now["transcript"][-1]["startTime"] == round(api.clock[0] * 1000)

        await told(api, name, "stats", sessionId=name, **STATS, jitterMs=4.5)
        figures = (await told(api, name, "stats", sessionId=name, **STATS))["stats"]
        assert figures == {"sessionId": name, **STATS}, "the later figures stand alone"
        read = await checked(
            await api.client.get(f"/api/realtime/sessions/{name}"), f"GET {ONE}", status=200
        )
        assert read["session"]["mediaStats"] == figures
        assert len(read["transcript"]) == 3


async def test_what_is_told_stands_beside_what_we_heard(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        session, _ = await api.session()
        call = call_in(session, started_at=api.clock[0])
        await api.store.begin_call(call)
        api.store.transcript(said(call, "item_a", 1, "Hello?", start_ms=1000))
        await api.store.flush()
        begun = round(api.clock[0] * 1000)
        both = await told(api, session, "utterances", speaker="note", text="It rings.", startTime=begun)
        assert [one["text"] for one in both["transcript"]] == ["It rings.", "Hello?"]
        assert both["session"]["transportMode"] == "BROWSER_REALTIME"


async def test_many_tell_at_once_and_nothing_is_lost(any_database: str) -> None:
    async with house(any_database) as api:
        name = (await opened(api))["session"]["sessionId"]
        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(told(api, name, "utterances", speaker="caller", text=str(number)))
        read = await checked(
            await api.client.get(f"/api/realtime/sessions/{name}"), f"GET {ONE}", status=200
        )
        assert {one["text"] for one in read["transcript"]} == {str(number) for number in range(12)}
        assert len({one["id"] for one in read["transcript"]}) == 12


async def test_a_session_takes_so_many(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_told, "UTTERANCES_AT_MOST", 2)
    async with house(sqlite_url) as api:
        name = (await opened(api))["session"]["sessionId"]
        for _ in range(2):
            await told(api, name, "utterances", speaker="caller", text="Yes.")
        await refused(api, name, "utterances", 400, "may have 2 utterances", speaker="caller", text="Yes.")


@pytest.mark.parametrize("more", [{"text": "x" * 300}, {"text": "x", "metadata": {"note": "y" * 300}}])
async def test_a_session_takes_so_much(
    any_database: str, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    monkeypatch.setattr(client_told, "CHARACTERS_AT_MOST", 500)
    async with house(any_database) as api:
        name, other = [(await opened(api))["session"]["sessionId"] for _ in range(2)]
        for _ in range(2):
            await told(api, name, "utterances", speaker="caller", **more)
        await refused(api, name, "utterances", 400, "500 characters", speaker="caller", text="Yes.")
        await told(api, other, "utterances", speaker="caller", text="Yes.")


async def test_what_is_wrong_is_told(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        for changes, says in (
            ({"personaId": "nobody"}, "no persona of that id"),
            ({"transportMode": "PIGEON"}, "transportMode"),
            ({"locale": "e"}, "locale"),
            ({"metadata": {"x": "y" * 17_000}}, "may have 16384"),
            ({"tenantId": "../x"}, "tenantId"),
        ):
            answer = await api.client.post("/api/realtime/sessions", json=NEW | changes)
            assert answer.status == 400
            assert says in await answer.text()
        name = (await opened(api))["session"]["sessionId"]
        line = {"speaker": "caller", "text": "Hello."}
        await refused(api, name, "utterances", 400, "text", speaker="caller", text="")
        await refused(api, name, "utterances", 400, "before startTime", **line, startTime=9, endTime=8)
        await refused(api, name, "utterances", 400, "confidence", **line, confidence=1.5)
        await refused(api, name, "utterances", 400, "startTime", **line, startTime=1e300)
        await refused(api, name, "stats", 400, "session of the path", sessionId="other", **STATS)
        await refused(api, name, "stats", 400, "uptime", sessionId=name, **(STATS | {"uptime": -1}))
        await refused(api, "nothing", "utterances", 404, "no such session", **line)
        await refused(api, "nothing", "stats", 404, "no such session", sessionId="nothing", **STATS)
        api.clock[0] += 25 * 3600
        await refused(api, name, "utterances", 404, "expired", **line)
