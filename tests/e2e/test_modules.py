"""The page's pure modules, in the browser that will run them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.server import Server

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(server.url)
    yield page
    page.close()


def waits(page: Page, *steps: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Figures that Latency tells. A step is a sound, `("own" | "agent" | "hush", from, to)`, or a method and a time."""
    figures: list[dict[str, Any]] = page.evaluate(
        """async (steps) => {
            const { Latency } = await import("/static/latency.js");
            const figures = [];
            const latency = new Latency((figure) => figures.push(figure));
            for (const [what, from, to] of steps) {
                if (!["own", "agent", "hush"].includes(what)) { latency[what](from); continue; }
                for (let block = 0; from + block * 0.02 < to - 1e-9; block += 1)
                    latency.sound({ at: from + block * 0.02, ownLoud: what === "own", agentAudible: what === "agent" });
            }
            return figures;
        }""",
        [list(step) for step in steps],
    )
    return figures


def test_a_wait_lasts_from_the_last_word_to_the_first_sound(page: Page) -> None:
    told = waits(
        page,
        ("own", 1.0, 2.0), ("hush", 2.0, 2.6), ("speechStopped", 2.5), ("committed", 2.5), ("replyStarted", 2.6),
        ("hush", 2.6, 2.8), ("agent", 2.8, 4.0),
    )  # fmt: skip
    assert told == [{"ms": pytest.approx(820, abs=2), "approximate": False}]


def test_sound_that_comes_before_its_event_counts(page: Page) -> None:
    told = waits(
        page,
        ("own", 1.0, 2.0),
        ("hush", 2.0, 2.5),
        ("committed", 2.4),
        ("agent", 2.6, 2.7),
        ("replyStarted", 2.7),
    )
    assert told == [{"ms": pytest.approx(620, abs=2), "approximate": False}]


def test_a_reply_that_goes_on_is_no_answer(page: Page) -> None:
    told = waits(
        page,
        ("agent", 0.0, 1.0), ("own", 1.0, 1.3), ("hush", 1.3, 1.9), ("committed", 1.7), ("agent", 1.9, 3.0),
        ("forget", 3.0),
    )  # fmt: skip
    assert told == []


def test_without_sound_events_give_an_approximate_figure(page: Page) -> None:
    told = waits(page, ("speechStopped", 2.0), ("committed", 2.1), ("replyStarted", 2.9))
    assert told == [{"ms": 900, "approximate": True}]


def test_amounts_are_of_a_currency(page: Page) -> None:
    shown = page.evaluate(
        """async () => {
            const { present } = await import("/static/tools.js");
            return [
                { charges: [{ merchant: "Luma", amount: 52.3, currency: "USD" }] },
                { currency: "EUR", total: 840, lines: [{ price: 1200 }] },
                { number: "INV-1", total: 840, balance: 420.5, months: 3 },
                { total: 3, amount: 2, room: 12 },
                { amount: 12.5 },
                { currency: "gold", price: "9.5", fee: 9.5 },
            ].map((each) => present(each).textContent);
        }"""
    )
    assert shown == [
        "ChargesLuma · $52.30",
        "Total€840.00Lines€1,200.00",
        "NumberINV-1Total$840.00Balance$420.50Months3",
        "Total3Amount2Room12",
        "Amount$12.50",
        "CurrencygoldPrice9.5Fee$9.50",
    ]


def test_a_visitor_sees_who_cannot_be_called(page: Page) -> None:
    told = {
        page.locator(
            f"label:has([id='{radio.get_attribute('id')}']) .card-name"
        ).inner_text(): radio.get_attribute("value")
        for radio in page.get_by_role("radio", description="Not taking voice calls here yet").all()
    }
    assert set(told.values()) == {"clinic_reception_pk", "dental_reception_mx", "insurance_claim_mx"}
    assert page.locator(".card-mute").count() == 3
    assert page.locator("input:checked").get_attribute("value") not in told.values()


def test_what_tools_say_is_text(page: Page) -> None:
    """A result with markup, a time of another zone, a database key and a long list."""
    shown = page.evaluate(
        """async () => {
            const { present } = await import("/static/tools.js");
            const row = present({
                note: "<img src=x onerror=alert(1)>", starts_at: "2031-03-04T09:30:00-05:00", row_id: "r1",
                slots: [1, 2, 3, 4, 5, 6],
            });
            return { html: row.innerHTML, text: row.textContent, more: row.querySelector("summary").textContent };
        }"""
    )
    assert "&lt;img" in shown["html"]
    assert "<img" not in shown["html"]
    assert "9:30" in shown["text"]
    assert "r1" not in shown["text"]
    assert shown["more"] == "2 more"
