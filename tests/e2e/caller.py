"""A caller at the page: clicks, speaks into the microphone, listens, and reads what stands there."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, expect

from tests.caller_audio import caller, recording
from tests.e2e.sound import Samples, Stretch, stretches

__all__ = ["RATE", "SCRIPT", "Caller", "Spoken"]

SCRIPT = Path(__file__).with_name("microphone.js")
RATE = 48_000

CONNECT_MS = 20_000
REPLY_S = 15.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """When something was said, on the audio clock of the page, in seconds: the speech, without its margins."""

    start: float
    end: float
    clip_end: float


class Caller:
    """One page with a microphone of ours (microphone.js has been added to its context)."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.session: dict[str, str] = {}
        page.on("response", self._remember)

    def _remember(self, response: Any) -> None:
        if response.url.endswith("/v1/realtime/calls") and response.status == 201:
            self.session = {
                "id": response.headers.get("x-session-id", ""),
                "access": response.headers.get("x-session-access", ""),
            }

    # ── the page ──

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.locator(".card input").first.wait_for(state="attached")

    def call(self, persona: str) -> None:
        """Choose the first agent of that name, or that does that, and place the call; returns when it is live."""
        self.page.locator(".card", has_text=persona).first.locator("input").check(force=True)
        self.page.get_by_role("button", name="Call", exact=True).click()
        expect(self.page.locator("body")).to_have_attribute("data-phase", "live", timeout=CONNECT_MS)

    def hang_up(self) -> None:
        self.page.get_by_role("button", name="Hang up").click()
        expect(self.page.locator("body")).to_have_attribute("data-phase", "ended")

    def lines(self, side: str) -> list[str]:
        """What stands in the transcript of `agent` or `caller`."""
        return self.page.locator(f".entry-{side} .words").all_inner_texts()

    # ── voice ──

    def say(self, name: str) -> Spoken:
        """Play a recording into the microphone; returns at once."""
        about = recording(name)
        at: float = self.page.evaluate(
            "wav => parley_test.say(wav)", base64.b64encode(caller(name).read_bytes()).decode()
        )
        return Spoken(at + about.speech_start_s, at + about.speech_end_s, at + about.duration_s)

    def hush(self) -> None:
        """Stop what is being played into the microphone."""
        self.page.evaluate("parley_test.playing.stop()")

    def now(self) -> float:
        """The audio clock of the page, in seconds."""
        at: float = self.page.evaluate("parley_test.now()")
        return at

    def until(self, at: float) -> None:
        """Let the page's audio clock reach this time."""
        while (left := at - self.now()) > 0:
            self.page.wait_for_timeout(max(5.0, left * 1000))

    def samples(self, start: float, end: float | None = None) -> Samples:
        """What came out of the agent's stream between two times of the audio clock, at `RATE`."""
        # The tap delivers blocks of 100 ms.
        self.until((end or self.now()) + 0.15)
        text: str = self.page.evaluate(
            "([a, b]) => parley_test.heard(a, b)", [start, end or self.now() - 0.15]
        )
        return np.frombuffer(base64.b64decode(text), dtype=np.int16)

    def sounds(self, start: float, end: float | None = None, *, gap_s: float = 0.25) -> list[Stretch]:
        """When the agent was audible."""
        return stretches(self.samples(start, end), RATE, origin=start, gap_s=gap_s)

    # ── events ──

    def events(self, *kinds: str, after: float = 0.0) -> list[dict[str, Any]]:
        """Events of these types since a time of the audio clock, each `{at, event}`; all types when none is given."""
        found: list[dict[str, Any]] = self.page.evaluate(
            "([kinds, after]) => parley_test.events.filter("
            "e => e.at >= after && (!kinds.length || kinds.includes(e.event.type)))",
            [list(kinds), after],
        )
        return found

    def wait_for(self, kind: str, *, after: float = 0.0, within_s: float = REPLY_S) -> dict[str, Any]:
        """The first event of this type after a time, as `{at, event}`."""
        self.page.wait_for_function(
            "([kind, after]) => parley_test.events.some(e => e.event.type === kind && e.at >= after)",
            arg=[kind, after],
            timeout=within_s * 1000,
        )
        return self.events(kind, after=after)[0]

    def wait_until_answered(
        self, *, after: float = 0.0, quiet_s: float = 0.4, within_s: float = 25.0
    ) -> str:
        """Wait until the agent has said something since `after` and has nothing more to say; its last line.

        A reply of two parts (words, a tool, more words) has short silences: quiet counts when nothing is running.
        An agent that hangs up has come to its end, too.
        """
        deadline = time.monotonic() + within_s
        self.wait_for("output_audio_buffer.stopped", after=after, within_s=within_s)
        while True:
            happened = [e["event"]["type"] for e in self.events(after=after)]
            started = happened.count("output_audio_buffer.started")
            ended = happened.count("output_audio_buffer.stopped") + happened.count(
                "output_audio_buffer.cleared"
            )
            running = happened.count("response.created") - happened.count("response.done")
            state = self.page.locator("#state").inner_text()
            if state == "Call ended":
                return self.lines("agent")[-1]
            if started <= ended and running <= 0 and state == "Listening":
                last = self.events(after=self.now() - quiet_s)
                if not any(
                    e["event"]["type"].startswith(("response.", "output_audio_buffer.")) for e in last
                ):
                    return self.lines("agent")[-1]
            assert time.monotonic() < deadline, (
                f"the agent did not come to an end: {happened[-12:]}, {state!r}"
            )
            self.page.wait_for_timeout(50)
