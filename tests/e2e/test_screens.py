"""Every state of the page in light, dark, on a phone: nothing overflows, and there are pictures to look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.caller import SCRIPT, Caller
from tests.e2e.server import Server

pytestmark = pytest.mark.e2e

LOOKS = {
    "light": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "dark"},
    "phone": {
        "viewport": {"width": 360, "height": 740},
        "color_scheme": "light",
        "device_scale_factor": 2,
        "has_touch": True,
    },
    "phone-dark": {
        "viewport": {"width": 360, "height": 740},
        "color_scheme": "dark",
        "device_scale_factor": 2,
    },
}


@pytest.mark.parametrize("look", LOOKS)
def test_the_states_of_the_page(browser: Browser, server: Server, screenshots: Path, look: str) -> None:
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce", **LOOKS[look])  # type: ignore[arg-type]  # the literals of playwright's own types
    context.add_init_script(path=SCRIPT)
    page = context.new_page()
    caller = Caller(page)

    def picture(state: str) -> None:
        page.screenshot(path=screenshots / f"{look}-{state}.png")
        fits(page)

    page.route("**/api/realtime/credentials", lambda route: route.fulfill(status=503, body="{}"))
    caller.open(server.url)
    picture("1-choose")
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    picture("2-focus")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#notice")).to_contain_text("All lines are busy")
    picture("3-full")
    page.unroute("**/api/realtime/credentials")

    page.keyboard.press("Tab")
    caller.call("dental")
    picture("4-connected")
    sounds = caller.wait_for("output_audio_buffer.started")
    caller.until(sounds["at"] + 1.5)
    picture("5-speaking")
    said = caller.say("bargein_stop")
    caller.until(said.start + 0.8)
    picture("6-hearing")
    caller.wait_until_answered(after=said.end)
    picture("7-interrupted")
    said = caller.say("dental_01_book")
    caller.wait_until_answered(after=said.end)
    picture("8-answered")
    page.get_by_role("button", name="Mute").click()
    picture("9-muted")
    caller.hang_up()
    expect(page.locator("#summary .end")).to_be_visible()
    picture("10-summary")
    page.get_by_role("button", name="Open the session record").click()
    expect(page.locator("#record pre")).to_be_visible()
    picture("11-record")
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
