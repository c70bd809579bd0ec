"""What must hold whatever comes, in whatever order: Hypothesis plays the call, the providers, losses, stalls and time.

The listener objects to every broken rule of the protocol by itself; here is what it takes two sides to see.
"""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.realtime.response import is_bridging
from tests.continuity.bench import Bench
from tests.continuity.peer import Peer, words

pytestmark = pytest.mark.unit


class ContinuityMachine(RuleBasedStateMachine):
    @initialize(same_ids=st.booleans())
    def begin(self, same_ids: bool) -> None:
        self.bench = Bench(
            names=(lambda _: "x") if same_ids else (lambda link: f"p{link}_"),
            open_at_once=False,
            rollover_s=120.0,
        )
        self.bench.open()
        self.said = 0
        self.answered: set[str] = set()

    def live(self) -> bool:
        return not self.bench.gave_up

    def up(self) -> bool:
        return self.live() and self.bench.core.link is not None

    @property
    def peer(self) -> Peer:
        return self.bench.peer

    # ── providers ──

    @precondition(lambda self: self.up())
    @rule(count=st.sampled_from([1, 2, 3, 5, 10_000]))
    def deliver(self, count: int) -> None:
        self.bench.deliver(count)

    @precondition(lambda self: self.up())
    @rule()
    def onset(self) -> None:
        self.peer.onset()

    @precondition(lambda self: self.up())
    @rule(ms=st.sampled_from([200, 1500]))
    def offset(self, ms: int) -> None:
        self.bench.hear(ms)
        self.peer.offset()

    @precondition(lambda self: self.up())
    @rule()
    def transcribe(self) -> None:
        self.said += 1
        self.peer.transcribe(f"said {self.said}")

    @precondition(lambda self: self.up())
    @rule(words=st.integers(0, 4), audio=st.booleans())
    def speak(self, words: int, audio: bool) -> None:
        self.peer.open_message()
        self.peer.speak(words, audio=audio)

    @precondition(lambda self: self.up())
    @rule()
    def audio_done(self) -> None:
        self.peer.audio_done()

    @precondition(lambda self: self.up())
    @rule(whole=st.booleans())
    def call_tool(self, whole: bool) -> None:
        self.peer.close_message()
        self.peer.call(whole=whole)

    @precondition(lambda self: self.up())
    @rule()
    def finish(self) -> None:
        self.peer.finish()

    @precondition(lambda self: self.up())
    @rule(arrives=st.booleans())
    def lose(self, arrives: bool) -> None:
        if arrives:
            self.bench.deliver()
        if self.up():
            self.bench.lose()

    @precondition(lambda self: self.live() and self.bench.pending is not None)
    @rule()
    def open(self) -> None:
        self.bench.open()

    @precondition(lambda self: self.live() and self.bench.pending is not None)
    @rule()
    def fail(self) -> None:
        self.bench.fail()

    # ── time ──

    @precondition(lambda self: self.live())
    @rule(seconds=st.sampled_from([0.25, 1.0, 5.0, 9.0, 60.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            if self.bench.gave_up:
                return
            if seconds > 5 and self.bench.core.link is None and self.bench.pending is not None:
                self.bench.open()
            self.bench.pass_time(0.25)

    @precondition(lambda self: not self.live())
    @rule()
    def over(self) -> None:
        """Nothing follows the end."""
        told = len(self.bench.listener.events)
        self.bench.ask()
        self.bench.pass_time(10)
        assert len(self.bench.listener.events) == told

    # ── the call ──

    @precondition(lambda self: self.live())
    @rule(beside=st.booleans())
    def ask(self, beside: bool) -> None:
        if beside:
            self.bench.send("response.create", response={"conversation": "none"})
        else:
            self.bench.ask()

    @precondition(lambda self: self.live())
    @rule()
    def cancel(self) -> None:
        self.bench.send("response.cancel")

    @precondition(lambda self: self.live())
    @rule(root=st.booleans())
    def write(self, root: bool) -> None:
        self.said += 1
        content = [{"type": "input_text", "text": f"typed {self.said}"}]
        item = {"type": "message", "role": "user", "content": content}
        place = {"previous_item_id": "root"} if root else {}
        self.bench.send("conversation.item.create", item=item, **place)

    @precondition(lambda self: self.live() and self.bench.listener.calls)
    @rule()
    def give_output(self) -> None:
        for call_id in self.bench.listener.calls:
            if call_id not in self.answered:
                self.answered.add(call_id)
                item = {
                    "type": "function_call_output",
                    "call_id": call_id,
                    "output": f"found for {call_id}",
                }
                self.bench.send("conversation.item.create", item=item)
                return

    @precondition(lambda self: self.live() and self.bench.listener.order)
    @rule(data=st.data(), verb=st.sampled_from(["retrieve", "delete", "truncate"]))
    def about(self, data: st.DataObject, verb: str) -> None:
        item_id = data.draw(st.sampled_from(self.bench.listener.order))
        where = {}
        if verb == "truncate":
            ms = self.bench.listener.audio.get(item_id, 0)
            where = {"content_index": 0, "audio_end_ms": data.draw(st.integers(0, ms + 50))}
        self.bench.send(f"conversation.item.{verb}", item_id=item_id, **where)

    @precondition(lambda self: self.live())
    @rule(
        turns=st.sampled_from(
            [None, {"type": "server_vad"}, {"type": "server_vad", "create_response": False}]
        )
    )
    def take_turns(self, turns: dict[str, object] | None) -> None:
        session = {"type": "realtime", "audio": {"input": {"turn_detection": turns}}}
        self.bench.send("session.update", session=session)

    @precondition(lambda self: self.live())
    @rule(kind=st.sampled_from(["commit", "clear"]))
    def buffer(self, kind: str) -> None:
        self.bench.send(f"input_audio_buffer.{kind}")

    # ── what holds ──

    @invariant()
    def every_response_that_ended_with_its_provider_says_so(self) -> None:
        if hasattr(self, "bench") and self.bench.core.link is None:
            assert self.bench.listener.active is None
            assert not self.bench.listener.asides

    @precondition(lambda self: self.up())
    @rule()
    def compare(self) -> None:
        """What the provider in force knows of the conversation is what the call was told of it, in that order."""
        self.bench.deliver()
        if not self.up() or self.bench.peer.out:
            return
        told = [(item_id, self._told(item_id)) for item_id in self.bench.listener.order]
        told = [each for each in told if not each[1].startswith("call:")]
        self._pairs_hold()
        known = [text for text in self.bench.peer.told() if not text.startswith(("system:", "call:"))]
        at = 0
        for text in known:
            while at < len(told) and not _same(told[at][1], text):
                assert not self._must_be_known(told[at][0]), (told[at], known)
                at += 1
            assert at < len(told), (text, told, known)
            at += 1
        for item_id, text in told[at:]:
            assert not self._must_be_known(item_id), (text, told, known)

    def _pairs_hold(self) -> None:
        """A call goes to the provider with its result: before it, and at times after what came between."""
        calls: set[str] = set()
        for item in self.bench.peer.items:
            if item["type"] == "function_call":
                calls.add(item["call_id"])
            if item["type"] == "function_call_output" and not self.bench.listener.deleted:
                assert item["call_id"] in calls

    def _told(self, item_id: str) -> str:
        listener = self.bench.listener
        item = listener.items[item_id]
        if item["type"] == "message" and item["role"] == "assistant":
            text = listener.whole.get(("transcript", item_id)) or listener.deltas.get(
                ("transcript", item_id), ""
            )
            return f"assistant: {text}"
        if item_id in listener.transcripts:
            return f"user: {listener.transcripts[item_id]}"
        return words(item)

    def _must_be_known(self, item_id: str) -> bool:
        """Whether nothing excuses the provider from knowing it."""
        listener = self.bench.listener
        item = listener.items[item_id]
        match item["type"]:
            case "message" if item["role"] == "user":
                return not item_id.startswith("item_x") and bool(self._told(item_id).removeprefix("user: "))
            case "function_call_output":
                return any(
                    other["type"] == "function_call" and other["call_id"] == item["call_id"]
                    for other in listener.items.values()
                )
            case "function_call":
                return item["call_id"] in self.answered and any(
                    other["type"] == "function_call_output" and other["call_id"] == item["call_id"]
                    for other in listener.items.values()
                )
            case _:
                return False

    def teardown(self) -> None:
        """However it was, the call can go on, or ends for want of providers."""
        if not hasattr(self, "bench") or self.bench.gave_up:
            return
        if self.bench.core.link is None:
            if self.bench.pending is None:
                return  # it broke off in the midst of this
            self.bench.open()
        for call_id in self.bench.listener.calls:
            if call_id not in self.answered:
                item = {"type": "function_call_output", "call_id": call_id, "output": "late"}
                self.bench.send("conversation.item.create", item=item)
        for _ in range(3):
            self.bench.peer.finish()
            self.bench.deliver()
        assert self.bench.listener.active is None
        before = len(self.bench.listener.done)
        self.bench.ask()
        self.bench.deliver()
        assert self.bench.listener.active is not None
        self.bench.reply()
        assert len(self.bench.listener.done) == before + 1
        created = [e["response"]["id"] for e in self.bench.listener.of("response.created")]
        assert sorted(created) == sorted(self.bench.listener.done)
        assert all(
            self.bench.listener.done[e["response"]["id"]] == "completed"
            for e in self.bench.listener.of("response.created")
            if is_bridging(e["response"])
        )


def _same(told: str, known: str) -> bool:
    """Of what the agent said the provider may know the beginning only."""
    if told.startswith("assistant: ") and known.startswith("assistant: "):
        return told.startswith(known)
    return told == known or (told, known) == ("user: ", "user: (inaudible)")


TestContinuity = ContinuityMachine.TestCase
