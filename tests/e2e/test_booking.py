"""The main job: an appointment booked by voice alone, from the greeting to the record read over REST."""

from __future__ import annotations

import re
import statistics
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.caller import Caller, Spoken
from tests.e2e.server import Server, settles

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

MOST_TURNS = 14
ANSWER_WITHIN_S = 1.2

REPLIES: tuple[tuple[str, str], ...] = (
    (r"anything else|something else", "common_no"),
    (
        r"shall i|should i|is (that|this) (right|correct)|does that work|right\?|correct\?",
        "dental_05_confirm",
    ),
    (r"\bname\b", "dental_03_name"),
    (r"phone|number|reach you", "dental_04_phone"),
    (r"what day|which day|what time|which time|when|would you (like|prefer)|which one", "dental_02_slot"),
    (r"help you", "dental_01_book"),
)
"""What the caller says to a question that has these words; the first that fits."""


def answer_to(line: str) -> str:
    """The recording that answers the agent's last line: its last sentence counts most."""
    sentences = re.split(r"(?<=[.?!])\s+", line.strip().lower())
    for part in (sentences[-1], line.lower()):
        for pattern, name in REPLIES:
            if re.search(pattern, part):
                return name
    return "common_yes"


def wait_of(caller: Caller, said: Spoken) -> float:
    """Seconds from the caller's last word to the agent's first sound after it, at the ear."""
    sounds = [s for s in caller.sounds(said.end) if s.start > said.end + 0.05]
    return sounds[0].start - said.end


def test_an_appointment_is_booked_by_voice(caller: Caller, server: Server) -> None:
    caller.call("dental")
    line = caller.wait_until_answered()
    waits: list[float] = []
    dialogue: list[str] = []
    for _ in range(MOST_TURNS):
        name = answer_to(line)
        said = caller.say(name)
        line = caller.wait_until_answered(after=said.end)
        waits.append(wait_of(caller, said))
        dialogue += [f"< {name}", f"> {line}"]
        if over(caller):
            break
    story = "\n".join(dialogue)
    assert booked(caller), f"no booking:\n{story}"
    card = caller.page.locator('#transcript .tool[data-state="done"]', has_text="Book appointment")
    expect(card).to_contain_text("Susan Walker")
    expect(caller.page.locator(".entry-agent .delay").first).to_be_visible()
    if over(caller):
        expect(caller.page.locator("#summary .end")).to_have_text("The agent finished the conversation.")
    else:
        caller.hang_up()
    expect(caller.page.locator("#summary")).to_contain_text("Book appointment")

    record = ended_record(server, caller)
    said_by = {
        role: " ".join(e["text"].lower() for e in record["transcript"] if e["role"] == role)
        for role in ("user", "assistant")
    }
    assert "appointment" in said_by["user"]
    assert "susan walker" in said_by["user"]
    assert "nine thirty" in said_by["user"] or "9:30" in said_by["user"]
    assert said_by["assistant"]
    assert "book_appointment" in record["toolsUsed"]
    assert record["interactionSummary"]["booking"]["status"] == "scheduled", record["interactionSummary"]
    shown = [
        float(re.findall(r"[\d.]+", text)[0]) for text in caller.page.locator(".delay").all_inner_texts()
    ]
    assert shown == pytest.approx(waits, abs=0.15), "the page's figures are not what the ear measured"
    median = statistics.median(waits)
    assert median <= ANSWER_WITHIN_S, f"median wait {median:.2f} s of {[round(w, 2) for w in waits]}"


def over(caller: Caller) -> bool:
    """Whether the agent has hung up."""
    return caller.page.locator("body").get_attribute("data-phase") == "ended"


def booked(caller: Caller) -> bool:
    return (
        caller.page.locator('#transcript .tool[data-state="done"]', has_text="Book appointment").count() > 0
    )


def ended_record(server: Server, caller: Caller) -> dict[str, Any]:
    """The session's record, once its call has ended."""
    found: dict[str, Any] = {}

    def read() -> bool:
        status, body = server.get(
            f"/api/sessions/{caller.session['id']}", **{"x-session-access": caller.session["access"]}
        )
        assert status == 200, body
        found.update(body)
        return any(e["type"] == "call_ended" for e in body["timelineEvents"])

    assert settles(read, 20), "the call has no ending"
    return found
