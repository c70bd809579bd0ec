"""What is counted, kept in bounds, carried between processes and added up."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.call.effects import Note
from gateway.call.inputs import ItemProgress, Played
from gateway.call.watch import Watch
from gateway.metrics.counts import Counts, let_go
from gateway.metrics.families import FAMILIES, MOST_SERIES
from gateway.metrics.lag import RECENT_S, LoopLag
from gateway.metrics.process import process_figures
from gateway.metrics.snapshot import Snapshot, merged
from gateway.ports import TurnTiming
from tests.virtual import VirtualLoop

pytestmark = pytest.mark.unit

TURN = "parley_turn_seconds"


def test_names_are_such_as_a_scraper_expects() -> None:
    for family in FAMILIES.values():
        assert family.name.startswith(("parley_", "process_"))
        assert not family.name.endswith(("_total", "_count", "_sum", "_bucket"))
        assert bool(family.buckets) is (family.kind == "histogram")
        assert list(family.buckets) == sorted(set(family.buckets))
        assert family.help.endswith(".")


def test_several_processes_make_one_figure() -> None:
    one, other = Counts(), Counts()
    for counts, calls in (one, 2), (other, 3):
        for _ in range(calls):
            counts.call_started("twilio")
        counts.call_ended("twilio", "caller/hung-up")
        counts.observe(TURN, 0.2, "reply", "twilio", "openai")
    other.observe(TURN, 9.0, "reply", "twilio", "openai")
    a, b = one.snapshot(), other.snapshot()
    for snapshot, up, failures, live in (a, 1, 0, 2), (b, 0, 4, 3):
        snapshot.set("parley_provider_up", up, "openai")
        snapshot.set("parley_provider_failures", failures, "openai")
        snapshot.set("parley_calls_live", live)
    travelled = [Snapshot.from_json(json.loads(json.dumps(taken.to_json()))) for taken in (a, b)]
    whole = merged(travelled)
    assert whole.value("parley_calls_started", "twilio") == 5
    assert whole.value("parley_calls_running", "twilio") == 3
    assert whole.value("parley_calls_ended", "twilio", "caller", "hung-up") == 2
    assert whole.value("parley_calls_live") == 5
    assert whole.value("parley_provider_up", "openai") == 0
    assert whole.value("parley_provider_failures", "openai") == 4
    reply = whole.histograms[TURN]["reply", "twilio", "openai"]
    assert sum(reply.counts) == 3
    assert reply.counts[-1] == 1, "nine seconds are beyond every bound"
    assert reply.counts[reply.bounds.index(0.2)] == 2, "a bound belongs to its bucket"
    assert reply.total == pytest.approx(9.4)
    assert sum(travelled[0].histograms[TURN]["reply", "twilio", "openai"].counts) == 1, (
        "merging changes no part"
    )


def test_a_snapshot_of_other_buckets_is_refused() -> None:
    counts = Counts()
    counts.observe(TURN, 0.2, "reply", "twilio", "openai")
    told = counts.snapshot().to_json()
    told["histograms"][TURN][0][1].pop()
    with pytest.raises(ValueError, match=TURN):
        Snapshot.from_json(told)


def test_a_snapshot_stands_while_the_counting_goes_on() -> None:
    counts = Counts()
    counts.observe("parley_bargein_seconds", 0.1, "webrtc")
    taken = counts.snapshot()
    counts.observe("parley_bargein_seconds", 0.1, "webrtc")
    counts.refused("full")
    assert sum(taken.histograms["parley_bargein_seconds"]["webrtc",].counts) == 1
    assert taken.value("parley_calls_refused", "full") == 0


def test_labels_cannot_grow_without_bound() -> None:
    counts = Counts()
    for number in range(3 * MOST_SERIES):
        counts.failed_over(f"p{number}", "other")
        counts.observe("parley_tool_seconds", 0.1, f"t{number}", "ok")
    counts.failed_over("p0", "other")
    taken = counts.snapshot()
    failovers = taken.plain["parley_failovers"]
    assert len(failovers) == MOST_SERIES + 1
    assert failovers["other", "other"] == 2 * MOST_SERIES
    assert failovers["p0", "other"] == 2, "who is known is still counted"
    tools = taken.histograms["parley_tool_seconds"]
    assert len(tools) == MOST_SERIES + 1
    assert sum(tools["other", "other"].counts) == 2 * MOST_SERIES


def test_what_others_keep_is_asked_for() -> None:
    counts, rows = Counts(), [7]
    counts.read("parley_journal_waiting_rows", lambda: [((), rows[0])])
    assert counts.snapshot().value("parley_journal_waiting_rows") == 7
    rows[0] = 0
    assert counts.snapshot().value("parley_journal_waiting_rows") == 0
    with pytest.raises(KeyError):
        counts.read("parley_nothing", list)
    before = counts.snapshot().value("parley_dropped", "journal")
    let_go("journal", 3)
    assert counts.snapshot().value("parley_dropped", "journal") == before + 3


def test_a_reply_is_timed_in_parts() -> None:
    counts = Counts()
    watch = Watch(counts, "webrtc")
    watch.timed(TurnTiming(1, 900, 480, 400, 20), "openai", 70, now=5.0)
    watch.timed(TurnTiming(2, 900, None, None, None), "openai", 70, now=9.0)
    watch.note(Note("bargein_ms", 40), "openai")
    watch.note(Note("input_tokens", 12), "openai")
    watch.note(Note("turns"), "openai")
    taken = counts.snapshot()
    parts = {
        part: (sum(kept.counts), round(kept.total, 3))
        for (part, _, _), kept in taken.histograms[TURN].items()
    }
    assert parts == {
        "reply": (2, 1.8), "endpointing": (1, 0.48), "model": (1, 0.4), "playout": (1, 0.02), "downlink": (2, 0.14)
    }  # fmt: skip
    assert taken.histograms["parley_bargein_seconds"]["webrtc",].total == 0.04
    assert taken.value("parley_tokens", "openai", "input") == 12
    assert taken.value("parley_turns", "webrtc") == 1


def test_a_telephone_tells_the_downlink_by_its_marks() -> None:
    counts = Counts()
    watch = Watch(counts, "twilio")
    timing = TurnTiming(1, 900, 480, 400, 20)

    def played(item_id: str, heard_ms: int) -> Played:
        before = ItemProgress("old", 500, 500, 500, drained=True)
        return Played((before, ItemProgress(item_id, 800, 200, heard_ms, drained=False)))

    watch.played(played("a", 0), 10.0)
    watch.timed(timing, "openai", None, 10.0)
    watch.played(played("a", 0), 10.05)
    assert ("downlink", "twilio", "openai") not in counts.snapshot().histograms[TURN]
    watch.played(played("a", 60), 10.24)  # it began to sound at 10.18
    watch.played(played("a", 160), 10.34)
    downlink = counts.snapshot().histograms[TURN]["downlink", "twilio", "openai"]
    assert (sum(downlink.counts), round(downlink.total, 3)) == (1, 0.18)


def test_the_lag_of_the_loop_is_what_a_blocked_loop_shows() -> None:
    loop = VirtualLoop()
    counts = Counts()

    async def scene() -> tuple[float, float]:
        async with LoopLag.measured(counts) as lag:
            await asyncio.sleep(1.0)
            before = lag.recent_s
            loop._virtual.now += 0.33  # something held the loop
            await asyncio.sleep(0.15)
            blocked = lag.recent_s
            await asyncio.sleep(RECENT_S + 0.5)
            assert lag.recent_s == pytest.approx(0.0, abs=1e-6)
        return before, blocked

    try:
        before, blocked = loop.run_until_complete(scene())
    finally:
        loop.close()
    assert before == pytest.approx(0.0, abs=1e-6)
    assert 0.2 < blocked < 0.34
    kept = counts.snapshot().histograms["parley_loop_lag_seconds"][()]
    assert sum(kept.counts) >= 30
    assert sum(kept.counts[kept.bounds.index(0.25) :]) == 1


def test_the_process_is_measured() -> None:
    taken = process_figures()
    assert taken.value("process_cpu_seconds") > 0
    assert taken.value("process_resident_memory_bytes") > 10_000_000
    assert taken.value("process_open_fds") >= 3
