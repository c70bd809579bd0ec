"""Speaking over the agent: what stops it, what does not, how fast, and what it then believes was heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from gateway.speech.active import open_speech
from tests.e2e.caller import RATE, Caller
from tests.e2e.server import Server, settles
from tests.e2e.sound import Samples, place_of, stretches

pytestmark = pytest.mark.e2e

SILENT_WITHIN_S = 0.4
HEARD_WITHIN_S = 0.06
INTO_THE_GREETING_S = 2.2
"""By then the room is known (1.5 s); before that only louder speech counts, and is noticed up to 0.1 s later."""
NOISE_S = 3.5
BABBLE_S = 9.0
COMMITTED_AFTER_S = 1.0
"""A turn is committed 0.5 s after its last speech; the rest is for the way to the page."""


def begin(caller: Caller) -> float:
    """Place a call, and tell when the first sound of the greeting came."""
    caller.call("dental")
    caller.wait_for("output_audio_buffer.started")
    while not (sounds := caller.sounds(0.0)):
        caller.page.wait_for_timeout(50)
    return sounds[0].start


@pytest.fixture(scope="module")
def voiced() -> Callable[[str, str], Samples]:
    """What the voice says for a text, whole, at 24 kHz: it says the same text in the same way each time."""

    async def speak(text: str, voice: str) -> bytes:
        async with open_speech(1, 1) as (_, mouth):
            return b"".join([chunk async for chunk in mouth.speak(text, voice=voice)])

    def in_a_thread(text: str, voice: str) -> Samples:
        with ThreadPoolExecutor(1) as pool:  # this thread's loop is the browser driver's
            return np.frombuffer(
                pool.submit(lambda: asyncio.run(speak(text, voice))).result(), dtype=np.int16
            )

    return in_a_thread


def test_a_backchannel_does_not_end_a_reply(caller: Caller) -> None:
    began = begin(caller)
    caller.until(began + INTO_THE_GREETING_S)
    caller.say("backchannel_uhhuh")
    caller.wait_until_answered()
    assert not caller.events("conversation.item.truncated"), "uh huh ended the reply"
    assert not caller.events("output_audio_buffer.cleared")
    assert caller.page.locator(".cut").count() == 0
    said = caller.events("response.output_audio_transcript.done")
    assert len(said) == 1, "uh huh was answered"
    caller.hang_up()


@pytest.mark.parametrize("words", ["bargein_stop", "bargein_short"])
def test_an_interruption_ends_a_reply(
    caller: Caller, server: Server, voiced: Callable[[str, str], Samples], words: str
) -> None:
    began = begin(caller)
    caller.until(began + INTO_THE_GREETING_S)
    spoken = caller.say(words)
    caller.wait_for("output_audio_buffer.cleared", within_s=6)
    cleared = caller.now()
    item = caller.wait_for("conversation.item.truncated")["event"]

    old = [s for s in caller.sounds(0.0, cleared, gap_s=0.05) if s.start < spoken.end]
    silent_after = old[-1].end - spoken.start
    assert silent_after <= SILENT_WITHIN_S, f"the agent went on speaking for {silent_after:.2f} s"

    row = caller.page.locator(f'[data-item="{item["item_id"]}"]')
    expect(row).to_have_attribute("data-state", "cut")
    expect(row.locator(".cut")).to_contain_text("interrupted after")
    expect(row.locator(".unheard")).not_to_be_empty()
    caller.wait_until_answered(after=cleared)

    caller.hang_up()
    entry = interrupted_entry(server, caller)
    assert entry["text"].strip() == row.locator(".said").inner_text().strip()
    heard_ms = entry["metadata"]["heardMs"]
    assert heard_ms == item["audio_end_ms"]
    text = row.locator(".said").inner_text() + row.locator(".unheard").inner_text()
    _, personas = server.get("/api/personas")
    voice = next(p["defaultVoice"] for p in personas["items"] if "dental" in p["id"])
    least, most = ends_between(caller.samples(began - 0.1, old[-1].end + 0.02), voiced(text, voice))
    assert least - HEARD_WITHIN_S <= heard_ms / 1000 <= most + HEARD_WITHIN_S, (
        f"{least:.3f} {heard_ms} {most:.3f}"
    )


def ends_between(heard: Samples, whole: Samples) -> tuple[float, float]:
    """Where in the whole reply the heard part ends, in seconds: after its last sound, before the next one."""
    slow = whole.repeat(RATE // 24_000)
    begins = stretches(heard, RATE)[0].start
    place = place_of(heard[round(begins * RATE) :], slow, RATE)
    last = place + stretches(heard, RATE)[-1].end - begins
    after = [s.start for s in stretches(slow, RATE, gap_s=0.03) if s.start > last]
    inside = any(s.start <= last <= s.end for s in stretches(slow, RATE, gap_s=0.03))
    return last, last if inside or not after else after[0]


@pytest.mark.parametrize("bed", ["noise_white", "noise_pink", "noise_hum60", "noise_babble"])
def test_noise_that_begins_suddenly_in_a_quiet_room_starts_no_turn(caller: Caller, bed: str) -> None:
    caller.call("dental")
    caller.wait_until_answered()
    at = caller.say(bed).start
    caller.until(at + NOISE_S)
    caller.hush()
    caller.until(at + NOISE_S + COMMITTED_AFTER_S)
    assert taken_for_speech(caller, at) == []


def test_voices_that_begin_suddenly_over_a_reply_do_not_end_it(caller: Caller) -> None:
    began = begin(caller)
    caller.until(began + INTO_THE_GREETING_S)
    at = caller.say("noise_babble").start
    caller.until(at + NOISE_S)
    caller.hush()
    caller.wait_until_answered(after=began)
    caller.until(max(caller.now(), at + NOISE_S + COMMITTED_AFTER_S))
    assert taken_for_speech(caller, at) == []
    assert not caller.events("conversation.item.truncated", "output_audio_buffer.cleared")
    assert caller.page.locator(".cut").count() == 0


def test_a_call_from_a_babble_starts_no_turn(caller: Caller) -> None:
    at = caller.say("noise_babble").start
    caller.call("dental")
    begun = caller.now()
    caller.wait_for("output_audio_buffer.started")
    caller.until(at + BABBLE_S)
    caller.hush()
    caller.until(at + BABBLE_S + COMMITTED_AFTER_S)
    assert [kind for kind in taken_for_speech(caller, begun) if kind != "response.created"] == []
    assert len(caller.events("response.created")) == 1, "the greeting alone"


def taken_for_speech(caller: Caller, after: float) -> list[str]:
    kinds = ("input_audio_buffer.speech_started", "input_audio_buffer.committed", "response.created")
    return [event["event"]["type"] for event in caller.events(*kinds, after=after)]


def interrupted_entry(server: Server, caller: Caller) -> dict[str, Any]:
    """The interrupted reply as the server's record has it."""
    found: list[dict[str, Any]] = []

    def read() -> bool:
        _, body = server.get(
            f"/api/realtime/sessions/{caller.session['id']}",
            **{"x-session-access": caller.session["access"]},
        )
        found[:] = [
            e for e in (body or {}).get("transcript", []) if (e.get("metadata") or {}).get("interrupted")
        ]
        return bool(found)

    assert settles(read, 20), "no interrupted entry in the record"
    return found[0]
