"""The state machine by itself: no socket, no clock."""

from __future__ import annotations

import base64

import pytest

from tests.peers.conversation import Conversation
from tests.peers.faults import Event
from tests.peers.script import Heard, Reply, Script
from tests.peers.session import default_session, merged
from tests.peers.sound import encoded, levels, pieces, tone
from tests.peers.speaking import Steps

pytestmark = pytest.mark.unit


def conversation(session: Event, reply: Reply) -> Conversation:
    whole = merged(default_session("sess_1", "gpt-realtime", 0), session)
    return Conversation(whole, Script(), lambda asked: reply, lambda: Heard("hello"))


def run(steps: Steps) -> tuple[list[str], list[float]]:
    """The types of all events, and the waits between them."""
    kinds: list[str] = []
    waits: list[float] = []
    for step in steps:
        if isinstance(step, dict):
            kinds.append(step["type"])
        else:
            waits.append(step)
            if len(waits) > 1:
                break
    return kinds, waits


IDLE: Event = {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000}}}}


def test_an_idle_caller_is_asked_again() -> None:
    talk = conversation(IDLE, Reply("Are you there?", audio=tone(500)))
    kinds, waits = run(next(talk.take({"type": "response.create"})))
    assert waits[0] == 6.5
    after = kinds[kinds.index("response.done") + 1 :]
    assert after[:5] == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]


def test_a_caller_who_speaks_is_not_idle() -> None:
    talk = conversation(IDLE, Reply("Are you there?", audio=tone(500)))
    steps = next(talk.take({"type": "response.create"}))
    while isinstance(next(steps), dict):
        pass
    for piece in pieces(tone(300), 100):
        append = {"type": "input_audio_buffer.append", "audio": base64.b64encode(piece).decode()}
        for one in talk.take(append):
            run(one)
    assert run(steps) == ([], [])


@pytest.mark.parametrize("size", [1, 7, 333, 960, 100_000])
def test_pieces_of_any_size_are_heard_alike(size: int) -> None:
    """Times are those of the audio, not of the messages."""
    talk = conversation({}, Reply("Yes?"))
    pcm = bytes(48 * 500) + tone(400) + bytes(48 * 500) + tone(400) + bytes(48 * 500)
    size = max(size, len(pcm) // 3000)
    found: list[tuple[str, int]] = []
    for start in range(0, len(pcm), size):
        audio = base64.b64encode(pcm[start : start + size]).decode()
        for steps in talk.take({"type": "input_audio_buffer.append", "audio": audio}):
            for step in steps:
                if isinstance(step, dict) and ".speech_" in step["type"]:
                    verb = step["type"].rpartition("_")[2]
                    found.append((verb, step["audio_start_ms" if verb == "started" else "audio_end_ms"]))
    assert [name for name, _ in found] == ["started", "stopped"] * 2
    assert [ms for _, ms in found] == pytest.approx([200, 1100, 1100, 2000], abs=40)


@pytest.mark.parametrize(
    "kind", ["audio/pcm", "audio/pcm16000", "audio/pcm8000", "audio/pcmu", "audio/pcma"]
)
def test_a_tone_is_as_loud_in_every_format(kind: str) -> None:
    for level in list(levels(encoded(tone(200), kind), kind)):
        assert level == pytest.approx(0.3 / 2**0.5, rel=0.1)
