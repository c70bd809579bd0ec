"""Appointments in a calendar on a real CalDAV server: Radicale, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from tests.dialogue.talk import MemoryRecords
from tests.tools.controls import FakeControl
from tests.tools.through import through_door
from tools.connectors.caldav import Calendar
from tools.connectors.model import ConnectorsFile, check
from tools.connectors.opening import connected
from tools.contract import Tool, ToolContext
from tools.library import load
from tools.outbound.addresses import Allowed
from tools.outbound.guard import Guard
from tools.outbound.sender import Sender
from tools.runtime.request import Execution
from tools.secrets import Secrets
from tools.yaml_file import FileFault, read_yaml

pytestmark = pytest.mark.integration

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 19, 12, 0, tzinfo=ZONE)
"""A Thursday."""
PROOF = {"Authorization": f"Basic {b64encode(b'desk:word-4471').decode()}"}
HOURS = {"thu": ["09:00-12:00"], "fri": ["09:00-10:30", "13:00-14:00"]}
TAKEN = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//a//b//EN
BEGIN:VEVENT
UID:weekly
DTSTAMP:20260101T000000Z
DTSTART;TZID=America/New_York:20261106T093000
DTEND;TZID=America/New_York:20261106T100000
RRULE:FREQ=WEEKLY
SUMMARY:Something private
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


@asynccontextmanager
async def radicale(folder: Path) -> AsyncIterator[str]:
    """The URL of an empty calendar of the user `desk`, whose password is `word-4471`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "users").write_text("desk:word-4471\n")
    options = {
        "server-hosts": f"127.0.0.1:{port}", "auth-type": "htpasswd", "auth-htpasswd-filename": folder / "users",
        "auth-htpasswd-encryption": "plain", "storage-filesystem-folder": folder / "store", "logging-level": "critical",
        "auth-delay": "0",
    }  # fmt: skip
    arguments = [f"--{name}={value}" for name, value in options.items()]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "radicale", *arguments)
    root = f"http://127.0.0.1:{port}/desk/"
    try:
        async with aiohttp.ClientSession(headers=PROOF) as client:
            async with asyncio.timeout(60):
                while True:
                    try:
                        async with client.request("MKCALENDAR", f"{root}work/") as answer:
                            assert answer.status == 201
                            break
                    except aiohttp.ClientConnectorError:
                        await asyncio.sleep(0.05)
            async with client.put(
                f"{root}work/weekly.ics", data=TAKEN, headers={"Content-Type": "text/calendar"}
            ) as put:
                assert put.status == 201
        yield f"{root}work/"
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "DESK").write_text("word-4471")
    (tmp_path / "secrets" / "WRONG").write_text("word-0000")
    return Secrets(tmp_path / "secrets")


def about(url: str, secret: str = "DESK") -> ConnectorsFile:
    calendar = {
        "url": url, "auth": {"basic": {"user": "desk", "password": {"secret": secret}}}, "provider": "Dr. Lee",
        "timezone": "America/New_York", "hours": HOURS, "days_ahead": 21,
    }  # fmt: skip
    return ConnectorsFile.model_validate({"calendars": {"work": calendar}})


@asynccontextmanager
async def tools(file: ConnectorsFile, secrets: Secrets) -> AsyncIterator[tuple[dict[str, Tool], Calendar]]:
    async with Sender(Guard(Allowed.read(("127.0.0.1",)))) as sender:
        made, connectors = await asyncio.to_thread(connected, file, TOOLS, sender, secrets)
        (calendar,) = connectors
        assert isinstance(calendar, Calendar)
        yield made, calendar


async def run(tool: Tool, key: str = "s:1", calendar: str = "work", **arguments: Any) -> Execution:
    context = ToolContext("c", "s", "t", "p", key, NOW, MemoryRecords(), FakeControl(), calendar)
    return await through_door(tool, json.dumps(arguments), context)


def told(outcome: Execution) -> Any:
    return json.loads(outcome.output)


TOOLS = load()
CALLER = {"service": "cleaning", "name": "Susan Walker", "phone": "555-0172"}


