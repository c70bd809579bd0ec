"""What a browser makes of an agent who sends nothing while silent: no concealment, and the first syllable whole."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from aiohttp import web
from playwright.sync_api import Browser

from gateway.clients.webrtc import LegSettings, WebRtcLeg
from gateway.errors import HUNG_UP
from media.libopus import library
from tests.clients.peer import LOOPBACK, Sink
from tests.e2e.caller import SCRIPT
from tests.media.network import speech

pytestmark = pytest.mark.e2e

SAID = speech(6.0)
SPURTS = ((1.0, 15), (0.3, 15), (2.0, 15))
"""A silence in seconds, and the frame from which 1.2 s are said after it."""
LENGTH = 60
PAGE = """<html><link rel="icon" href="data:,"><audio id="agent" autoplay></audio><script>
async function call() {
  const pc = (window.pc = new RTCPeerConnection());
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  microphone.getTracks().forEach((track) => pc.addTrack(track, microphone));
  pc.ontrack = (event) => { agent.srcObject = new MediaStream([event.track]); };
  await pc.setLocalDescription();
  const answer = await fetch("/offer", { method: "POST", body: pc.localDescription.sdp });
  await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
}
async function inbound() {
  return [...(await pc.getStats()).values()].find((report) => report.type === "inbound-rtp");
}
</script></html>"""


class Spurts:
    """A speaker with silences."""

    def __init__(self) -> None:
        self.line: list[bytes | None] = []
        self.begins: list[int] = []
        for silence, first in SPURTS:
            self.line += [None] * round(silence * 50)
            self.begins.append(len(self.line))
            self.line += [SAID[n * 960 : n * 960 + 960] for n in range(first, first + LENGTH)]
        self._at = 0

    def pull(self, now: float) -> bytes | None:
        self._at += 1
        return self.line[self._at - 1] if self._at <= len(self.line) else None


@contextmanager
def serving(speaker: Spurts) -> Iterator[str]:
    """One leg behind a page, on a loop of its own."""
    loop = asyncio.new_event_loop()

    def run() -> None:
        library()  # found on disk, as when a server starts: not while a loop runs
        loop.run_forever()

    thread = threading.Thread(target=run, name="leg")
    thread.start()
    legs: list[WebRtcLeg] = []

    async def offer(request: web.Request) -> web.Response:
        leg = WebRtcLeg("silence", LegSettings(ice_addresses=LOOPBACK))
        legs.append(leg)
        answer = await leg.answer(await request.text())
        await leg.open(Sink(), speaker)
        return web.Response(text=answer, content_type="application/sdp")

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def begin() -> tuple[web.AppRunner, str]:
        app = web.Application()
        app.add_routes([web.post("/offer", offer), web.get("/", page)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/"

    async def end(runner: web.AppRunner) -> None:
        for leg in legs:
            await leg.close(HUNG_UP)
        await runner.cleanup()
        await loop.shutdown_default_executor()

    def on_loop(work: Any) -> Any:
        waiting: Future[Any] = asyncio.run_coroutine_threadsafe(work, loop)
        return waiting.result(20)

    try:
        runner, url = on_loop(begin())
        try:
            yield url
        finally:
            on_loop(end(runner))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def place(part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]) -> tuple[int, float]:
    """Where it is found, and how like it is, 0 to 1."""
    size = 1 << (len(part) + len(whole)).bit_length()
    product = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size)), size)
    sums = np.concatenate(([0.0], np.cumsum(whole**2)))
    norms = np.sqrt((sums[len(part) :] - sums[: -len(part)]) * np.sum(part**2)) + 1e3
    likeness = product[: len(norms)] / norms
    best = int(np.argmax(likeness))
    return best, float(likeness[best])


def test_a_browser_plays_every_first_syllable_and_conceals_nothing(browser: Browser) -> None:
    speaker = Spurts()
    context = browser.new_context()
    context.add_init_script(path=SCRIPT)
    try:
        with serving(speaker) as url:
            page = context.new_page()
            page.goto(url)
            page.evaluate("call()")
            page.wait_for_timeout(1000 * (len(speaker.line) * 0.02 + 1.5))
            stats = page.evaluate("inbound()")
            end = page.evaluate("parley_test.now()")
            heard = base64.b64decode(page.evaluate(f"parley_test.heard(0, {end})"))
    finally:
        context.close()
    silent = len(speaker.line) - LENGTH * len(SPURTS)
    assert stats["packetsReceived"] < len(speaker.line) - silent / 2, "silence is not sent"
    # What is made up for silence would be all of its samples; a machine that is busy may cost a packet or two.
    audible = stats["concealedSamples"] - stats["silentConcealedSamples"]
    assert audible < silent * 960 / 10
    at_24k = np.frombuffer(heard, "<i2")[::2].astype(np.float64)
    said = np.frombuffer(SAID, "<i2").astype(np.float64)
    origin: float | None = None
    for begin, (_, first) in zip(speaker.begins, SPURTS, strict=True):
        syllable = said[first * 480 : first * 480 + 4800]
        if origin is None:
            found, likeness = place(syllable, at_24k)
            origin = found - begin * 480
        else:
            since = max(0, int(origin) + begin * 480 - 12_000)
            found, likeness = place(syllable, at_24k[since : since + 28_800])
            assert abs(since + found - begin * 480 - origin) < 0.15 * 24_000, "in its time"
        assert likeness > 0.75, "its first 200 ms are whole"
