"""The core of calls whose replies the provider plays to a telephone, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.call.effects import Effect, Reach, TransferFailed
from gateway.call.inputs import DigitPressed, HangUpAsked, TransferAnswered, TransferAsked
from gateway.errors import AGENT_HUNG_UP, TRANSFERRED
from personas.persona import Limits
from tests.call.harness import WEATHER, persona
from tests.call.relay_bench import RelayBench

pytestmark = pytest.mark.unit


class Telephone(RelayBench):
    """A bench whose model plays its replies itself."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reached: list[Reach] = []
        self.failed: list[str] = []
        self.open()

    def do(self, effects: list[Effect]) -> list[Effect]:
        for effect in super().do(effects):
            match effect:
                case Reach():
                    self.reached.append(effect)
                case TransferFailed(reason):
                    self.failed.append(reason)
                case _:
                    pass
        return effects

    def speaks(self, words: str = "one two three four five six") -> tuple[str, str]:
        """A whole reply is made, and its beginning is heard: (response id, item id)."""
        response_id = self.begin()
        item_id = self.item(response_id)
        self.model("output_audio_buffer.started", response_id=response_id)
        self.model(
            "response.output_audio_transcript.done",
            response_id=response_id,
            item_id=item_id,
            transcript=words,
        )
        self.model("response.output_audio.done", response_id=response_id, item_id=item_id)
        self.finish(response_id)
        return response_id, item_id


def test_a_reply_is_heard_until_the_provider_says_so() -> None:
    scene = Telephone()
    response_id, item_id = scene.speaks()
    scene.run(2)
    assert not scene.entries[item_id].final
    scene.model("output_audio_buffer.stopped", response_id=response_id)
    told = scene.entries[item_id]
    assert (told.final, told.interrupted, told.text) == (True, False, "one two three four five six")
    assert told.heard_ms == 2000
    assert told.estimated


def test_an_interruption_is_reckoned_at_once_and_corrected_by_the_provider() -> None:
    scene = Telephone()
    words = "one two three four five six seven eight nine ten"
    response_id, item_id = scene.speaks(words)
    scene.run(1)
    scene.model("input_audio_buffer.speech_started", item_id="item_u", audio_start_ms=0)
    reckoned = scene.entries[item_id]
    assert (reckoned.interrupted, reckoned.heard_ms, reckoned.estimated) == (True, 1000, True)
    assert 0 < len(reckoned.text) < len(words) / 2
    scene.model("conversation.item.truncated", item_id=item_id, content_index=0, audio_end_ms=2000)
    scene.model("output_audio_buffer.cleared", response_id=response_id)
    told = scene.entries[item_id]
    assert (told.interrupted, told.heard_ms, told.estimated, told.final) == (True, 2000, False, True)
    assert len(told.text) > len(reckoned.text)
    assert f"{told.text} {told.unheard}" == words


def test_a_reply_that_is_cleared_without_a_word_of_the_caller_is_cut_off() -> None:
    scene = Telephone()
    response_id, item_id = scene.speaks()
    scene.run(0.5)
    scene.model("output_audio_buffer.cleared", response_id=response_id)
    assert scene.entries[item_id].interrupted
    assert scene.entries[item_id].heard_ms == 500


def test_what_the_provider_plays_of_nothing_known_is_nothing() -> None:
    scene = Telephone()
    for kind in ("started", "stopped", "cleared"):
        scene.model(f"output_audio_buffer.{kind}", response_id="resp_of_another")
    scene.model("conversation.item.truncated", item_id="item_of_another", content_index=0, audio_end_ms=5)
    assert scene.entries == {}
    assert scene.ended is None


def test_the_farewell_is_heard_before_the_call_ends() -> None:
    scene = Telephone(tools=(WEATHER,))
    response_id = scene.begin()
    item_id = scene.item(response_id)
    scene.model("output_audio_buffer.started", response_id=response_id)
    scene.model(
        "response.output_audio_transcript.done", response_id=response_id, item_id=item_id, transcript="Bye."
    )
    scene.model("response.output_audio.done", response_id=response_id, item_id=item_id)
    scene.call_tool(response_id, WEATHER["name"], "call_1")
    scene.finish(response_id)
    scene.do(scene.core.control(HangUpAsked(), scene.now))
    scene.end_tool("call_1")
    scene.run(3)
    assert scene.ended is None
    scene.model("output_audio_buffer.stopped", response_id=response_id)
    assert scene.ended is not None
    assert scene.ended.ending is AGENT_HUNG_UP


def test_keys_are_a_turn_that_is_answered() -> None:
    scene = Telephone()
    for digit in "42#":
        scene.do(scene.core.leg(DigitPressed(digit), scene.now))
    [item, asked] = scene.sent
    assert item["item"]["content"][0]["text"] == "The caller pressed 4 2 #"
    assert asked["type"] == "response.create"
    scene.finish(scene.begin())
    scene.do(scene.core.leg(DigitPressed("7"), scene.now))
    scene.run(1.9)
    assert len(scene.sent) == 2
    scene.run(0.2)
    assert scene.sent[2]["item"]["content"][0]["text"] == "The caller pressed 7"


@pytest.mark.parametrize("warm", [False, True])
def test_a_caller_is_put_through_once_the_agent_was_heard(warm: bool) -> None:
    scene = Telephone()
    response_id, _ = scene.speaks("One moment, I'll put you through.")
    scene.do(scene.core.control(TransferAsked("front desk", warm=warm), scene.now))
    scene.run(2)
    assert scene.reached == []
    scene.model("output_audio_buffer.stopped", response_id=response_id)
    scene.run(0.1)
    assert scene.reached == [Reach("front desk", warm=False)]
    scene.do(scene.core.control(TransferAsked("front desk", warm=False), scene.now))
    assert len(scene.failed) == 1
    scene.run(5)
    assert len(scene.reached) == 1
    scene.do(scene.core.control(TransferAnswered(True), scene.now))
    assert scene.ended is not None
    assert scene.ended.ending is TRANSFERRED


def test_a_transfer_that_the_carrier_refuses_is_told_to_the_tool() -> None:
    scene = Telephone()
    scene.do(scene.core.control(TransferAsked("front desk", warm=False), scene.now))
    scene.run(0.5)
    scene.do(scene.core.control(TransferAnswered(False, "Nobody answers there."), scene.now))
    assert scene.failed == ["Nobody answers there."]
    assert scene.ended is None
    scene.do(scene.core.control(TransferAsked("front desk", warm=False), scene.now))
    scene.run(0.5)
    assert len(scene.reached) == 2


def test_a_caller_who_speaks_is_there() -> None:
    scene = Telephone(who=persona(policy="open", greeting="", limits=Limits(length_s=3600)))
    for _ in range(2):
        scene.run(850)
        fields: dict[str, Any] = {"item_id": f"item_u{scene.now}", "audio_start_ms": 0}
        scene.model("input_audio_buffer.speech_started", **fields)
    assert scene.ended is None
