"""What PostgreSQL cannot hold is the client's fault, and no reason to ask again."""

from __future__ import annotations

import pytest

from tests.api.house import house

pytestmark = pytest.mark.contract


async def test_a_text_that_no_database_holds_is_told(any_database: str) -> None:
    async with house(any_database) as api:
        session, key = await api.session()
        mine = {"X-Session-Access": key}
        for method, path, body in (
            ("PATCH", f"/api/sessions/{session}/state", {"escalationReason": "a\x00b"}),
            ("PATCH", f"/api/sessions/{session}/state", {"pendingSteps": ["a", "b\x00"]}),
            ("POST", f"/api/realtime/sessions/{session}/utterances", {"speaker": "caller", "text": "\x00"}),
            ("POST", "/api/tools/execute", {"toolName": "find_slots", "parameters": {"x": {"a\x00": 1}}}),
        ):
            answer = await api.client.request(method, path, json=body, headers=mine)
            assert answer.status == 400, path
            assert "U+0000" in await answer.text()
        # What only looks like it is a text like any other.
        fine = {"completedStep": "a\\u0000b"}
        answer = await api.client.patch(f"/api/sessions/{session}/state", json=fine, headers=mine)
        assert answer.status == 200
        assert "a\\u0000b" in (await answer.json())["completedSteps"]
        for method, path, status in (
            ("GET", "/api/cp/tools/executions/a%00", 404),
            ("GET", "/api/cp/tools/approvals/a%00", 404),
            ("POST", "/api/cp/tools/approvals/a%00/approve", 404),
            ("GET", "/api/cp/sessions/a%00/tool-executions", 200),
        ):
            answer = await api.client.request(method, path, json={} if method == "POST" else None)
            assert answer.status == status, path
