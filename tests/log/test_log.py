"""A log line tells which call it is of and where a fault was, and quotes nobody."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator
from typing import Literal

import orjson
import pytest

from gateway.log import OURS, call_id, set_up, where

pytestmark = pytest.mark.unit

SPOKEN = "my card is 4111"


def broken(depth: int = 0) -> None:
    if depth:
        broken(depth - 1)
    raise KeyError(SPOKEN)


def caught(depth: int = 0) -> Exception:
    try:
        broken(depth)
    except KeyError as error:
        return error
    raise AssertionError


def line_of(error: BaseException) -> str:
    told = where(error)
    assert SPOKEN not in told
    return told


def test_a_fault_is_told_by_its_class_and_place() -> None:
    told = line_of(caught())
    assert told.startswith("KeyError at log/test_log.py:")
    assert told.count("test_log.py:") == 2
    assert line_of(caught(depth=30)).count("test_log.py:") == 4


def test_causes_and_members_are_told_too() -> None:
    with pytest.raises(ValueError, match=SPOKEN) as raised:
        raise ValueError(SPOKEN) from caught()
    told = line_of(raised.value)
    assert [part.split()[0] for part in told.split("; from ")] == ["ValueError", "KeyError"]
    assert line_of(ExceptionGroup(SPOKEN, [caught(), OSError(SPOKEN)])).endswith("; from OSError")
    assert line_of(ExceptionGroup(SPOKEN, [OSError(SPOKEN)] * 100)).count("from") == 3


@pytest.fixture
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)


async def logged(form: Literal["text", "json"], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    set_up("info", form)
    log = logging.getLogger("gateway.somewhere")

    async def call(name: str) -> None:
        call_id.set(name)
        log.info("in the call")

    async with asyncio.TaskGroup() as group:
        group.create_task(call("rtc_1"))
        group.create_task(call("rtc_2"))
    log.info("outside")
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_level_is_for_what_is_ours(level: str, monkeypatch: pytest.MonkeyPatch, restored: None) -> None:
    """At `debug` the database's driver tells every statement with its values: transcripts among them."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    set_up(level, "text")
    for name in ("aiosqlite", "asyncio", "aioice.ice", "gateway.call.run", "api.app"):
        log = logging.getLogger(name)
        for grade in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            log.log(grade, "%s", logging.getLevelName(grade))
    lines = stream.getvalue().splitlines()
    graded = [(line.split()[2].rstrip(":"), line.split()[1]) for line in lines]
    order = ["debug", "info", "warning", "error"]
    wanted = order[order.index(level) :]
    for name in ("gateway.call.run", "api.app"):
        assert [grade for one, grade in graded if one == name] == wanted
    for name in ("aiosqlite", "asyncio", "aioice.ice"):
        assert [grade for one, grade in graded if one == name] == [
            grade for grade in wanted if grade not in ("debug", "info")
        ]


async def test_a_line_of_a_call_names_it(monkeypatch: pytest.MonkeyPatch, restored: None) -> None:
    lines = await logged("text", monkeypatch)
    assert [line.partition("gateway.somewhere: ")[2] for line in lines] == [
        "in the call [rtc_1]",
        "in the call [rtc_2]",
        "outside",
    ]
    records = [orjson.loads(line) for line in await logged("json", monkeypatch)]
    assert [record.get("call_id") for record in records] == ["rtc_1", "rtc_2", None]
