"""A mind that thinks in a stream: what is said while it thinks, in which order, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.answer import MOST_CALLS, MOST_WORDS
from gateway.engine.mind import Call, Done, Thought, Words
from gateway.realtime.response import Usage
from tests.providers.bench import Bench, sound

pytestmark = pytest.mark.unit

WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


def asked(**session: Any) -> Bench:
    """A bench whose mind has just been asked."""
    bench = Bench(slow=True, session=session)
    bench.say("hello")
    bench.send("response.create")
    return bench


def texts(bench: Bench) -> list[str]:
    return [speak.text for waiting in bench.speaks.values() for speak in waiting]


def done(bench: Bench) -> dict[str, Any]:
    response = bench.last("response.done")["response"]
    assert isinstance(response, dict)
    return response


def test_the_first_sentence_is_spoken_while_the_mind_goes_on() -> None:
    bench = asked()
    assert bench.think(Words("Good")) == [
        "response.output_item.added", "conversation.item.added", "response.content_part.added",
    ]  # fmt: skip
    bench.think(Words(" morning."))
    assert texts(bench) == []
    bench.think(Words(" How"))
    assert texts(bench) == ["Good morning."]
    assert bench.speak(finish=False) != []
    response_id = next(iter(bench.speaks))
    assert bench.run(bench.core.said(response_id, 0, bench.now)) == []
    bench.think(Words(" are you?"))
    bench.think(Done())
    assert texts(bench) == ["Good morning.", "How are you?"]
    bench.run(bench.core.spoke(response_id, 1, sound(100), bench.now))
    assert bench.run(bench.core.said(response_id, 1, bench.now))[-1] == "response.done"
    assert done(bench)["output"][0]["content"][0]["transcript"] == "Good morning. How are you?"
    assert done(bench)["status"] == "completed"


def test_a_voice_that_is_quicker_than_the_mind_waits_for_it() -> None:
    bench = asked()
    bench.think(Words("One. "))
    bench.think(Words("Two."))
    bench.speak()
    assert not any(event["type"] == "response.done" for event in bench.events)
    bench.think(Done())
    bench.speak()
    assert done(bench)["output"][0]["content"][0]["transcript"] == "One. Two."


def test_in_text_the_words_go_out_as_they_come() -> None:
    bench = asked(output_modalities=["text"])
    for piece in ("  ", "Good ", "morning", ". \n"):
        bench.think(Words(piece))
    bench.think(Done())
    deltas = [event["delta"] for event in bench.events if event["type"] == "response.output_text.delta"]
    assert deltas == ["Good", " morning", "."]
    assert done(bench)["output"][0]["content"][0]["text"] == "Good morning."


def test_calls_follow_once_everything_is_said() -> None:
    bench = asked(tools=[WEATHER])
    bench.think(Words("One moment."))
    bench.think(Call("weather", '{"city": "Ro'))
    bench.think(Done())
    types = bench.speak()
    assert types.index("response.output_audio.done") < types.index("response.function_call_arguments.done")
    message, call = done(bench)["output"]
    assert message["content"][0]["transcript"] == "One moment."
    assert (call["name"], call["arguments"]) == ("weather", '{"city": "Ro')


def test_a_reply_that_only_wants_what_is_not_offered_has_failed() -> None:
    bench = asked()
    bench.think(Call("rm", "{}"))
    bench.think(Done())
    assert done(bench)["status_details"]["error"]["code"] == "unknown_tool"


def test_interrupting_stops_the_mind_and_the_voice() -> None:
    bench = asked()
    bench.think(Words("One. Two"))
    response_id = next(iter(bench.thinks))
    bench.speak(finish=False)
    types = bench.send("response.cancel")
    assert types[-1] == "response.done"
    assert (bench.thinks, bench.speaks) == ({}, {})
    assert done(bench)["output"][0]["content"][0]["transcript"] == "One."
    assert bench.run(bench.core.thought(response_id, Words(" more."), bench.now)) == []


def test_before_its_first_word_a_reply_can_be_cancelled_too() -> None:
    bench = asked()
    assert bench.send("response.cancel") == ["response.done"]
    assert bench.thinks == {}
    assert done(bench)["output"] == []


def test_a_mind_that_breaks_off_fails_the_response_and_keeps_what_was_said() -> None:
    bench = asked()
    bench.think(Words("One. Two"))
    bench.speak(finish=False)
    response_id = next(iter(bench.thinks))
    del bench.thinks[response_id]
    bench.run(bench.core.thoughtless(response_id, "stream_broken", "It broke off.", bench.now))
    response = done(bench)
    assert (response["status"], response["status_details"]["error"]["code"]) == ("failed", "stream_broken")
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"][0]["transcript"] == "One."
    bench.send("response.create")
    bench.think(Words("Better."))
    bench.think(Done())
    bench.speak()
    assert done(bench)["status"] == "completed"


@pytest.mark.parametrize("cut", ["max_output_tokens", "content_filter"])
def test_a_reply_that_was_cut_is_incomplete_and_calls_nothing(cut: Any) -> None:
    bench = asked(tools=[WEATHER])
    bench.think(Words("One. Two and"))
    bench.think(Call("weather", '{"city'))
    bench.think(Done(cut))
    bench.speak()
    response = done(bench)
    assert (response["status"], response["status_details"]) == (
        "incomplete", {"type": "incomplete", "reason": cut},
    )  # fmt: skip
    assert [item["status"] for item in response["output"]] == ["incomplete"]
    assert response["output"][0]["content"][0]["transcript"] == "One. Two and"


def test_usage_is_what_the_mind_was_told() -> None:
    bench = asked()
    bench.think(Words("Hello."))
    bench.think(Done(usage=Usage(input_text=20, output_text=3, cached_text=16)))
    bench.speak()
    usage = done(bench)["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (20, 3, 23)
    assert usage["input_token_details"]["cached_tokens_details"]["text_tokens"] == 16
    assert usage["output_token_details"] == {"text_tokens": 3, "audio_tokens": 0}


def test_a_mind_that_never_ends_is_cut() -> None:
    bench = asked(output_modalities=["text"])
    types = bench.think(Words("word " * (MOST_WORDS // 4)))
    assert types[-1] == "response.done"
    assert bench.thinks == {}
    assert done(bench)["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert len(done(bench)["output"][0]["content"][0]["text"]) <= MOST_WORDS


def test_a_mind_that_calls_without_end_is_bounded() -> None:
    bench = asked(tools=[WEATHER])
    for _ in range(MOST_CALLS + 5):
        bench.think(Call("weather", "{}"))
    bench.think(Done())
    assert len(done(bench)["output"]) == MOST_CALLS


thoughts = st.lists(
    st.one_of(
        st.builds(Words, st.text(alphabet="ab. ,\n", max_size=60)),
        st.builds(Call, st.sampled_from(["weather", "rm"]), st.just("{}")),
    ),
    max_size=12,
)


@given(thoughts, st.booleans(), st.lists(st.integers(0, 2), max_size=20))
def test_whatever_it_thinks_the_deltas_are_what_is_done(
    story: list[Thought], text: bool, pace: list[int]
) -> None:
    bench = asked(tools=[WEATHER], output_modalities=["text" if text else "audio"])
    for number, thought in enumerate([*story, Done()]):
        bench.think(thought)
        if bench.speaks and number < len(pace) and pace[number]:
            bench.speak(chunks=pace[number], finish=pace[number] == 2)
    while bench.speaks:
        bench.speak()
    kind = "response.output_text.delta" if text else "response.output_audio_transcript.delta"
    deltas = "".join(event["delta"] for event in bench.events if event["type"] == kind)
    output = done(bench)["output"]
    said = [item["content"][0] for item in output if item["type"] == "message"]
    assert deltas == "".join(part.get("text") or part.get("transcript") or "" for part in said)
    wanted = "".join(thought.text for thought in story if isinstance(thought, Words))
    assert deltas.split() == wanted.split()
    calls = [item for item in output if item["type"] == "function_call"]
    assert len(calls) == sum(isinstance(thought, Call) and thought.name == "weather" for thought in story)
