"""A call on the page, with each of its controls, through the browser's own microphone path."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.caller_audio import pcm
from tests.e2e.caller import Caller
from tests.e2e.conftest import FAKE_MICROPHONE, launch
from tests.e2e.server import Server, settles

pytestmark = pytest.mark.e2e


def microphone_file(path: Path, *parts: str | float) -> Path:
    """A WAV for Chromium's fake microphone, 48 kHz: recordings by name, silences in seconds."""
    samples: list[np.ndarray[Any, np.dtype[np.int16]]] = []
    for part in parts:
        if isinstance(part, str):
            samples.append(np.repeat(np.frombuffer(pcm(part), dtype=np.int16), 3))
        else:
            samples.append(np.zeros(round(part * 48_000), dtype=np.int16))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(np.concatenate(samples).tobytes())
    return path


@pytest.fixture
def speaking_browser(playwright: Playwright, tmp_path: Path) -> Iterator[Browser]:
    """A browser whose microphone hears a caller ask for a booking, well after the greeting."""
    wav = microphone_file(tmp_path / "caller.wav", 9.0, "dental_01_book", 30.0)
    browser = launch(playwright, *FAKE_MICROPHONE, f"--use-file-for-fake-audio-capture={wav}%noloop")
    yield browser
    browser.close()


def test_a_call_through_the_browsers_own_microphone(speaking_browser: Browser, server: Server) -> None:
    page = speaking_browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.goto(server.url)
    page.get_by_role("radio").first.wait_for(state="attached")
    page.locator("#persona-dental_reception").check(force=True)
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("body")).to_have_attribute("data-phase", "live", timeout=20_000)
    expect(page.locator(".entry-agent .words").first).not_to_be_empty(timeout=8_000)
    expect(page.locator(".entry-caller .words").first).to_contain_text("appointment", timeout=20_000)
    expect(page.locator(".entry-agent").nth(1)).to_be_visible(timeout=8_000)
    expect(page.locator(".entry-agent .delay").first).to_be_visible(timeout=8_000)
    page.get_by_role("button", name="Hang up").click()
    expect(page.locator("#summary")).to_be_visible()
    expect(page.locator("#summary .end")).to_have_text("You hung up.")
    page.get_by_role("button", name="Open the session record").click()
    expect(page.locator("#record pre")).to_contain_text("call_ended", timeout=5_000)
    page.keyboard.press("Escape")
    expect(page.locator("#record")).to_be_hidden()
    assert not faults, faults


def test_the_controls_of_a_call(caller: Caller, server: Server) -> None:
    page = caller.page
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio").nth(1)).to_be_checked()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_have_attribute("data-phase", "live", timeout=20_000)
    caller.wait_until_answered()

    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_role("button", name="Unmute")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#state")).to_contain_text("muted")
    begun = caller.now()
    said = caller.say("dental_01_book")
    caller.until(said.clip_end + 1.0)
    assert not caller.events("input_audio_buffer.committed", after=begun), "a muted microphone was heard"

    page.get_by_role("button", name="Unmute").click()
    caller.say("dental_01_book")
    caller.wait_for("input_audio_buffer.committed", after=begun)
    expect(page.locator(".entry-caller .words").last).to_contain_text("appointment", timeout=8_000)
    caller.wait_until_answered(after=said.clip_end)

    caller.hang_up()
    expect(page.locator("#summary")).to_contain_text("Your call with")
    expect(page.get_by_role("button", name="Call again")).to_be_visible()
    page.get_by_role("button", name="Change agent").click()
    expect(page.locator("#setup")).to_be_visible()
    status, record = server.get(
        f"/api/sessions/{caller.session['id']}", **{"x-session-access": caller.session["access"]}
    )
    assert status == 200
    assert settles(lambda: ended(server, caller) is not None, 20), "the call has no ending"
    assert {line["role"] for line in record["transcript"]} == {"user", "assistant"}


def ended(server: Server, caller: Caller) -> dict[str, Any] | None:
    """The `call_ended` entry of the caller's session, when it is there."""
    _, record = server.get(
        f"/api/sessions/{caller.session['id']}", **{"x-session-access": caller.session["access"]}
    )
    return next((e for e in record["timelineEvents"] if e["type"] == "call_ended"), None)
