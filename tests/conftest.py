"""What every test must hold: no task, thread or unhandled error left behind, no blocked loop, no silent skip."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

from tests.virtual import VirtualLoop

CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

# ── property tests ────────────────────────────────────────────────────────────────────────────────────────

# The function-scoped fixtures here only watch; they need no reset between examples.
_watched = (HealthCheck.function_scoped_fixture,)
settings.register_profile("dev", max_examples=50, deadline=None, suppress_health_check=_watched)
settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=_watched
)
settings.register_profile(
    "nightly",
    max_examples=2000,
    deadline=None,
    suppress_health_check=(*_watched, HealthCheck.too_slow),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if CI else "dev"))


# ── the loop ──────────────────────────────────────────────────────────────────────────────────────────────


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("virtual_time"):
        return {"virtual": VirtualLoop}
    return {"real": asyncio.new_event_loop}


BLOCKING_ALLOWED = (
    # alembic knows only blocking calls; it has a thread with a loop of its own.
    ("gateway/stores/migrate.py", "_run"),
    # asyncpg looks for password and key files, once per connection.
    ("asyncpg/connect_utils.py", "_parse_connect_arguments"),
)
"""(file, function) that may block the loop it runs in; each with the reason why."""

HARMLESS = ("os.path.abspath", "os.getcwd")
"""Asks the kernel for the process's own folder: no disk is touched."""


@pytest.fixture(scope="session", autouse=True)
def _unblocked_loop() -> Iterator[None]:
    """Our own code that blocks a running loop (a file, a lock, a sleep) raises BlockingError."""
    guard = BlockBuster(scanned_modules=["gateway", "media", "personas", "tools", "api"])
    for file, function in BLOCKING_ALLOWED:
        for guarded in guard.functions.values():
            guarded.can_block_in(file, function)
    for call in HARMLESS:
        del guard.functions[call]
    guard.activate()
    yield
    guard.deactivate()


# ── nothing is left behind ────────────────────────────────────────────────────────────────────────────────

SETTLE_S = 1.0
"""How long closing may go on after the test: transports say goodbye in the background."""


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    threads = set(threading.enumerate())
    if inspect.iscoroutinefunction(inspect.unwrap(getattr(request, "function", None) or (lambda: None))):
        request.getfixturevalue("_no_task_left")
    yield
    deadline = time.monotonic() + SETTLE_S
    while (left := _left(threads)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"threads left running: {', '.join(thread.name for thread in left)}"


def _left(before: set[threading.Thread]) -> list[threading.Thread]:
    # The loop's own pool ends when the loop is closed, which comes after this check.
    return [t for t in threading.enumerate() if t not in before and not t.name.startswith("asyncio_")]


@pytest.fixture
async def _no_task_left() -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    before = asyncio.all_tasks()
    yield
    deadline = loop.time() + SETTLE_S
    while (left := asyncio.all_tasks() - before - {asyncio.current_task()}) and loop.time() < deadline:
        await asyncio.wait(left, timeout=deadline - loop.time())
    assert not left, "tasks left running: " + "; ".join(sorted(repr(task.get_coro()) for task in left))
    assert not faults, f"errors nobody handled: {faults}"


# ── a skip is a failure where it would hide one ───────────────────────────────────────────────────────────


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, which in CI is a failure: {reason}"
    return report
