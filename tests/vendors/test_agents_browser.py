"""`@openai/agents-realtime` in Chromium, from the package's own bundle and another origin than Parley's: over WebRTC
and over a WebSocket."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.caller_audio import caller
from tests.e2e.caller import SCRIPT
from tests.e2e.conftest import launch
from tests.needs import installed
from tests.vendors.conftest import Front
from tests.vendors.node_client import NODE, words
from tests.vendors.talk import LONG, ORDER, pcm24

pytestmark = pytest.mark.e2e

BUNDLE = NODE / "node_modules/@openai/agents-realtime/dist/bundle"
CHUNK_MS = 40


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = launch(playwright)
    yield browser
    browser.close()


class App:
    """The page of a developer who uses the vendor's package."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def start(self, kind: str, url: str, secret: str) -> None:
        self.page.evaluate("options => vendor.start(options)", {"kind": kind, "url": url, "apiKey": secret})

    def seen(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate("vendor.seen")
        return found

    def until(self, wanted: Callable[[dict[str, Any]], bool], within_s: float = 20.0) -> dict[str, Any]:
        deadline = time.monotonic() + within_s
        while True:
            seen = self.seen()
            faults = [h for h in seen if h["what"] == "error"]
            assert not faults, faults
            found: dict[str, Any] | None = next((h for h in reversed(seen) if wanted(h)), None)
            if found is not None:
                return found
            assert time.monotonic() < deadline, [h.get("type", h["what"]) for h in seen]
            self.page.wait_for_timeout(50)

    def until_event(self, kind: str, within_s: float = 20.0) -> dict[str, Any]:
        return dict(self.until(lambda h: h["what"] == "event" and h["type"] == kind, within_s)["event"])

    def said(self, role: str) -> list[str]:
        told = (h["history"] for h in reversed(self.seen()) if h["what"] == "history")
        history: list[dict[str, Any]] = next(told, [])
        return [words(item) for item in history if item.get("role") == role]

    def speak_into_microphone(self, name: str) -> None:
        wav = base64.b64encode(caller(name).read_bytes()).decode()
        self.page.evaluate("wav => parley_test.say(wav)", wav)

    def send_audio(self, name: str) -> None:
        """At the pace of speech, as a microphone does."""
        pcm, size = pcm24(name), 48 * CHUNK_MS
        began = time.monotonic()
        for number, at in enumerate(range(0, len(pcm), size), 1):
            self.page.evaluate(
                "audio => vendor.audio(audio)", base64.b64encode(pcm[at : at + size]).decode()
            )
            self.page.wait_for_timeout(
                max(0.0, (began + number * CHUNK_MS / 1000 - time.monotonic()) * 1000)
            )


class Files(http.server.BaseHTTPRequestHandler):
    """The developer's own web server: the page, its script, and the package's bundle."""

    def do_GET(self) -> None:
        kind, body = "text/javascript", b""
        if self.path == "/":
            kind, body = (
                "text/html",
                b'<!doctype html><title>app</title><script type="module" src="/browser.js"></script>',
            )
        elif self.path == "/browser.js":
            body = (NODE / "browser.js").read_bytes()
        elif self.path.startswith("/bundle/"):
            body = (BUNDLE / Path(self.path).name).read_bytes()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """Another origin than Parley's, on loopback, so that the page may have a microphone."""
    installed(BUNDLE, "npm ci --prefix tests/vendors/node")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever, name="developers-site")
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def app(browser: Browser, origin: str) -> Iterator[App]:
    context = browser.new_context()
    context.add_init_script(path=SCRIPT)
    page = context.new_page()
    page.goto(origin)
    page.wait_for_function("window.vendor !== undefined")
    yield App(page)
    context.close()


def secret(front: Front) -> str:
    """What the developer's backend asks for and gives to the page."""
    status, made = front.server.post(
        "/v1/realtime/client_secrets",
        json.dumps({"session": {"type": "realtime", "model": "gpt-realtime-2.1"}}).encode(),
        authorization=f"Bearer {front.key}",
        content_type="application/json",
    )
    assert status == 200, made
    return str(made["value"])


def test_webrtc_a_conversation_with_a_tool_and_an_interruption(app: App, front: Front) -> None:
    app.start("webrtc", f"{front.http}/realtime/calls", secret(front))
    connected = app.until(lambda h: h["what"] == "connected")
    assert connected["callId"].startswith("rtc_")

    app.page.evaluate("text => vendor.text(text)", ORDER)
    assert "42" in app.until(lambda h: h["what"] == "tool")["order_number"]
    app.until_event("output_audio_buffer.stopped")
    assert "shipped yesterday" in app.said("assistant")[-1]

    app.speak_into_microphone("common_yes")
    heard = app.until_event("conversation.item.input_audio_transcription.completed")
    assert "yes" in heard["transcript"].lower()
    app.until(lambda h: len([x for x in app.seen() if x.get("type") == "output_audio_buffer.stopped"]) >= 2)

    app.page.evaluate(
        "event => vendor.send(event)", {"type": "response.create", "response": {"instructions": LONG}}
    )
    app.until(lambda h: len([x for x in app.seen() if x.get("type") == "output_audio_buffer.started"]) >= 3)
    app.page.wait_for_timeout(1000)
    app.page.evaluate("vendor.interrupt()")
    app.until_event("output_audio_buffer.cleared")
    assert app.until_event("conversation.item.truncated")["audio_end_ms"] > 0


def test_websocket_a_conversation_with_a_tool_and_an_interruption(app: App, front: Front) -> None:
    app.start("websocket", front.socket, secret(front))
    app.until_event("session.updated")

    app.page.evaluate("text => vendor.text(text)", ORDER)
    app.until(lambda h: h["what"] == "tool_end")
    app.until(lambda h: h["what"] == "audio")
    app.until(lambda h: "shipped yesterday" in "".join(app.said("assistant")))

    app.send_audio("common_yes")
    heard = app.until_event("conversation.item.input_audio_transcription.completed")
    assert "yes" in heard["transcript"].lower()
    app.until(lambda h: len([x for x in app.seen() if x.get("type") == "response.done"]) >= 3)

    app.page.evaluate(
        "event => vendor.send(event)", {"type": "response.create", "response": {"instructions": LONG}}
    )
    app.until(lambda h: len([x for x in app.seen() if x.get("type") == "response.created"]) >= 4)
    app.page.wait_for_timeout(1000)
    app.send_audio("bargein_stop")
    app.until(lambda h: h["what"] == "audio_interrupted")
    assert app.until_event("conversation.item.truncated")["audio_end_ms"] > 0
