"""What a real browser finds: the same questions over the bare baseline and over Parley, in headless Chromium.

    python -m scripts.bench.browser [--turns 8]

The browser's own figures (`getStats`) and the time from the last word to the first sound, both on its audio clock: so
its jitter buffer and its decoder are in the round trip, unlike in the other measurements.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import statistics
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from scripts.bench.run import KEY, Server, free_port, process
from scripts.bench.script import REPLY_MS, SILENCE_MS, THINK_MS, lay_out

__all__ = ["Found", "measure_browser"]

FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--autoplay-policy=no-user-gesture-required")
BLANK = "http://127.0.0.1/blank"
LEAD_S = 6.0
"""Until the first word: a greeting has been said."""
RATE = 48000

PAGE = """
const context = new AudioContext({ sampleRate: 48000 });
const microphone = context.createMediaStreamDestination();
const hush = context.createConstantSource();
hush.offset.value = 0;
hush.connect(microphone);
hush.start();
const ears = `registerProcessor("ears", class extends AudioWorkletProcessor {
  process(inputs) {
    const samples = inputs[0][0];
    if (samples) {
      let peak = 0;
      for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
      if (peak > 0.02) this.port.postMessage(currentTime);
    }
    return true;
  }
});`;
const loud = [];
window.bench = {
  async offer() {
    await context.resume();
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([ears], { type: "text/javascript" })));
    const pc = (this.pc = new RTCPeerConnection());
    pc.addTrack(microphone.stream.getAudioTracks()[0], microphone.stream);
    pc.createDataChannel("oai-events");
    pc.ontrack = (event) => {
      const stream = new MediaStream([event.track]);
      const player = new Audio();
      player.srcObject = stream;
      player.muted = true;
      player.play();
      this.player = player;
      const node = new AudioWorkletNode(context, "ears", { channelCount: 1, channelCountMode: "explicit" });
      node.port.onmessage = (message) => loud.push(message.data);
      context.createMediaStreamSource(stream).connect(node).connect(context.destination);
    };
    await pc.setLocalDescription(await pc.createOffer());
    while (pc.iceGatheringState !== "complete") await new Promise((done) => setTimeout(done, 20));
    return pc.localDescription.sdp;
  },
  answer(sdp) { return this.pc.setRemoteDescription({ type: "answer", sdp }); },
  say(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer);
    const buffer = context.createBuffer(1, samples.length, 48000);
    buffer.getChannelData(0).set(Float32Array.from(samples, (sample) => sample / 32768));
    const player = context.createBufferSource();
    player.buffer = buffer;
    player.connect(microphone);
    const at = context.currentTime + 0.05;
    player.start(at);
    return at + buffer.duration;
  },
  heardAfter(time) { return loud.find((at) => at > time) ?? null; },
  async stats() {
    for (const report of (await this.pc.getStats()).values())
      if (report.type === "inbound-rtp" && report.kind === "audio") return report;
    return null;
  },
};
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What the browser found of one server. Milliseconds."""

    server: str
    turns: int
    round_trip_p50_ms: float
    """Last word → first sound, without the silence and the thinking that are the mock's own."""
    round_trip_max_ms: float
    jitter_buffer_ms: float
    """Held back in the mean (jitterBufferDelay over jitterBufferEmittedCount)."""
    concealed_pct: float
    """Samples made up while there was something to hear, of all (concealedSamples less silentConcealedSamples)."""
    silent_concealed_pct: float
    packets_lost: int


def measure_browser(server: Server, turns: int, question: str) -> Found:
    """One call of `turns` questions (PCM16 at 48 kHz, base64). Raises RuntimeError when an answer does not come."""
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder, sync_playwright() as playwright:
        mock_port, port = free_port(), free_port()
        upstream = f"ws://127.0.0.1:{mock_port}/v1/realtime"
        mock = (sys.executable, "-m", "scripts.bench.mock", "--port", str(mock_port))
        command = tuple(arg.format(port=port) for arg in server.command)
        environment = server.environment(port, upstream, folder)
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        with (
            process(mock, dict(os.environ), Path(folder, "mock.log"), mock_port),
            process(command, environment, Path(folder, "server.log"), port),
        ):
            browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=[*FLAGS])
            try:
                page = browser.new_page()
                page.route(BLANK, lambda route: route.fulfill(content_type="text/html", body=""))
                page.goto(BLANK)
                page.evaluate(PAGE)
                return _call(page, server.name, port, turns, question)
            finally:
                browser.close()


def _call(page: Page, name: str, port: int, turns: int, question: str) -> Found:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/realtime/calls",
        data=str(page.evaluate("bench.offer()")).encode(),
        headers={"Content-Type": "application/sdp", "Authorization": f"Bearer {KEY}"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        page.evaluate("sdp => bench.answer(sdp)", response.read().decode())
    time.sleep(LEAD_S)
    trips = []
    for _ in range(turns):
        ended = float(page.evaluate("text => bench.say(text)", question))
        time.sleep(
            len(base64.b64decode(question)) / 2 / RATE + (SILENCE_MS + THINK_MS + REPLY_MS) / 1000 + 1
        )
        heard = page.evaluate("time => bench.heardAfter(time)", ended)
        if heard is None:
            raise RuntimeError(f"{name}: a question was not answered")
        trips.append((float(heard) - ended) * 1000 - SILENCE_MS - THINK_MS)
    stats = page.evaluate("bench.stats()")
    silent, total = stats["silentConcealedSamples"], stats["totalSamplesReceived"]
    return Found(
        server=name,
        turns=turns,
        round_trip_p50_ms=round(statistics.median(trips), 1),
        round_trip_max_ms=round(max(trips), 1),
        jitter_buffer_ms=round(1000 * stats["jitterBufferDelay"] / stats["jitterBufferEmittedCount"], 1),
        concealed_pct=round(100 * (stats["concealedSamples"] - silent) / total, 3),
        silent_concealed_pct=round(100 * silent / total, 3),
        packets_lost=stats["packetsLost"],
    )


def main() -> int:
    from scripts.bench.__main__ import BASELINE, PARLEY

    parser = argparse.ArgumentParser(
        description="Chromium's figures over a bare aiortc gateway and Parley."
    )
    parser.add_argument("--turns", type=int, default=8, help="questions asked of each")
    turns = parser.parse_args().turns
    cycle, script = lay_out()
    size = RATE // 50
    question = base64.b64encode(cycle[script[1].first * size : script[1].last * size].tobytes()).decode()
    before, after = (asdict(measure_browser(server, turns, question)) for server in (BASELINE, PARLEY))
    for key, value in before.items():
        print(f"{key:<24}{value:>12}{after[key]:>12}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
