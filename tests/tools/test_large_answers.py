"""A large answer of a service is read beside the loop, which has calls to carry; a small one at once."""

from __future__ import annotations

import threading
from typing import Any

import jmespath
import pytest
from aiohttp import web

from tests.tools.service import Service
from tests.tools.test_http_tool import ORDERS, made, run, secrets, sender, service, told
from tools.http.tool import LARGE
from tools.outbound.sender import Sender
from tools.secrets import Secrets

__all__ = ["secrets", "sender", "service"]

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("large", "beside"), [(True, True), (False, False)])
async def test_the_loop_does_not_read_what_is_large(
    large: bool,
    beside: bool,
    service: Service,
    sender: Sender,
    secrets: Secrets,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readers: set[str] = set()
    search = jmespath.search

    def seen(path: str, content: Any) -> Any:
        readers.add(threading.current_thread().name)
        return search(path, content)

    monkeypatch.setattr(jmespath, "search", seen)
    tool = await made(tmp_path, ORDERS, service, sender, secrets)
    names = ["mug"] * (LARGE // 8 if large else 2)
    service.answers = [
        web.json_response({"order": {"status": "sent", "lines": [{"name": n} for n in names]}})
    ]
    assert told(await run(tool, number="550172")) == {"status": "sent", "items": names}
    assert (threading.main_thread().name not in readers) is beside
    assert len(readers) == 1


async def test_a_large_refusal_is_understood_all_the_same(
    service: Service,
    sender: Sender,
    secrets: Secrets,
    tmp_path: Any,
) -> None:
    tool = await made(tmp_path, ORDERS, service, sender, secrets)
    service.answers = [web.json_response({"error": {"message": "x" * LARGE}}, status=404)]
    assert "There is no order 550172" in told(await run(tool, number="550172"))["error"]
