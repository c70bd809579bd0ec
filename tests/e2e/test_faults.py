"""What can go wrong at the page: each has a clear message, and leaves nothing behind."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect

from tests.e2e.caller import SCRIPT, Caller
from tests.e2e.conftest import launch
from tests.e2e.server import Server, running, settles
from tests.e2e.test_call import ended

pytestmark = pytest.mark.e2e

LEFT_WITHIN_S = 20.0


def press_call(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("radio").first.wait_for(state="attached")
    page.get_by_role("button", name="Call", exact=True).click()


def fault(page: Page) -> str | None:
    """The code of the message that is shown."""
    expect(page.locator("#notice")).to_be_visible(timeout=20_000)
    assert page.locator("#notice h2").inner_text()
    assert page.locator("#notice p").inner_text()
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_enabled()
    return page.locator("#notice").get_attribute("data-fault")


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--use-fake-device-for-media-stream",), "microphone-refused"),
        (("--use-fake-ui-for-media-stream",), "microphone-missing"),
    ],
)
def test_no_microphone(playwright: Playwright, server: Server, flags: tuple[str, ...], code: str) -> None:
    browser = launch(playwright, *flags)
    page = browser.new_page()
    press_call(page, server.url)
    assert fault(page) == code
    browser.close()


def test_a_busy_microphone(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotReadableError'))"
    )
    press_call(page, server.url)
    assert fault(page) == "microphone-busy"
    page.close()


def test_an_agent_whose_language_nobody_speaks(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    page.goto(server.url)
    page.locator("#persona-dental_reception_mx").check(force=True)
    page.get_by_role("button", name="Call", exact=True).click()
    assert fault(page) == "language-not-spoken"
    page.close()


def test_a_forged_token(browser: Browser, server: Server) -> None:
    page = browser.new_page()

    def forge(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        body["token"] = body["token"][:-6] + (
            "AAAAAA" if not body["token"].endswith("AAAAAA") else "BBBBBB"
        )
        route.fulfill(response=answer, body=json.dumps(body))

    page.route("**/api/realtime/credentials", forge)
    press_call(page, server.url)
    assert fault(page) == "token-refused"
    page.close()


def test_garbage_at_the_calls_endpoint(server: Server) -> None:
    _, granted = server.post("/api/realtime/credentials", b"{}", content_type="application/json")
    for token, body, expected in (
        ("ek_forged", b"v=0", 401),
        (granted["token"], b"\x00\xff not an offer", 400),
        (granted["token"], b"v=0\r\n" + b"a" * 300_000, 413),
    ):
        status, answer = server.post(
            "/v1/realtime/calls", body, content_type="application/sdp", authorization=f"Bearer {token}"
        )
        assert status == expected, answer
        assert answer["error"]["message"]


def test_the_personas_cannot_be_loaded(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    page.route("**/api/personas", lambda route: route.fulfill(status=500, body="{}"))
    page.goto(server.url)
    expect(page.locator("#notice")).to_contain_text("could not be loaded")
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_disabled()
    page.close()


def test_the_server_cannot_be_reached(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    page.route("**/api/realtime/credentials", lambda route: route.abort())
    press_call(page, server.url)
    assert fault(page) == "server-unreachable"
    page.close()


def test_a_call_cancelled_while_it_connects(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    page.route("**/api/realtime/credentials", lambda route: None)
    press_call(page, server.url)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#setup")).to_be_visible()
    expect(page.locator("#notice")).to_be_hidden()
    page.close()


@pytest.fixture(scope="module")
def full_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(
        tmp_path_factory.mktemp("full"), PARLEY_MAX_CALLS="1", PARLEY_EARS_WORKERS="1", PARLEY_SETUP_S="4"
    ) as server:
        yield server


def listening(browser: Browser, server: Server) -> Caller:
    """A caller who is on a call."""
    context = browser.new_context(bypass_csp=True)
    context.add_init_script(path=SCRIPT)
    caller = Caller(context.new_page())
    caller.open(server.url)
    caller.call("dental")
    caller.wait_for("output_audio_buffer.started")
    return caller


def test_a_full_server_says_so_and_frees_the_line_when_a_page_is_closed(
    browser: Browser, full_server: Server
) -> None:
    first = listening(browser, full_server)
    page = browser.new_page()
    press_call(page, full_server.url)
    assert fault(page) == "server-full"
    first.page.close()
    page.get_by_role("button", name="Try again").click()
    if page.locator("#notice").is_visible():
        page.wait_for_timeout(1_000)
        page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("body")).to_have_attribute("data-phase", "live", timeout=20_000)
    page.close()
    first.page.context.close()
    assert settles(lambda: ended(full_server, first) is not None, 20)


def test_audio_that_finds_no_way(browser: Browser, full_server: Server) -> None:
    page = browser.new_page()

    def misdirect(route: Route) -> None:
        # 192.0.2.1 is reserved for documentation (RFC 5737): nobody answers there, so neither side finds the other.
        offer = re.sub(r"(a=candidate:\S+ \d \S+ \d+) \S+", r"\1 192.0.2.1", route.request.post_data or "")
        answer = route.fetch(post_data=offer)
        route.fulfill(
            response=answer,
            body=re.sub(r"(a=candidate:\S+ \d \S+ \d+) \S+", r"\1 192.0.2.1", answer.text()),
        )

    page.route("**/v1/realtime/calls", misdirect)
    page.clock.install()
    with page.expect_response("**/v1/realtime/calls"):
        press_call(page, full_server.url)
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.clock.run_for(16_000)
    assert fault(page) == "connection-failed"
    page.close()
    assert settles(lambda: full_server.sockets_of_calls() == 0, 20), (
        "the call that never connected is still there"
    )


def test_a_browser_that_dies_leaves_nothing(
    playwright: Playwright, browser: Browser, full_server: Server
) -> None:
    assert settles(lambda: full_server.sockets_of_calls() == 0, 20)
    others = {process.pid for process in psutil.Process().children(recursive=True)}
    caller = listening(launch(playwright), full_server)
    assert full_server.sockets_of_calls() > 0
    for process in psutil.Process().children(recursive=True):
        if process.pid not in others and "chrom" in process.name():
            process.send_signal(signal.SIGKILL)
    assert settles(lambda: ended(full_server, caller) is not None, LEFT_WITHIN_S), "the call was not ended"
    ending = ended(full_server, caller)
    assert ending is not None
    assert "went silent or broke" in ending["description"]
    assert settles(lambda: full_server.sockets_of_calls() == 0, 20)
    after = listening(browser, full_server)
    after.hang_up()
    after.page.context.close()
    written = full_server.written().lower()
    assert "caller/left" in written
    for secret in ("larkfield", "how can i help", "ek_", "bearer"):
        assert secret not in written, f"{secret!r} is in the log"


def test_agents_by_field_and_one_whose_language_nobody_speaks_here(
    browser: Browser, server: Server
) -> None:
    """Choosing among many, and the reason why the engine in Parley refuses a call in Urdu."""
    page = browser.new_page()
    page.goto(server.url)
    page.get_by_role("radio").first.wait_for(state="attached")
    every = page.locator("label.card:visible").count()
    page.get_by_role("button", name="Healthcare").click()
    expect(page.locator("label.card[for=persona-dental_reception]")).to_be_hidden()
    assert 0 < page.locator("label.card:visible").count() < every
    assert (
        page.locator("input[name=persona]:checked").evaluate("one => one.closest('label').hidden") is False
    )
    page.locator("label[for=persona-clinic_reception_pk]").click()
    page.get_by_role("button", name="Call", exact=True).click()
    assert fault(page)
    expect(page.locator("#notice")).to_contain_text("language")
    page.get_by_role("button", name="All", exact=True).click()
    assert page.locator("label.card:visible").count() == every
    page.close()
