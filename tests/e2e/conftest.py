"""One server and one browser for all of these tests; a fresh page for each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Playwright, sync_playwright

from tests.e2e.caller import SCRIPT, Caller
from tests.e2e.server import Server, commanded
from tests.needs import program

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip
FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def launch(playwright: Playwright, *flags: str) -> Browser:
    """Debian's Chromium, headless, with a fake microphone unless told otherwise."""
    return playwright.chromium.launch(
        executable_path=program("chromium", "chromium-browser", "google-chrome"),
        headless=True,
        args=[*FLAGS, *(flags or FAKE_MICROPHONE)],
    )


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the page go: the folder named by SCREENSHOTS, else a temporary one."""
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with commanded(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture
def caller(browser: Browser, server: Server) -> Iterator[Caller]:
    """A caller with a page of their own, already open. A fault in the page's console fails the test."""
    # The policy is bypassed for the tap of microphone.js only; test_page.py holds a call under it.
    context = browser.new_context(bypass_csp=True, viewport={"width": 1100, "height": 800})
    context.add_init_script(path=SCRIPT)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.extend(fault(message)))
    caller = Caller(page)
    caller.open(server.url)
    yield caller
    context.close()
    assert not faults, faults


def fault(message: ConsoleMessage) -> list[str]:
    """Errors the page itself logs; refused requests are logged by the browser and are not its fault."""
    if message.type != "error" or message.text.startswith("Failed to load resource"):
        return []
    return [message.text]
