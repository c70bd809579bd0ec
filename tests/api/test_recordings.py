"""Recordings over REST: who may, in pieces, deleted, paused; and what the session tells of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pydantic import SecretStr

from api.records import recordings as records
from api.records.sessions import LIFETIME_S
from gateway.config import Settings
from gateway.errors import HUNG_UP
from gateway.ports import CallSummary
from gateway.stores.schema import Session
from gateway.supervisor import CallRequest
from media.audio import AudioFormat
from media.record import Chunk
from media.wav import HEAD_BYTES
from tests.api.house import PERSONAS, FakeLeg, House, house
from tests.stores.calls import call_in

pytestmark = pytest.mark.integration

NOW = 1_800_000_000.0
MULAW = AudioFormat(8000, "mu")
KEYS = Settings(api_keys=(SecretStr("k-default"), SecretStr("acme:k-acme")))


async def recorded(api: House, session_id: str, call_id: str = "rtc_1") -> bytes:
    """A call of two seconds that is over; what a recording of it holds."""
    call = replace(call_in(session_id, started_at=api.clock[0]), call_id=call_id)
    await api.store.begin_call(call)
    tape = api.keeper.tape(call_id, MULAW)
    left, right = bytes(range(256)) * 64, b"\xff" * 16384
    tape.write(Chunk(0, left, right))
    await tape.close()
    await api.store.end_call(call_id, HUNG_UP, CallSummary(2048, 1, 0, 0, 0))
    await api.keeper.store_finished()
    return b"".join(bytes(pair) for pair in zip(left, right, strict=True))


async def test_a_recording_is_listened_to_in_whole_and_in_pieces(any_database: str) -> None:
    async with house(any_database, now=NOW) as api:
        session_id, key = await api.session()
        sound = await recorded(api, session_id)
        path, mine = f"/api/sessions/{session_id}/recording", {"X-Session-Access": key}
        async with api.client.get(path, headers=mine) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "audio/wav"
            assert answer.headers["Cache-Control"] == "private, no-store"
            assert answer.headers["Accept-Ranges"] == "bytes"
            whole = await answer.read()
            tag = answer.headers["ETag"]
        assert whole[HEAD_BYTES:] == sound
        size = len(whole)
        for asked, first, last in (
            ("bytes=0-99", 0, 99), ("bytes=100-", 100, size - 1), ("bytes=-10", size - 10, size - 1),
            (f"bytes={size - 1}-{size + 500}", size - 1, size - 1),
        ):  # fmt: skip
            async with api.client.get(path, headers={**mine, "Range": asked}) as answer:
                assert answer.status == 206
                assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
                assert await answer.read() == whole[first : last + 1]
        async with api.client.get(path, headers={**mine, "Range": f"bytes={size}-"}) as answer:
            assert answer.status == 416
            assert answer.headers["Content-Range"] == f"bytes */{size}"
            assert set(await answer.json()) == {"error", "message"}
        for ignored in ("bytes=0-1,5-6", "lines=1-2", "bytes=9-3"):
            async with api.client.get(path, headers={**mine, "Range": ignored}) as answer:
                assert (answer.status, len(await answer.read())) == (200, size)
        other = {**mine, "Range": "bytes=0-9", "If-Range": '"another"'}
        async with api.client.get(path, headers=other) as answer:
            assert answer.status == 200
        async with api.client.get(path, headers={**other, "If-Range": tag}) as answer:
            assert answer.status == 206
        async with api.client.head(path, headers=mine) as answer:
            assert (answer.status, answer.headers["Content-Length"]) == (200, str(size))
        async with api.client.get(f"/api/realtime/sessions/{session_id}") as answer:
            (call,) = (await answer.json())["session"]["metadata"]["calls"]
        assert call["recording"] == {
            "encoding": "mulaw", "rate": 8000, "durationMs": 2048, "bytes": size, "complete": True
        }  # fmt: skip


async def test_who_may(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS, now=NOW) as api:
        session_id, key = await api.session()
        other, other_key = await api.session()
        await recorded(api, session_id)
        path = f"/api/sessions/{session_id}/recording"

        async def asked(method: str, **headers: str) -> int:
            async with api.client.request(method, path, headers=headers) as answer:
                return answer.status

        for method in ("GET", "DELETE"):
            assert await asked(method) == 401
            assert await asked(method, **{"X-Session-Access": other_key}) == 401
            assert await asked(method, Authorization="Bearer k-acme") == 401
            assert await asked(method, Authorization="Bearer wrong") == 401
        # A cookie goes along with whatever a page sends: alone it is enough for listening only.
        assert await asked("DELETE", Cookie=f"session_access={key}") == 403
        assert await asked("GET", Cookie=f"session_access={key}") == 200
        api.clock[0] += LIFETIME_S + 1
        assert await asked("GET", **{"X-Session-Access": key}) == 404
        assert await asked("GET", Authorization="Bearer k-default") == 200
        assert await asked("DELETE", Authorization="Bearer k-default") == 204
        assert await asked("GET", Authorization="Bearer k-default") == 404
        assert await asked("DELETE", Authorization="Bearer k-default") == 404
        assert await records.of_session(api.deps.database, await _session(api, session_id)) == []
        assert other


async def _session(api: House, session_id: str) -> Session:
    session = await records.session_of(api.deps.database, session_id)
    assert session is not None
    return session


async def test_each_call_has_its_own(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session_id, key = await api.session()
        await recorded(api, session_id, "rtc_1")
        api.clock[0] += 60
        await recorded(api, session_id, "rtc_2")
        path, mine = f"/api/sessions/{session_id}/recording", {"X-Session-Access": key}
        for query, name in (("", "rtc_2"), ("?callId=rtc_1", "rtc_1")):
            async with api.client.get(path + query, headers=mine) as answer:
                assert f'"{name}.wav"' in answer.headers["Content-Disposition"]
        async with api.client.get(f"{path}?callId=rtc_3", headers=mine) as answer:
            assert answer.status == 404


async def test_a_live_recording_is_paused_and_not_there_yet(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session_id, key = await api.session()
        path, mine = f"/api/sessions/{session_id}/recording", {"X-Session-Access": key}
        async with api.client.post(f"{path}/pause", headers=mine) as answer:
            assert answer.status == 409
        call_id = api.supervisor.reserve(session_id)
        request = CallRequest(session_id, "default-practice", PERSONAS["assistant"])
        api.supervisor.begin(call_id, FakeLeg(call_id), request)
        await api.store.begin_call(replace(call_in(session_id, started_at=NOW), call_id=call_id))
        async with api.client.get(path, headers=mine) as answer:
            assert answer.status == 404
        api.supervisor.calls[call_id].recording = "on"
        async with api.client.get(path, headers=mine) as answer:
            assert (answer.status, (await answer.json())["error"]) == (409, "recording_not_ready")
        for act, state in (("pause", "paused"), ("resume", "on")):
            async with api.client.post(f"{path}/{act}", headers=mine) as answer:
                assert await answer.json() == {"sessionId": session_id, "recording": state}
            async with api.client.post(f"{path}/{act}", cookies={"session_access": key}) as answer:
                assert answer.status == 403


async def test_what_was_deleted_elsewhere_is_told(sqlite_url: str) -> None:
    async with house(sqlite_url, now=NOW) as api:
        session_id, key = await api.session()
        await recorded(api, session_id)
        (recording,) = await records.of_session(api.deps.database, await _session(api, session_id))
        await asyncio.to_thread(api.keeper._vault.delete, recording.key)
        path, mine = f"/api/sessions/{session_id}/recording", {"X-Session-Access": key}
        async with api.client.get(path, headers=mine) as answer:
            assert answer.status == 404
            assert answer.content_type == "application/json"
