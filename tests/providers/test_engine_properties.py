"""Whatever comes in whatever order: the engine's core never raises and what it says stays a valid protocol."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.mind import Call, Done, Words
from tests.providers.bench import Bench, silence, sound
from tests.realtime.noise import json_noise

pytestmark = pytest.mark.unit

WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
SESSIONS: list[dict[str, Any]] = [
    {"instructions": "x", "tools": [WEATHER]},
    {"output_modalities": ["text"]},
    {"output_modalities": ["audio"]},
    {"audio": {"input": {"turn_detection": None}}},
    {"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 100}}}},
    {"audio": {"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}}},
    {"audio": {"input": {"turn_detection": {"create_response": False, "idle_timeout_ms": 5000}}}},
    {"audio": {"input": {"transcription": {"model": "x"}}}},
    {"audio": {"output": {"voice": "cedar", "speed": 1.1}}},
]
RESPONSES: list[dict[str, Any] | None] = [
    None,
    {"conversation": "none"},
    {"output_modalities": ["text"]},
    {"instructions": "Be silent."},
    {"input": [], "conversation": "none", "metadata": {"a": "b"}},
    {"tools": [WEATHER], "tool_choice": "required"},
]

step = st.one_of(
    st.tuples(st.just("sound"), st.sampled_from([40, 200, 700])),
    st.tuples(st.just("silence"), st.sampled_from([40, 200, 700])),
    st.tuples(st.just("session"), st.sampled_from(SESSIONS)),
    st.tuples(
        st.just("say"), st.sampled_from(["hi", "one. Two", "call weather now", "say and call weather"])
    ),
    st.tuples(st.just("respond"), st.sampled_from(RESPONSES)),
    st.tuples(st.just("commit"), st.none()),
    st.tuples(st.just("clear"), st.none()),
    st.tuples(st.just("cancel"), st.integers(0, 2)),
    st.tuples(st.just("truncate"), st.tuples(st.integers(0, 5), st.integers(0, 900))),
    st.tuples(st.just("delete"), st.integers(0, 5)),
    st.tuples(st.just("retrieve"), st.integers(0, 5)),
    st.tuples(st.just("hear"), st.sampled_from(["", "hello", "call weather now"])),
    st.tuples(st.just("deaf"), st.none()),
    st.tuples(st.just("chunk"), st.integers(0, 3)),
    st.tuples(st.just("finish"), st.none()),
    st.tuples(st.just("mute"), st.none()),
    st.tuples(
        st.just("think"),
        st.sampled_from(
            [
                Words("One. Two"),
                Words(", three. "),
                Words(" "),
                Call("weather", "{}"),
                Call("rm", "x"),
                Done(),
                Done("content_filter"),
            ]
        ),
    ),
    st.tuples(st.just("lose thread"), st.none()),
    st.tuples(st.just("fail"), st.booleans()),
    st.tuples(st.just("tick"), st.sampled_from([0.1, 3.0, 6.0])),
    st.tuples(st.just("noise"), json_noise()),
)


class Rig:
    """Takes one step of the story after the other."""

    def __init__(self, *, slow: bool = False) -> None:
        self.bench = Bench(slow=slow)

    @property
    def items(self) -> list[str]:
        gone = {e["item_id"] for e in self.bench.events if e["type"] == "conversation.item.deleted"}
        added = (e["item"]["id"] for e in self.bench.events if e["type"] == "conversation.item.added")
        return [item_id for item_id in added if item_id not in gone]

    def item(self, number: int) -> str:
        return self.items[number % len(self.items)] if self.items else "item_none"

    def take(self, kind: str, what: Any) -> None:
        bench = self.bench
        match kind:
            case "sound":
                bench.audio(sound(what))
            case "silence":
                bench.audio(silence(what))
            case "session":
                bench.send("session.update", session={"type": "realtime", **what})
            case "say":
                bench.say(what)
            case "respond":
                bench.send("response.create", **({} if what is None else {"response": what}))
            case "commit" | "clear":
                bench.send(f"input_audio_buffer.{kind}")
            case "cancel":
                running = [*bench.speaks, *bench.thinks, "resp_none"]
                bench.send(
                    "response.cancel",
                    **({} if what == 0 else {"response_id": running[what % len(running)]}),
                )
            case "truncate":
                number, ms = what
                item_id = self.item(number)
                bench.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=ms)
            case "delete" | "retrieve":
                bench.send(f"conversation.item.{kind}", item_id=self.item(what))
            case "hear" if bench.jobs:
                bench.hear(what)
            case "deaf" if bench.jobs:
                job = next(iter(bench.jobs))
                del bench.jobs[job]
                bench.run(bench.core.deaf(job, bench.now))
            case "chunk" if bench.speaks:
                response_id, waiting = list(bench.speaks.items())[-1]
                number = waiting[min(what, len(waiting) - 1)].number
                bench.run(bench.core.spoke(response_id, number, sound(100), bench.now))
            case "finish" if bench.speaks:
                response_id, waiting = next(iter(bench.speaks.items()))
                speak = waiting.pop(0)
                if not waiting:
                    del bench.speaks[response_id]
                bench.run(bench.core.said(response_id, speak.number, bench.now))
            case "mute" if bench.speaks:
                response_id = next(iter(bench.speaks))
                del bench.speaks[response_id]
                bench.run(bench.core.mute(response_id, bench.now))
            case "think" if bench.thinks:
                bench.think(what)
            case "lose thread" if bench.thinks:
                response_id = next(iter(bench.thinks))
                del bench.thinks[response_id]
                bench.run(bench.core.thoughtless(response_id, "mind_failed", "No idea.", bench.now))
            case "fail":
                bench.mind.fails = what
            case "tick":
                bench.now += what
                bench.run(bench.core.tick(bench.now))
            case "noise" if isinstance(what, dict):
                bench.send(str(what.get("type")), **{k: v for k, v in what.items() if k != "type"})
            case _:
                pass


def check(events: list[dict[str, Any]]) -> None:
    """A response begins once, ends once, speaks only in between; in the conversation one at a time."""
    open_ids: set[str] = set()
    in_conversation = 0
    ended: set[str] = set()
    for event in events:
        match event["type"]:
            case "response.created":
                response = event["response"]
                assert response["id"] not in open_ids | ended
                open_ids.add(response["id"])
                in_conversation += response["conversation_id"] is not None
                assert in_conversation <= 1
            case "response.done":
                response = event["response"]
                open_ids.remove(response["id"])
                ended.add(response["id"])
                in_conversation -= response["conversation_id"] is not None
                assert response["usage"]["total_tokens"] >= 0
                assert all(item["status"] != "in_progress" for item in response["output"])
            case _:
                assert event.get("response_id") is None or event["response_id"] in open_ids


@given(st.lists(step, max_size=40), st.booleans())
def test_any_story_is_told_in_valid_events(story: list[tuple[str, Any]], slow: bool) -> None:
    rig = Rig(slow=slow)
    for kind, what in story:
        rig.take(kind, what)
    bench = rig.bench
    check(bench.events)
    # The ears answer, the mind comes to an end, the voice finishes: then nothing is left open.
    bench.mind.fails = False
    while bench.jobs or bench.thinks or bench.speaks:
        if bench.jobs:
            bench.hear("")
        elif bench.thinks:
            bench.think(Done())
        else:
            bench.speak(chunks=1)
    check(bench.events)
    created = sum(event["type"] == "response.created" for event in bench.events)
    assert created == sum(event["type"] == "response.done" for event in bench.events)
    bench.core.close()
