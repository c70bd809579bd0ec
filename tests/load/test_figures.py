"""Figures, thresholds, table and page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.load.conversation import Turn
from gateway.load.figures import broken, distribution, in_vain, kind_figures, used
from gateway.load.page import page
from gateway.load.plan import Plan, Threshold, Unclear
from gateway.load.report import table

pytestmark = pytest.mark.unit


def test_percentiles_of_too_few_samples_are_refused() -> None:
    told = [distribution([float(n) for n in range(count)]) for count in (0, 4, 5, 20, 100)]
    assert [[one[p] is not None for p in ("p50", "p95", "p99")] for one in told] == [
        [False, False, False],
        [False, False, False],
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def report(**more: Any) -> dict[str, Any]:
    whole = kind_figures([], tones=False) | more
    turn = {"at_s": 2.0, "interrupts": False, "first_audio_ms": 640.0, "barge_in_ms": None, "reply_ms": 900}
    call = {"kind": "ws", "began_s": 0.0, "connected_s": 0.1, "ended_s": None, "turns": [turn]}
    return {
        "schema": "parley-load/1",
        "tool": {"parley": "1", "python": "3", "machine": "<here>"},
        "plan": {
            "url": "ws://a/<b>",
            "kinds": ["ws"],
            "calls": 1,
            "ramp_s": 1.0,
            "loss_percent": 1,
            "jitter_ms": 0,
        },
        "seconds": 10.0,
        "interrupted": True,
        "not_tried": 0,
        "figures": {"all": whole, "ws": whole},
        "server": None,
        "calls": [call],
    }


def test_a_threshold_holds_of_what_was_measured_and_fails_of_what_was_not() -> None:
    limits = [Threshold.read(text) for text in ("first_audio_p95>800", "failed>0", "barge_in_p95>250")]
    values = {**distribution([900.0] * 30)}
    told = broken(report(first_audio_ms=values, failed=0), limits)
    assert told == ["first_audio_p95>800: it is 900", "barge_in_p95>250: too few samples to tell"]


@pytest.mark.parametrize("text", ["", "first_audio_p95", "failed>", "failed=>1", "failed>x"])
def test_a_threshold_that_is_none_is_told(text: str) -> None:
    with pytest.raises(Unclear):
        Threshold.read(text)


def test_the_page_is_whole_and_asks_nothing_of_the_network() -> None:
    text = page(report(first_audio_ms=distribution([640.0])))
    for drawing in re.findall(r"<svg.*?</svg>", text):
        ET.fromstring(drawing)
    assert text.count("<svg") == 3
    assert "ws://a/&lt;b&gt;" in text
    assert not re.search(r"(src|href|url\()\s*=?", text.replace("url(#", ""))


def test_the_table_distrusts_a_late_tool() -> None:
    assert "DISTRUST" in table(report(trusted=False))
    assert "DISTRUST" not in table(report())


def test_addresses_of_each_kind() -> None:
    plan = Plan("https://a:1", paths={"ws": "/x?y=1"})
    assert plan.address("webrtc", "/d") == "https://a:1/d"
    assert plan.address("ws", "/d", sockets=True) == "wss://a:1/x?y=1"
    assert Plan("ws://a/own?b=c").address("phone", "/d", sockets=True) == "ws://a/own?b=c"
    assert Plan("http://127.0.0.1:1").loopback
    assert not Plan("http://example.test").loopback


def one(connected: float | None, ended: float | None, turns: tuple[Turn, ...] = (), **more: Any) -> Any:
    talk = SimpleNamespace(turns=list(turns), missed=0, clicks=0, first_loud=None)
    fields = {"failed": "", "refused": False, "underruns": 0, "gaps": 0, "lost_ms": 0.0, "rules": []}
    pace = SimpleNamespace(late=[])
    return SimpleNamespace(
        began=0.0, connected=connected, ended=ended, talk=talk, pace=pace, **fields | more
    )


def test_the_cpu_is_shared_by_the_calls_that_stood_at_the_time() -> None:
    samples = [(0.0, 5.0, 100.0), *((2.0 + n, 10.0 + n * 0.5, 150.0 + n) for n in range(11))]
    whole = used([one(1.0, None), one(2.0, None)], samples, 12.0)
    assert whole is not None
    assert (whole.cpu_ms_per_call_s, whole.cores, whole.memory_before_mb) == (250.0, 0.5, 100.0)
    half = used([one(1.0, 12.0), one(2.0, 7.0), one(None, 2.5)], samples, 12.0)
    assert half is not None
    assert half.cpu_ms_per_call_s == pytest.approx(5.0 / 15 * 1000, abs=0.01)
    assert used([one(None, 3.0)], samples, 12.0) is None


def test_a_reply_that_is_not_given_in_full_was_lost_as_far_as_it_lacks() -> None:
    def reply(heard_s: float, **more: Any) -> Turn:
        return Turn(0.0, interrupts=False, ended=1.0, reply_at=2.0, heard_s=heard_s, **more)

    turns = (reply(3.02), reply(2.95), reply(2.0), reply(0.5, cut_off=True), Turn(9.0, interrupts=False))
    assert kind_figures([one(1.0, 9.0, turns)], tones=False)["lost_ms"] == 0
    told = kind_figures([one(1.0, 9.0, turns, lost_ms=40.0, gaps=1)], tones=False, reply_ms=3000)
    assert (told["short_replies"], told["lost_ms"]) == (1, 1000)
    assert kind_figures([one(1.0, 9.0, lost_ms=40.0)], tones=False, reply_ms=3000)["lost_ms"] == 40


def test_a_run_is_in_vain_when_no_call_was_held_to_the_end() -> None:
    dropped, refused, held = (
        one(1.0, 2.0, failed="hung up"),
        one(None, 2.0, failed="503", refused=True),
        one(1.0, 9.0),
    )
    assert in_vain({"figures": {"all": kind_figures([dropped, refused], tones=False)}})
    assert not in_vain({"figures": {"all": kind_figures([dropped, refused, held], tones=False)}})
