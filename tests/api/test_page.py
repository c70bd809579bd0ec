"""The demo page's files: types, headers, and nothing but them."""

from __future__ import annotations

import re

import pytest

from api.surfaces.web.page import PAGES
from tests.api.house import house

pytestmark = pytest.mark.contract


async def test_browsers_get_the_page(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        response = await api.client.get(
            "/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        )
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["Permissions-Policy"].startswith("microphone=(self)")
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        page = await response.text()
        linked = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
        assert linked
        for path in linked:
            assert (await api.client.get(path)).status == 200, path


async def test_files_have_their_types_and_tags(sqlite_url: str) -> None:
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
    async with house(sqlite_url) as api:
        for file in sorted(PAGES.iterdir()):
            if file.suffix not in types:
                continue
            response = await api.client.get(f"/static/{file.name}")
            assert response.status == 200
            assert response.content_type == types[file.suffix]
            assert await response.read() == file.read_bytes()
            again = await api.client.get(
                f"/static/{file.name}", headers={"If-None-Match": response.headers["ETag"]}
            )
            assert again.status == 304


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".hidden.js",
        "../app.py",
        "..%2fapp.py",
        "%2e%2e/%2e%2e/app.js",
        "a//b.js",
        "x%00.js",
        "nothing.js",
        pytest.param("a" * 300 + ".js", id="longer than a file's name"),
        pytest.param("a/" * 3000 + "a.js", id="longer than a path"),
    ],
)
async def test_nothing_but_the_pages_files(sqlite_url: str, name: str) -> None:
    async with house(sqlite_url) as api:
        response = await api.client.get(f"/static/{name}")
        assert response.status == 404