async def test_appointments_are_found_booked_once_and_kept_from_others(
    tmp_path: Path, secrets: Secrets
) -> None:
    async with radicale(tmp_path) as url, tools(about(url), secrets) as (made, calendar):
        assert await calendar.probe() == ""
        found = told(await run(made["find_slots"], service="cleaning"))["slots"]
        # Past noon on Thursday; Friday's 9:30 belongs to a weekly event that is told of as busy only.
        times = [slot["starts_at"] for slot in found[:4]]
        assert times == [f"2026-11-20T{at}:00" for at in ("09:00", "10:00", "13:00", "13:30")]
        assert found[0]["provider"] == "Dr. Lee"
        # An unknown calendar is Parley's own.
        own = told(await run(made["find_slots"], calendar="main", service="cleaning"))["slots"]
        assert own[0]["starts_at"] not in times

        first = told(await run(made["book_appointment"], starts_at="2026-11-20T10:00", **CALLER))
        assert first["starts_at"] == "2026-11-20T10:00:00"
        assert first["provider"] == "Dr. Lee"
        again = told(await run(made["book_appointment"], starts_at="2026-11-20T10:00", **CALLER))
        assert again == first
        other = told(await run(made["book_appointment"], key="s:2", starts_at="2026-11-20T10:00", **CALLER))
        assert "nearest free times: 2026-11-20T09:00:00, 2026-11-20T13:00:00" in other["error"]
        busy = await run(made["book_appointment"], key="s:3", starts_at="2026-11-20T09:30", **CALLER)
        assert "not free" in told(busy)["error"]
        off_grid = await run(made["book_appointment"], key="s:4", starts_at="2026-11-20T13:10", **CALLER)
        assert "not free" in told(off_grid)["error"]
        left = told(await run(made["find_slots"], service="cleaning", on="2026-11-20"))["slots"]
        assert [slot["starts_at"][11:16] for slot in left] == ["09:00", "13:00", "13:30"]

        # Ten callers at once want one time: one gets it.
        async with asyncio.TaskGroup() as group:
            wanted = [
                group.create_task(
                    run(made["book_appointment"], key=f"r:{n}", starts_at="2026-11-20T13:00", **CALLER)
                )
                for n in range(10)
            ]
        assert sum(each.result().ok for each in wanted) == 1

        async with (
            aiohttp.ClientSession(headers=PROOF) as client,
            client.get(f"{url}parley-20261120T1500Z.ics") as answer,
        ):
            event = await answer.text()
        assert "cleaning: Susan Walker" in event
        assert first["confirmation_code"] in event.replace("\r\n ", "")


async def test_a_calendar_that_does_not_let_us_in_or_is_not_there_says_so(
    tmp_path: Path, secrets: Secrets
) -> None:
    async with radicale(tmp_path) as url, tools(about(url, "WRONG"), secrets) as (made, calendar):
        assert "answers 401" in await calendar.probe()
        assert "cannot be used" in told(await run(made["find_slots"], service="x"))["error"]
        assert (
            await run(made["book_appointment"], starts_at="2026-11-20T10:00", **CALLER)
        ).reason == "refused"
    async with tools(about(url), secrets) as (made, calendar):
        assert "no connection" in await calendar.probe()
        assert (await run(made["find_slots"], service="x")).reason == "unavailable"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "09:00-12:00",
            "12:00-09:00",
            "connectors.yaml:5: calendars.work.hours.mon: '12:00-09:00' does not end",
        ),
        (
            "America/New_York",
            "New York",
            "connectors.yaml:4: calendars.work.timezone: 'New York' is no IANA",
        ),
        (
            "https://cal.example.com/desk/",
            "https://desk:x@cal.example.com/",
            "calendars.work.url: write https",
        ),
        ("mon:", "monday:", "connectors.yaml:5: calendars.work.hours"),
        ("security: starttls", "security: none", "a password would travel in the clear"),
        ("  user: desk\n", "", "connectors.yaml:6: mail: has one of user and password"),
        ("desk@example.com", "desk", "connectors.yaml:"),
    ],
)
def test_faults_of_the_file_are_told_with_their_line(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    text = """calendars:
  work:
    url: https://cal.example.com/desk/
    timezone: America/New_York
    hours: {mon: ["09:00-12:00"]}
mail:
  host: mail.example.com
  security: starttls
  user: desk
  password: {secret: MAIL}
  sender: Desk <desk@example.com>
  to: ["*@example.com"]
"""
    (tmp_path / "connectors.yaml").write_text(text)
    read_yaml(tmp_path / "connectors.yaml", ConnectorsFile, check)
    assert old in text
    (tmp_path / "connectors.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(FileFault) as raised:
        read_yaml(tmp_path / "connectors.yaml", ConnectorsFile, check)
    assert fault in str(raised.value)
