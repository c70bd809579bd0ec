"""Genesys' AudioHook session, against what the reference says of it (telephony.md, 7)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.carriers.genesys import Stream
from gateway.wire import (
    Audio,
    Cleared,
    Codec,
    Complained,
    Digit,
    Encoding,
    Message,
    Pacing,
    Played,
    Started,
    Stopped,
    StreamEvent,
    StreamFault,
)

pytestmark = pytest.mark.unit

SESSION = "22222222-2222-2222-2222-222222222222"
NIL = "00000000-0000-0000-0000-000000000000"
MONO = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}
STEREO = {"type": "audio", "format": "PCMU", "channels": ["external", "internal"], "rate": 8000}
L16 = {"type": "audio", "format": "L16", "channels": ["external"], "rate": 8000}


class Genesys:
    """A client that counts as it should."""

    def __init__(self) -> None:
        self.stream = Stream()
        self.seq = 0
        self.serverseq = 0
        self.said: list[dict[str, Any]] = []

    def hear(self, messages: list[Message]) -> list[dict[str, Any]]:
        heard = [json.loads(one) for one in messages if isinstance(one, str)]
        for one in heard:
            assert (one["version"], one["id"], one["clientseq"]) == ("2", SESSION, self.seq)
            assert one["seq"] == self.serverseq + 1
            assert "position" not in one
            self.serverseq += 1
        self.said += heard
        return heard

    def say(self, kind: str, acknowledge: int | None = None, **parameters: Any) -> list[StreamEvent]:
        self.seq += 1
        message = {
            "version": "2",
            "id": SESSION,
            "type": kind,
            "seq": self.seq,
            "serverseq": self.serverseq if acknowledge is None else acknowledge,
            "position": "PT0S",
            "parameters": parameters,
        }
        events, answers = self.stream.receive(json.dumps(message))
        self.hear(answers)
        return events

    def open(self, **changed: Any) -> list[StreamEvent]:
        given: dict[str, Any] = {
            "organizationId": "11111111-1111-1111-1111-111111111111",
            "conversationId": "c-1",
            "participant": {"id": "p", "ani": "+15550100001", "aniName": "A", "dnis": "+15550100002"},
            "media": [STEREO, L16, MONO],
            "language": "en-US",
            "customConfig": {"persona": "dental", "level": 3},
            "inputVariables": {"persona": "bank", "ticket": "7"},
            **changed,
        }
        return self.say("open", **given)


def opened() -> Genesys:
    genesys = Genesys()
    genesys.open()
    genesys.said.clear()
    return genesys


def test_open_is_answered_with_the_callers_channel() -> None:
    genesys = Genesys()
    narrow = Encoding(Codec.PCMU, 8000)
    assert genesys.open() == [
        Started(
            SESSION,
            "c-1",
            narrow,
            narrow,
            Pacing(200, lead_ms=400),
            "+15550100001",
            "+15550100002",
            {"persona": "bank", "ticket": "7"},
        )
    ]
    assert [(one["type"], one["parameters"]) for one in genesys.said] == [
        ("opened", {"startPaused": False, "media": [MONO]})
    ]


def test_a_probe_is_answered_with_no_media() -> None:
    genesys = Genesys()
    assert genesys.open(conversationId=NIL) == []
    assert genesys.said[0]["parameters"] == {"media": []}
    assert genesys.stream.receive(b"\xff") == ([], [])
    assert genesys.stream.clear() == []
    assert genesys.stream.hang_up() == []
    assert genesys.say("close", reason="end") == [Stopped("end")]
    assert genesys.said[-1]["type"] == "closed"


@pytest.mark.parametrize("media", [[STEREO], [L16], [], None, "PCMU", [3]])
def test_an_offer_without_the_callers_channel_is_declined(media: object) -> None:
    genesys = Genesys()
    assert genesys.open(media=media) == [Complained("offered no audio that we take")]
    assert (genesys.said[0]["type"], genesys.said[0]["parameters"]["reason"]) == ("disconnect", "error")
    assert genesys.say("close", reason="disconnect") == [Stopped("disconnect")]


def test_ping_is_answered_at_once() -> None:
    genesys = opened()
    assert genesys.say("ping", rtt="PT0.1S") == []
    assert genesys.said[0]["type"] == "pong"


def test_audio_has_its_place_in_time() -> None:
    stream = opened().stream
    assert stream.receive(b"\xff" * 1600) == ([Audio(b"\xff" * 1600, 0)], [])
    assert stream.receive(b"\x7f" * 800) == ([Audio(b"\x7f" * 800, 200)], [])
    assert stream.receive(b"\xff" * 8) == ([Audio(b"\xff" * 8, 300)], [])


@pytest.mark.parametrize("kind", ["discarded", "resumed"])
def test_what_genesys_discarded_is_a_gap(kind: str) -> None:
    genesys = opened()
    genesys.stream.receive(b"\xff" * 800)
    genesys.say(kind, start="PT0.1S", discarded="PT1M1.5S")
    assert genesys.stream.receive(b"\xff") == ([Audio(b"\xff", 61600)], [])
    genesys.say(kind, start="PT0S", discarded="a while")
    assert genesys.stream.receive(b"\xff") == ([Audio(b"\xff", 61600)], [])


def test_keys_and_updates() -> None:
    genesys = opened()
    assert genesys.say("dtmf", digit="*") == [Digit("*")]
    assert genesys.say("update", language="de-DE") == []
    assert genesys.said[-1]["type"] == "updated"


@pytest.mark.parametrize(("after", "wait_ms"), [("PT2.5S", 2500), (None, 0), (7, 0)])
def test_a_rate_limit_is_a_complaint(after: object, wait_ms: int) -> None:
    genesys = opened()
    complaint = Complained("error 429", wait_ms)
    assert genesys.say("error", code=429, message="Rate limit exceeded", retryAfter=after) == [complaint]
    assert genesys.stream.play(b"\xff" * 1600) == [b"\xff" * 1600]


def test_marks_at_the_end_are_reached_when_all_was_played() -> None:
    genesys = opened()
    genesys.stream.play(b"\xff" * 1600)
    genesys.stream.mark("within")
    genesys.stream.play(b"\xff" * 1600)
    genesys.stream.mark("a")
    genesys.stream.mark("b")
    assert genesys.say("playback_started") == []
    assert genesys.say("playback_completed") == [Played("a"), Played("b")]
    assert genesys.say("playback_completed") == []


def test_a_mark_with_nothing_before_it_is_reached_at_once() -> None:
    genesys = opened()
    genesys.stream.mark("a")
    assert genesys.stream.receive(b"\xff") == ([Played("a"), Audio(b"\xff", 0)], [])
    assert genesys.say("ping") == []


def test_barge_in_clears() -> None:
    genesys = opened()
    genesys.stream.play(b"\xff" * 1600)
    genesys.stream.mark("old")
    genesys.say("playback_started")
    genesys.hear(genesys.stream.clear())
    assert genesys.said[-1]["parameters"] == {"entities": [{"type": "barge_in", "data": {}}]}
    genesys.stream.play(b"\xff" * 1600)
    genesys.stream.mark("new")
    assert genesys.say("playback_completed") == [Cleared()]
    assert genesys.say("playback_started") == []
    assert genesys.say("playback_completed") == [Played("new")]


def test_a_playback_that_ended_as_it_was_stopped() -> None:
    """The end was told before Genesys knew of the barge-in: it says nothing of what was sent since."""
    genesys = opened()
    genesys.stream.play(b"\xff" * 1600)
    genesys.say("playback_started")
    genesys.hear(genesys.stream.clear())
    genesys.stream.play(b"\xff" * 1600)
    genesys.stream.mark("new")
    assert genesys.say("playback_completed", acknowledge=genesys.serverseq - 1) == []
    genesys.say("playback_started")
    assert genesys.say("playback_completed") == [Played("new")]


def test_a_barge_in_when_nothing_plays_waits_for_nothing() -> None:
    genesys = opened()
    genesys.hear(genesys.stream.clear())
    genesys.stream.play(b"\xff" * 1600)
    genesys.stream.mark("m")
    genesys.say("playback_started")
    assert genesys.say("playback_completed") == [Played("m")]


def test_closing() -> None:
    genesys = opened()
    genesys.stream.outputs["outcome"] = "booked"
    assert genesys.say("close", reason="end") == [Stopped("end")]
    assert (genesys.said[-1]["type"], genesys.said[-1]["parameters"]) == (
        "closed",
        {"outputVariables": {"outcome": "booked"}},
    )
    assert genesys.stream.receive("what comes after is nothing") == ([], [])
    assert genesys.stream.receive(b"\xff") == ([], [])


def test_hanging_up() -> None:
    genesys = opened()
    genesys.stream.outputs["outcome"] = "booked"
    genesys.hear(genesys.stream.hang_up())
    assert (genesys.said[0]["type"], genesys.said[0]["parameters"]) == (
        "disconnect",
        {"reason": "completed", "outputVariables": {"outcome": "booked"}},
    )
    assert genesys.stream.hang_up() == []
    assert genesys.say("close", reason="disconnect") == [Stopped("disconnect")]


def test_long_audio_is_cut() -> None:
    assert [len(one) for one in opened().stream.play(b"\xff" * 100_000)] == [64_000, 36_000]


def test_kinds_of_later() -> None:
    genesys = opened()
    assert genesys.say("paused") == []
    assert genesys.say("something_new") == []
    assert genesys.said == []


def base(**changed: Any) -> str:
    message = {
        "version": "2",
        "id": SESSION,
        "type": "ping",
        "seq": 2,
        "serverseq": 1,
        "position": "PT0S",
        "parameters": {},
    }
    return json.dumps({**message, **changed})


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (base(version="1"), "version 2"),
        (base(type=None), "version 2"),
        (base(id=None), "version 2"),
        (base(id=NIL), "another session"),
        (base(seq=1), "out of its order"),
        (base(seq=3), "out of its order"),
        (base(seq="2"), "out of its order"),
        (base(serverseq=2), "never sent"),
        (base(serverseq=-1), "never sent"),
        (base(serverseq=None), "never sent"),
        (base(type="open"), "open came twice"),
        ("", "no JSON"),
        ("[]", "no JSON object"),
        (b"\xff" * 64_001, "more audio"),
    ],
)
def test_what_is_a_fault(message: Message, why: str) -> None:
    with pytest.raises(StreamFault, match=why):
        opened().stream.receive(message)


def test_before_open() -> None:
    with pytest.raises(StreamFault, match="audio before open"):
        Stream().receive(b"\xff")
    with pytest.raises(StreamFault, match="a message before open"):
        Genesys().say("ping")
    assert Stream().hang_up() == Stream().clear() == []
    with pytest.raises(RuntimeError):
        Stream().play(b"\xff")
