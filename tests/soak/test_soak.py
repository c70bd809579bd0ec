"""The soak in its short form: callers of every kind, and nothing is left of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.soak.callers import KINDS
from scripts.soak.run import Report, soak
from scripts.soak.server import Held

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


async def test_callers_of_every_kind_leave_nothing_behind(tmp_path: Path) -> None:
    report = await soak(tmp_path, calls=24, seed=5, at_once=8, say=print)
    assert report.callers == 24
    assert set(report.kinds) == {kind.__name__ for kind in KINDS}
    assert report.left == []
    assert report.faults == {}
    assert report.tracebacks == 0
    assert report.wrong_endings == 0
    assert {"caller/hung-up", "caller/left", "caller/never-connected"} <= set(report.endings)


def test_whatever_is_left_is_told() -> None:
    before = Held(
        {"python": 18}, {"/data/parley.db": 5}, {"AF_INET6 SOCK_DGRAM NONE": 1}, {}, {"ringing": 1}
    )
    after = Held({"python": 18}, {"/data/parley.db": 6, "pipe": 1}, {}, {}, {"ringing": 1, "call:rtc": 1})
    assert after.beyond(before) == [
        "descriptors /data/parley.db: 5 before, 6 after",
        "descriptors pipe: 0 before, 1 after",
        "sockets AF_INET6 SOCK_DGRAM NONE: 1 before, 0 after",
        "tasks call:rtc: 0 before, 1 after",
    ]
    assert before.beyond(before) == []


def test_the_slope_is_that_of_the_callers_that_count() -> None:
    memory = [(number, 90_000.0 + 500 * min(number, 200) + 2 * number) for number in range(10, 1001, 10)]
    assert 1.9 < Report(1, memory=memory).slope_kb(200) < 2.1
