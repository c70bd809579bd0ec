"""The operator's page: what waits is seen, decided, and done or not; in light, dark and on a phone."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.server import Server
from tests.e2e.test_screens import LOOKS, fits

pytestmark = pytest.mark.e2e

TENANT = "default-practice"


def execute(server: Server, city: str) -> tuple[int, Any]:
    body = {"toolName": "weather", "parameters": {"city": city}, "idempotencyKey": f"approvals-{city}"}
    return server.post("/api/tools/execute", json.dumps(body).encode(), Content_Type="application/json")


def override(server: Server, **changes: object) -> None:
    path = f"/api/cp/tool-policy/tenants/{TENANT}/overrides/weather"
    request = urllib.request.Request(
        server.url + path,
        data=json.dumps(changes).encode(),
        headers={"Content-Type": "application/json"},
        method="PATCH",
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200


def test_a_person_decides_on_the_page(browser: Browser, server: Server, screenshots: Path) -> None:
    context = browser.new_context(reduced_motion="reduce", device_scale_factor=1.5)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)

    def pictures(state: str) -> None:
        for look, (size, scheme) in LOOKS.items():
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=screenshots / f"{look}-{state}.png", full_page=True)
            fits(page)

    override(server, requiresApproval=True)
    try:
        page.goto(f"{server.url}/console/approvals")
        expect(page.get_by_text("Nothing waits for a decision.")).to_be_visible()
        for city in ("Oslo", "Lima"):
            assert execute(server, city)[0] == 202
        waiting = page.get_by_role("list", name="Waiting for you").get_by_role("listitem")
        expect(waiting).to_have_count(2)
        expect(waiting.first).to_contain_text("Oslo")
        waiting.first.get_by_label("Note (optional)").fill("Go on.")
        pictures("approvals-1-waiting")
        waiting.first.get_by_role("button", name="Approve weather").click()
        expect(waiting).to_have_count(1)
        waiting.first.get_by_role("button", name="Reject weather").click()
        expect(waiting).to_have_count(0)
        decided = page.get_by_role("list", name="Settled lately").get_by_role("listitem")
        expect(decided).to_have_count(2)
        expect(decided.nth(0)).to_contain_text("rejected")
        expect(decided.nth(1)).to_contain_text("Go on.")
        pictures("approvals-2-decided")
        status, oslo = execute(server, "Oslo")
        assert (status, oslo["idempotentReplay"], oslo["success"]) == (200, True, True)
        assert execute(server, "Lima")[0] == 403
        assert not faults
        # With server keys it asks for one.
        page.route("**/api/cp/tools/approvals*", lambda route: route.fulfill(status=401, body="{}"))
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        pictures("approvals-3-sign-in")
    finally:
        override(server, requiresApproval=None)
        context.close()
