"""What must hold of a client-played call whatever happens, in whatever order: Hypothesis plays clients, model, losses,
tools and time. The model obeys the protocol: it takes its events in order, and refuses what it may not do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from gateway.call.inputs import HandOverAsked, HangUpAsked, Lost
from gateway.errors import HUNG_UP
from gateway.ports import Event
from gateway.realtime.response import BRIDGING, PROVIDER_LOST
from gateway.realtime.session import turn_detection_of
from tests.call.harness import WEATHER, persona
from tests.call.relay_bench import RelayBench

pytestmark = pytest.mark.unit

MINE: dict[str, Any] = {
    "type": "function",
    "name": "mine",
    "parameters": {"type": "object", "properties": {}},
}

MESSAGES: list[dict[str, Any]] = [
    {"type": "response.create"},
    {"type": "response.create", "response": {"audio": {"output": {"format": {"type": "audio/pcmu"}}}}},
    {"type": "response.create", "response": {"conversation": "none", "metadata": {"a": "b"}}},
    {"type": "response.create", "response": {"conversation": "none", "output_modalities": ["text"]}},
    {"type": "response.cancel"},
    {"type": "response.cancel", "response_id": "resp_2"},
    {"type": "session.update", "session": {"type": "realtime", "tools": [MINE]}},
    {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}}},
    {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"transcription": None}}}},
    {"type": "session.update", "session": {"type": "realtime", "nonsense": 1}},
    {"type": "conversation.item.create",
     "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}},
    {"type": "conversation.item.create", "previous_item_id": "root",
     "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "first"}]}},
    {"type": "conversation.item.create", "previous_item_id": "item_parley_tools",
     "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "second"}]}},
    {"type": "conversation.item.create", "previous_item_id": "item_unknown",
     "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "where"}]}},
    {"type": "conversation.item.retrieve", "item_id": "item_unknown"},
    {"type": "conversation.item.truncate", "item_id": "item_3", "content_index": 0, "audio_end_ms": 700},
    {"type": "conversation.item.delete", "item_id": "item_3"},
    {"type": "input_audio_buffer.commit"},
    {"type": "output_audio_buffer.clear"},
    {"type": "input_audio_buffer.append", "audio": "!"},
]  # fmt: skip


class Running:
    """A response that the model makes."""

    def __init__(self, response_id: str, *, aside: bool, params: dict[str, Any]) -> None:
        self.id = response_id
        self.aside = aside
        self.params = params
        self.item: str | None = None
        self.words = ""
        self.output: list[dict[str, Any]] = []


class RelayMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.bench = RelayBench(who=persona(policy="open"), tools=(WEATHER,))
        self.read = 0
        """Events of the core that the model has taken."""
        self.active: Running | None = None
        self.asides: list[Running] = []
        self.items: list[str] = []
        """The model's conversation."""
        self.count = 0
        self.waiting: dict[str, int] = {}
        """Client events that must be answered by a response or an error: event id → origin."""
        self.refused: dict[str, int] = {}
        """Client events that the model refused: event id → origin."""
        self.mine: list[str] = []
        """Calls of the client's tool."""
        self.origins = [0]

    def live(self) -> bool:
        return self.bench.ended is None

    # ── the clients ──

    @initialize()
    def open(self) -> None:
        self.bench.open()

    @precondition(lambda self: self.live())
    @rule(message=st.sampled_from(MESSAGES), which=st.integers(0, 3), named=st.booleans())
    def client(self, message: dict[str, Any], which: int, named: bool) -> None:
        origin = self.origins[which % len(self.origins)]
        sent = dict(message)
        if named:
            self.count += 1
            sent["event_id"] = f"client_{self.count}"
            if message["type"] == "response.create":
                self.waiting[sent["event_id"]] = origin
        self.bench.raw(json.dumps(sent), origin)

    @precondition(lambda self: self.live())
    @rule(
        message=st.sampled_from(
            ["{", "[]", "{}", '{"type": "x"}', '{"type": "response.create", "response": 1}']
        )
    )
    def noise(self, message: str) -> None:
        before = len(self.bench.told.get(0, []))
        self.bench.raw(message)
        assert len(self.bench.told[0]) == before + 1

    @precondition(lambda self: self.live() and len(self.origins) < 3)
    @rule()
    def sideband(self) -> None:
        self.origins.append(len(self.origins))
        self.bench.join(self.origins[-1])

    @precondition(lambda self: self.live() and bool(self.mine))
    @rule()
    def client_tool_result(self) -> None:
        item = {"type": "function_call_output", "call_id": self.mine.pop(0), "output": "{}"}
        self.bench.client("conversation.item.create", item=item)

    @precondition(lambda self: not self.live())
    @rule()
    def over(self) -> None:
        """Nothing follows the end."""
        assert self.bench.core.tick(self.bench.now + 100) == []
        assert self.bench.core.leg(Lost(HUNG_UP), self.bench.now) == []

    # ── the model ──

    @precondition(lambda self: self.live() and self.read < len(self.bench.sent))
    @rule()
    def model_reads(self) -> None:
        event = self.bench.sent[self.read]
        self.read += 1
        match event["type"]:
            case "response.create":
                self._asked(event)
            case "response.cancel":
                self._cancelled(event)
            case "conversation.item.create":
                self._create(event)
            case "conversation.item.retrieve" | "conversation.item.delete" | "conversation.item.truncate":
                self._touch(event)
            case _:
                pass

    def _asked(self, event: Event) -> None:
        params = event.get("response") or {}
        if params.get("conversation") == "none":
            self.asides.append(self._begin(params, aside=True))
        elif self.active is not None:
            self._refuse(event, "conversation_already_has_active_response")
        else:
            self.active = self._begin(params, aside=False)

    def _begin(self, params: dict[str, Any], *, aside: bool) -> Running:
        fields: dict[str, Any] = {"metadata": params.get("metadata")}
        if aside:
            fields["conversation_id"] = None
        return Running(self.bench.begin(**fields), aside=aside, params=params)

    def _cancelled(self, event: Event) -> None:
        running = [*self.asides, *([self.active] if self.active else [])]
        named = event.get("response_id")
        found = next((r for r in running if r.id == named), self.active if named is None else None)
        if found is None:
            self._refuse(event, "response_cancel_not_active")
        else:
            self._finish(found, "cancelled", {"type": "cancelled", "reason": "client_cancelled"})

    def _create(self, event: Event) -> None:
        item, before = event["item"], event.get("previous_item_id")
        self.count += 1
        item = {"id": f"made_{self.count}", **item}
        if item["id"] in self.items or before not in (None, "root", *self.items):
            self._refuse(event, "invalid_value")
            return
        self._insert(item, before)

    def _insert(self, item: dict[str, Any], before: str | None = None) -> None:
        place = (
            len(self.items) if before is None else 0 if before == "root" else self.items.index(before) + 1
        )
        self.items.insert(place, item["id"])
        previous = self.items[place - 1] if place else None
        for kind in ("added", "done"):
            if self.live():
                self.bench.model(f"conversation.item.{kind}", item=item, previous_item_id=previous)

    def _touch(self, event: Event) -> None:
        verb = event["type"].rpartition(".")[2]
        if event["item_id"] not in self.items:
            self._refuse(event, f"item_{verb}_invalid_item_id")
        elif verb == "delete":
            self.items.remove(event["item_id"])
            self.bench.model("conversation.item.deleted", item_id=event["item_id"])

    def _refuse(self, event: Event, code: str) -> None:
        sender = self.bench.core._front.marks.sender(event.get("event_id"))
        if sender is not None and sender.event_id is not None:
            self.refused[sender.event_id] = sender.origin
        self.bench.refuse(event, code)

    @precondition(lambda self: self.live())
    @rule(words=st.sampled_from(["", "hello", "bye"]))
    def caller_turn(self, words: str) -> None:
        vad = turn_detection_of(self.bench.core.session)
        if vad is None:
            return
        self.count += 1
        item_id = f"user_{self.count}"
        self.bench.model("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)
        if self.active is not None:
            self._finish(self.active, "cancelled", {"type": "cancelled", "reason": "turn_detected"})
        self.bench.model("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=9)
        previous = self.items[-1] if self.items else None
        self.bench.model("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)
        self._insert({"id": item_id, "type": "message", "role": "user", "content": []})
        self.bench.model(
            "conversation.item.input_audio_transcription.completed", item_id=item_id, content_index=0,
            transcript=words,
        )  # fmt: skip
        if self.live():
            self.active = self._begin({}, aside=False)

    def _some(self, which: int) -> Running | None:
        running = [*([self.active] if self.active else []), *self.asides]
        return running[which % len(running)] if running else None

    @precondition(lambda self: self.live())
    @rule(which=st.integers(0, 3), ms=st.integers(1, 3000), words=st.sampled_from(["one ", "two ", ""]))
    def model_speaks(self, which: int, ms: int, words: str) -> None:
        running = self._some(which)
        if running is None:
            return
        if running.item is None:
            self.count += 1
            running.item = f"item_{self.count}"
            item = {"id": running.item, "type": "message", "role": "assistant", "status": "in_progress",
                    "content": []}  # fmt: skip
            self.bench.model(
                "response.output_item.added", response_id=running.id, output_index=0, item=item
            )
            if not running.aside:
                self._insert_begun(item)
        running.words += words
        self.bench.audio(running.id, running.item, ms, words)

    def _insert_begun(self, item: dict[str, Any]) -> None:
        previous = self.items[-1] if self.items else None
        self.items.append(item["id"])
        self.bench.model("conversation.item.added", item=item, previous_item_id=previous)

    @precondition(lambda self: self.live() and self.active is not None)
    @rule(name=st.sampled_from(["weather", "mine"]))
    def model_calls_a_tool(self, name: str) -> None:
        assert self.active is not None
        self.count += 1
        call_id = f"call_{self.count}"
        self.bench.call_tool(self.active.id, name, call_id, index=len(self.active.output) + 1)
        self.active.output.append(
            {"id": f"fc_{call_id}", "type": "function_call", "name": name, "call_id": call_id,
             "status": "completed", "arguments": "{}"}
        )  # fmt: skip
        if name == "mine":
            self.mine.append(call_id)

    @precondition(lambda self: self.live())
    @rule(which=st.integers(0, 3), failed=st.booleans())
    def model_finishes(self, which: int, failed: bool) -> None:
        running = self._some(which)
        if running is not None:
            error = {"type": "failed", "error": {"type": "server_error", "code": "x", "message": "x"}}
            self._finish(running, "failed" if failed else "completed", error if failed else None)

    @precondition(lambda self: self.live())
    @rule(bridge=st.booleans())
    def provider_is_lost(self, bridge: bool) -> None:
        error = {"type": "server_error", "code": PROVIDER_LOST, "message": "gone"}
        for running in [*([self.active] if self.active else []), *self.asides]:
            self._finish(running, "failed", {"type": "failed", "error": error})
        if bridge and self.live():
            # A phrase that nobody asked for covers the gap, before the model takes anything more.
            self.active = Running(self.bench.begin(metadata=BRIDGING), aside=False, params={})
            self.model_speaks(which=0, ms=900, words="one ")
            self._finish(self.active, "completed", None)

    def _finish(self, running: Running, status: str, details: dict[str, Any] | None) -> None:
        if running is self.active:
            self.active = None
        else:
            self.asides.remove(running)
        if running.item is not None:
            at = {"response_id": running.id, "item_id": running.item, "output_index": 0, "content_index": 0}
            self.bench.model("response.output_audio.done", **at)
            self.bench.model("response.output_audio_transcript.done", transcript=running.words, **at)
        if self.live():
            self.bench.finish(running.id, status, details=details, output=running.output)

    # ── the rest ──

    @precondition(lambda self: self.live() and bool(self.bench.tool_runs))
    @rule(ok=st.booleans())
    def tool_ends(self, ok: bool) -> None:
        self.bench.end_tool(self.bench.tool_runs.pop(0).tool_call_id, ok=ok)

    @precondition(lambda self: self.live() and bool(self.bench.tool_runs))
    @rule(hand_over=st.booleans())
    def tool_wants_the_end(self, hand_over: bool) -> None:
        self.bench.do(
            self.bench.core.control(HandOverAsked() if hand_over else HangUpAsked(), self.bench.now)
        )

    @precondition(lambda self: self.live())
    @rule(seconds=st.sampled_from([0.05, 0.2, 0.6, 3.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.run(seconds)

    @precondition(lambda self: self.live())
    @rule(gone=st.integers(0, 30))
    def client_leaves(self, gone: int) -> None:
        if gone == 0:
            self.bench.do(self.bench.core.leg(Lost(HUNG_UP), self.bench.now))

    def teardown(self) -> None:
        self._let_it_come_to_an_end()
        check_responses(self.bench)
        check_items(self.bench.leg_events)
        check_words(self.bench.leg_events)
        self._check_answers()

    def _let_it_come_to_an_end(self) -> None:
        """The model reads what is left and ends what it makes; the tools end."""
        for _ in range(200):
            if not self.live():
                return
            running = self._some(0)
            if self.read < len(self.bench.sent):
                self.model_reads()
            elif running is not None:
                self._finish(running, "completed", None)
            elif self.bench.tool_runs:
                self.tool_ends(ok=True)
            else:
                return
        raise AssertionError("it never comes to an end")

    def _check_answers(self) -> None:
        """Each fault is told to its sender alone; each asking is answered."""
        for origin in self.origins:
            for _, event_id in self.bench.errors(origin):
                assert event_id is None or event_id.startswith("client_"), "an id of ours leaked"
        for event_id, origin in self.refused.items():
            for other in self.origins:
                told = [about for _, about in self.bench.errors(other)]
                assert told.count(event_id) == (other == origin), (event_id, other, told)
        if not self.live():
            return
        marks = self.bench.core._front.marks
        asked = {
            sender.event_id for event in self.bench.asked() if (sender := marks.sender(event["event_id"]))
        }
        for event_id, origin in self.waiting.items():
            told = [about for _, about in self.bench.errors(origin)]
            assert event_id in asked or event_id in told, f"{event_id} was never answered"


def check_responses(bench: RelayBench) -> None:
    """One active reply in the conversation; what is created is done, once."""
    open_now: dict[str, bool] = {}
    done: set[str] = set()
    for event in bench.leg_events:
        if event["type"] == "response.created":
            response = event["response"]
            aside = response["conversation_id"] is None
            assert aside or all(open_now.values()), f"{response['id']} began beside {open_now}"
            open_now[response["id"]] = aside
        elif event["type"] == "response.done":
            assert event["response"]["id"] not in done
            done.add(event["response"]["id"])
            del open_now[event["response"]["id"]]
            assert all(item["type"] != "function_call" or item["name"] == "mine"
                       for item in event["response"]["output"])  # fmt: skip
    assert bench.ended is not None or not open_now, f"never done: {open_now}"


def check_items(events: list[Event]) -> None:
    """Every item stands where it is said to stand: behind one that is known, and each is added once."""
    order: list[str] = []
    gone: set[str] = set()
    for event in events:
        if event["type"] == "conversation.item.added":
            item_id, previous = event["item"]["id"], event["previous_item_id"]
            assert item_id not in order
            assert previous is None or previous in order or previous in gone
            order.insert(order.index(previous) + 1 if previous in order else 0, item_id)
        elif event["type"] == "conversation.item.done":
            assert event["item"]["id"] in order
        elif event["type"] == "conversation.item.deleted" and event["item_id"] in order:
            order.remove(event["item_id"])
            gone.add(event["item_id"])


def check_words(events: list[Event]) -> None:
    """The deltas of an item sum to its end."""
    words: dict[str, str] = {}
    for event in events:
        if event["type"] == "response.output_audio_transcript.delta":
            words[event["item_id"]] = words.get(event["item_id"], "") + event["delta"]
        elif event["type"] == "response.output_audio_transcript.done":
            assert event["transcript"] == words.get(event["item_id"], "")


TestRelay = RelayMachine.TestCase
TestRelay.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
