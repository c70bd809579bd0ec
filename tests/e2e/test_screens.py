"""Every state of the page in light, dark, on a phone: nothing overflows, and there are pictures to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.e2e.caller import SCRIPT, Caller
from tests.e2e.server import Server

pytestmark = pytest.mark.e2e

LOOKS: dict[str, tuple[ViewportSize, Literal["light", "dark"]]] = {
    "light": ({"width": 1200, "height": 800}, "light"),
    "dark": ({"width": 1200, "height": 800}, "dark"),
    "phone": ({"width": 360, "height": 740}, "light"),
    "phone-dark": ({"width": 360, "height": 740}, "dark"),
}


def test_the_states_of_the_page(browser: Browser, server: Server, screenshots: Path) -> None:
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce", device_scale_factor=1.5)
    context.add_init_script(path=SCRIPT)
    page = context.new_page()
    caller = Caller(page)

    def pictures(state: str) -> None:
        for look, (size, scheme) in LOOKS.items():
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=screenshots / f"{look}-{state}.png")
            fits(page)

    page.route("**/api/realtime/credentials", lambda route: route.fulfill(status=503, body="{}"))
    caller.open(server.url)
    pictures("1-choose")
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    pictures("2-focus")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#notice")).to_contain_text("All lines are busy")
    pictures("3-full")
    page.unroute("**/api/realtime/credentials")

    caller.call("dental")
    pictures("4-connected")
    sounds = caller.wait_for("output_audio_buffer.started")
    caller.until(sounds["at"] + 1.0)
    pictures("5-speaking")
    said = caller.say("bargein_stop")
    caller.until(said.start + 0.8)
    pictures("6-hearing")
    caller.wait_until_answered(after=said.end)
    pictures("7-interrupted")
    said = caller.say("dental_01_book")
    caller.wait_until_answered(after=said.end)
    said = caller.say("dental_02_slot")
    caller.wait_until_answered(after=said.end)
    pictures("8-tool")
    page.get_by_role("button", name="Mute").click()
    pictures("9-muted")
    caller.hang_up()
    expect(page.locator("#summary .end")).to_be_visible()
    pictures("10-summary")
    page.get_by_role("button", name="Open the session record").click()
    expect(page.locator("#record pre")).to_be_visible()
    pictures("11-record")
    context.close()


def fits(page: Page) -> None:
    """Nothing is wider than the window, and no button is cut off."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth"
    )
    cut = page.evaluate(
        """[...document.querySelectorAll("button")].filter((button) => {
            const box = button.getBoundingClientRect();
            return button.offsetParent && !button.closest("dialog") && (box.left < 0 || box.right > innerWidth + 0.5);
        }).map((button) => button.textContent)"""
    )
    assert cut == []
