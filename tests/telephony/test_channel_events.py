"""Channel events over REST: told once, in order, by who may; and the session of a phone call."""

from __future__ import annotations

import hmac
import json

import pytest
from pydantic import SecretStr

from api.records import channel
from api.records.sessions import NewSession
from api.surfaces.telephony.calls.events import received
from gateway.config import Settings
from tests.api.house import House, checked, house

pytestmark = pytest.mark.integration

SECRET = "s3cret-of-telephony"
WEBHOOK = "POST /api/webhooks/telephony-events"
NOW = 1_800_000_000.0


async def told(api: House, event: object, secret: str = SECRET) -> int:
    raw = json.dumps(event).encode()
    signature = hmac.new(secret.encode(), raw, "sha256").hexdigest()
    async with api.client.post(
        "/api/webhooks/telephony-events",
        data=raw,
        headers={"Content-Type": "application/json", "X-Telephony-Signature": signature},
    ) as answer:
        if answer.status == 401:
            await checked(answer, WEBHOOK, status=401)
        return answer.status


async def events(api: House, session_id: str, key: str) -> list[dict[str, object]]:
    answer = await api.client.get(
        f"/api/sessions/{session_id}/channel-events", headers={"X-Session-Access": key}
    )
    body = await checked(answer, "GET /api/sessions/{id}/channel-events", status=200)
    assert body["count"] == len(body["events"])
    found: list[dict[str, object]] = body["events"]
    return found


def signed_only() -> Settings:
    return Settings(telephony_webhook_secret=SecretStr(SECRET))


async def test_events_are_kept_once_and_in_order(any_database: str) -> None:
    async with house(any_database, settings=signed_only()) as api:
        session_id, key = await api.session()
        assert await events(api, session_id, key) == []
        common = {"sessionId": session_id, "callSid": "CA1", "providerId": "twilio_voice"}
        completed = {
            **common,
            "status": "completed",
            "sequenceNumber": 3,
            "timestamp": "2026-01-02T03:04:09Z",
        }
        ringing = {**common, "status": "ringing", "sequenceNumber": 1, "timestamp": "2026-01-02T03:04:05Z"}
        talking = {**common, "status": "in-progress", "sequenceNumber": 2, "meta": {"hops": 2}}
        for event in (completed, ringing, talking, ringing):
            assert await told(api, event) == 200
        found = await events(api, session_id, key)
        assert [(one["type"], one["status"]) for one in found] == [
            ("call_status", "ringing"),
            ("call_status", "in_progress"),
            ("call_completed", "completed"),
        ]
        assert found[0]["timestamp"] == "2026-01-02T03:04:05.000Z"
        assert found[1]["rawStatus"] == "in-progress"
        assert found[1]["meta"] == {"hops": 2}
        other, other_key = await api.session()
        assert await events(api, other, other_key) == []


async def test_what_the_carrier_did_not_count_stands_where_it_happened(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=signed_only()) as api:
        session_id, key = await api.session()
        common = {"sessionId": session_id, "callSid": "CA1", "providerId": "twilio_voice"}
        at = "2026-01-02T03:04:{:02}Z".format
        for event in (
            {"status": "ringing", "sequenceNumber": 1, "timestamp": at(5)},
            {"status": "in-progress", "sequenceNumber": 2, "timestamp": at(6)},
            {"status": "transferring", "timestamp": at(9)},
            {"status": "transferred", "timestamp": at(10)},
            # Carriers cut the time to whole seconds: the count goes before.
            {"status": "completed", "sequenceNumber": 3, "timestamp": at(9)},
        ):
            assert await told(api, {**common, **event}) == 200
        found = [one["status"] for one in await events(api, session_id, key)]
        assert found == ["ringing", "in_progress", "transferring", "transferred", "completed"]


async def test_a_carriers_call_finds_its_session(any_database: str) -> None:
    async with house(any_database, settings=signed_only()) as api:
        new = NewSession("default-practice", "dental-booking", "Dental", "dental_reception")
        given = [
            await channel.open_call(
                api.deps.database,
                api.deps.access,
                one,
                carrier="twilio",
                carrier_call="CA7",
                direction="inbound",
                first=received("twilio", NOW),
                now=NOW,
            )
            for one in (new, NewSession("default-practice", "dental-booking", "Dental", "dental_reception"))
        ]
        assert given == [new.id, new.id]
        assert await told(api, {"callSid": "CA7", "providerId": "twilio_voice", "status": "busy"}) == 200
        assert await told(api, {"callSid": "CA8", "providerId": "twilio_voice", "status": "busy"}) == 200
        azure = {
            "id": "e1",
            "type": "Microsoft.Communication.CallDisconnected",
            "time": "2026-01-02T03:04:05Z",
            "data": {"operationContext": new.id, "callConnectionId": "c-1"},
        }
        assert await told(api, azure) == 200
        found = await events(api, new.id, api.deps.access.key_of(new.id))
        assert {(one["type"], one["status"], one["providerId"]) for one in found} == {
            ("inbound_received", "ringing", "twilio_voice"),
            ("call_completed", "busy", "twilio_voice"),
            ("call_completed", "completed", "acs_voice"),
        }


async def test_what_is_not_signed_is_not_read(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=signed_only()) as api:
        session_id, key = await api.session()
        event = {"sessionId": session_id, "status": "ringing"}
        assert await told(api, event, secret="another") == 401
        assert (await api.client.post("/api/webhooks/telephony-events", json=event)).status == 401
        assert (await api.client.post("/api/webhooks/telephony-events", data=b"{")).status == 401
        assert await events(api, session_id, key) == []
        answer = await api.client.get(f"/api/sessions/{session_id}/channel-events")
        await checked(answer, "GET /api/sessions/{id}/channel-events", status=401)


async def test_without_a_secret_only_this_machine_may_tell(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        session_id, _ = await api.session()
        event = {"sessionId": session_id, "status": "ringing"}
        assert (await api.client.post("/api/webhooks/telephony-events", json=event)).status == 200
        proxied = {"X-Forwarded-For": "192.0.2.1"}
        answer = await api.client.post("/api/webhooks/telephony-events", json=event, headers=proxied)
        assert answer.status == 401


@pytest.mark.parametrize(
    "event",
    [
        [],
        "x",
        {},
        {"sessionId": "s"},
        {"status": "ringing"},
        {"sessionId": 3, "status": "ringing"},
        {"sessionId": "s", "status": "x" * 65},
        {"sessionId": "s", "status": "\x00"},
        {"sessionId": "s", "status": "ringing", "meta": {"deep": {}}},
        {"sessionId": "s", "status": "ringing", "sequenceNumber": -1},
    ],
    ids=str,
)
async def test_what_is_no_event_is_400(sqlite_url: str, event: object) -> None:
    async with house(sqlite_url, settings=signed_only()) as api:
        assert await told(api, event) == 400
