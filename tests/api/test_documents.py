"""The API's own description, and what is asked of a browser that changes something."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from api.surfaces.core.examples import BODIES
from gateway.config import from_env
from tests.api.contract import CONTRACT
from tests.api.house import checked, house
from tests.stores.calls import call_in

pytestmark = pytest.mark.contract

SWAGGER = Path(__file__).parents[2] / "api" / "web" / "vendor" / "swagger-ui"
OFFICIAL = {
    "swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}
"""SHA-256 of the files of the npm package swagger-ui-dist 5.35.0."""


async def test_the_document_tells_of_what_is_there(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        answer = await api.client.get("/api/openapi.json")
        document = await checked(answer, "GET /api/openapi.json", status=200)
        paths: dict[str, dict[str, Any]] = document["paths"]
        assert paths["/api/sessions"].keys() == {"post"}, "nobody can list sessions yet"
        assert "/api/cp/billing-ops" not in paths
        for path, operations in paths.items():
            for method, operation in operations.items():
                assert plain(operation) == plain(CONTRACT["paths"][path][method])
                asked = re.sub(r"\{[^}]*\}", "x", path)
                told = await api.client.request(method.upper(), asked, allow_redirects=False)
                assert told.status not in (404, 405) or "{" in path or "such" in await told.text(), path
        assert document["info"]["version"] == api.deps.version


def plain(value: Any) -> Any:
    """Without examples."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items() if name != "example"}
    return [plain(each) for each in value] if isinstance(value, list) else value


async def test_what_the_page_shows_works_as_it_stands(sqlite_url: str) -> None:
    """As somebody who tries one after the other on this machine, with what they were given before."""
    async with house(sqlite_url) as api:
        document = await (await api.client.get("/api/openapi.json")).json()
        session, key = await api.session()
        made: dict[str, str] = {"id": session, "sessionId": session}
        tried = set()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                known = made | {
                    one["name"]: one["example"]
                    for one in operation.get("parameters", ())
                    if "example" in one
                }
                name = operation["operationId"]
                bodies = operation.get("requestBody", {}).get("content", {})
                body: dict[str, Any] = next(iter(bodies.values()), {})
                if name == "createFastStartProfile":
                    created = await api.client.post(path, json=body["example"])
                    known["profileId"] = made["profileId"] = (await created.json())["item"]["id"]
                wanted = set(re.findall(r"\{([^}]*)\}", path))
                if not wanted <= known.keys() or (method != "get" and "example" not in body):
                    continue
                asked = path.format_map(known)
                query = {
                    one["name"]: one["example"]
                    for one in operation.get("parameters", ())
                    if one["in"] == "query" and "example" in one
                }
                answer = await api.client.request(
                    method, asked, params=query, json=body.get("example"), headers={"X-Session-Access": key},
                    allow_redirects=False,
                )  # fmt: skip
                assert answer.status < 400, (name, answer.status, await answer.text())
                tried.add(name)
                if name == "executeTool":
                    assert (await answer.json())["success"]
        assert BODIES.keys() <= tried, "each body was sent"
        assert {"getTools", "getPersonaRuntime", "getScenarioBySlug", "cpGetScenarioBySlug"} <= tried


async def test_the_page_needs_nobody_else(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        for path in ("/api/docs", "/api/docs/ui"):
            moved = await api.client.get(path, allow_redirects=False)
            assert (moved.status, moved.headers["Location"]) == (302, "/api/doc")
        page = await api.client.get("/api/doc")
        text = await page.text()
        assert page.content_type == "text/html"
        assert "unsafe-eval" not in page.headers["Content-Security-Policy"]
        links = re.findall(r'(?:src|href)="([^"]+)"', text)
        assert len(links) == 6
        for link in links:
            assert link.startswith("/"), link
            assert (await api.client.get(link)).status == 200, link


@pytest.mark.parametrize("name", OFFICIAL)
def test_swagger_ui_is_what_was_published(name: str) -> None:
    assert hashlib.sha256((SWAGGER / name).read_bytes()).hexdigest() == OFFICIAL[name]


async def test_what_runs(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        told = await checked(await api.client.get("/api/build-info"), "GET /api/build-info", status=200)
        assert told == {
            "buildId": api.deps.version,
            "deploymentTime": "2027-01-15T08:00:00Z",
            "version": api.deps.version,
        }
    async with house(sqlite_url, settings=from_env({"PARLEY_BUILD_ID": "4f2c"})) as api:
        told = await checked(await api.client.get("/api/build-info"), "GET /api/build-info", status=200)
        assert told["buildId"] == "4f2c"


async def test_a_cookie_alone_changes_nothing(sqlite_url: str) -> None:
    """What a page of somebody else's could have a browser send is refused; a page of ours reads the token first."""
    async with house(sqlite_url) as api:
        session, key = await api.session()
        await api.store.begin_call(call_in(session, started_at=api.clock[0]))
        other, other_key = await api.session()

        async def pause(status: int, **headers: str) -> None:
            path = f"/api/sessions/{session}/recording/pause"
            answer = await api.client.post(
                path, headers={n.replace("_", "-"): v for n, v in headers.items()}
            )
            assert answer.status == status, await answer.text()

        async def token(of: str) -> str:
            answer = await api.client.get("/api/csrf", headers={"Cookie": f"session_access={of}"})
            told = await checked(answer, "GET /api/csrf", status=200)
            value: str = told["csrfToken"]
            return value

        cookie = f"session_access={key}"
        await pause(403, Cookie=cookie)
        await pause(403, Cookie=cookie, X_CSRF_Token="")
        await pause(403, Cookie=cookie, X_CSRF_Token=await token(other_key))
        await pause(403, Cookie=cookie, X_CSRF_Token="ü")
        await pause(409, Cookie=cookie, X_CSRF_Token=await token(key))  # no call of this process
        await pause(409, X_Session_Access=key)
        await pause(401, Cookie=f"session_access={other_key}", X_CSRF_Token=await token(other_key))
        assert other != session
        read = await api.client.get(f"/api/sessions/{session}", headers={"Cookie": cookie})
        assert read.status == 200
