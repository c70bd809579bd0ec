"""The guards of conftest.py guard, and the virtual clock is one."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.caller_audio import caller, pcm, recording, recordings
from tests.virtual import Deadlock, VirtualLoop

pytestmark = pytest.mark.unit


@pytest.mark.virtual_time
async def test_virtual_time_jumps() -> None:
    loop, began = asyncio.get_running_loop(), time.monotonic()
    start = loop.time()
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(3600))
        late = group.create_task(asyncio.sleep(7200))
    assert late.done()
    assert loop.time() - start == pytest.approx(7200)
    assert time.monotonic() - began < 5


@pytest.mark.virtual_time
async def test_virtual_timeouts_expire_in_order() -> None:
    order: list[int] = []

    async def wait(seconds: int) -> None:
        await asyncio.sleep(seconds)
        order.append(seconds)

    async with asyncio.TaskGroup() as group:
        for seconds in (3, 1, 2):
            group.create_task(wait(seconds))
    assert order == [1, 2, 3]


def test_a_deadlock_is_an_exception() -> None:
    with pytest.raises(Deadlock), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(asyncio.Event().wait())


def test_recordings_are_what_the_manifest_says() -> None:
    assert len(recordings()) >= 20
    for one in recordings():
        assert len(pcm(one.name)) == pytest.approx(one.duration_s * 32000, abs=320)
    assert recording("dental_01_book.wav").expect == "ok"
    with pytest.raises(FileNotFoundError, match="there are backchannel_uhhuh"):
        caller("nobody")


GUARDED = """
import asyncio, threading, time
import pytest

async def test_leaves_a_task():
    globals()["kept"] = asyncio.get_running_loop().create_task(asyncio.sleep(60))

def test_leaves_a_thread():
    threading.Thread(target=time.sleep, args=(1.5,), name="forgotten").start()

async def test_leaves_an_error():
    async def fail():
        raise RuntimeError("unseen")
    task = asyncio.get_running_loop().create_task(fail())
    await asyncio.sleep(0)
    del task

async def test_clean():
    await asyncio.sleep(0)

def test_skips():
    pytest.skip("no such program")
"""


def test_the_guards_guard(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    pytester.makepyfile(GUARDED)
    result = pytester.runpytest_subprocess(
        "--asyncio-mode=auto", "-p", "tests.conftest", "-o", "asyncio_default_fixture_loop_scope=function"
    )
    text = result.stdout.str()
    assert "tasks left running" in text
    assert "threads left running: forgotten" in text
    assert "errors nobody handled" in text
    assert "in CI is a failure: Skipped: no such program" in text
    result.assert_outcomes(passed=4, errors=3, failed=1)
