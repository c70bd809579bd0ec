from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outbox import BATCH_MS, Audio, Control, Outbox, OutboxFull
from media.audio import PCM24

pytestmark = pytest.mark.unit


def ms(count: int, fill: int = 1) -> bytes:
    return bytes([fill]) * PCM24.to_bytes(count)


def drain(outbox: Outbox) -> list[Control | Audio]:
    taken = []
    while (waiting := outbox.take()) is not None:
        taken.append(waiting)
    return taken


def test_order_is_kept_and_audio_that_stands_together_is_batched() -> None:
    outbox = Outbox()
    for _ in range(7):
        outbox.audio(ms(20))
    outbox.control("commit")
    outbox.audio(ms(20, 2))
    outbox.audio(b"")
    assert drain(outbox) == [Audio(ms(100)), Audio(ms(40)), Control("commit"), Audio(ms(20, 2))]
    assert not outbox
    assert outbox.take() is None


def test_a_long_chunk_is_cut_into_batches() -> None:
    outbox = Outbox()
    outbox.audio(ms(250))
    assert [len(a.data) for a in drain(outbox) if isinstance(a, Audio)] == [
        len(ms(n)) for n in (100, 100, 50)
    ]


def test_the_oldest_audio_is_dropped_and_counted() -> None:
    outbox = Outbox(audio_ms=100)
    for fill in range(1, 9):
        outbox.audio(ms(20, fill))
        outbox.control(str(fill))
    assert outbox.dropped_ms == 60
    taken = drain(outbox)
    assert [c.message for c in taken if isinstance(c, Control)] == [str(n) for n in range(1, 9)]
    assert [a.data[0] for a in taken if isinstance(a, Audio)] == [4, 5, 6, 7, 8]


def test_control_is_never_dropped_but_bounded() -> None:
    outbox = Outbox(control_bytes=10)
    outbox.control("12345")
    outbox.control("ééx")
    with pytest.raises(OutboxFull):
        outbox.control("1")
    outbox.take()
    outbox.control("12345")


def test_one_long_message_says_nothing_of_the_peer() -> None:
    outbox = Outbox(control_bytes=10)
    outbox.control("12345")
    outbox.control("an image" * 100)
    with pytest.raises(OutboxFull):
        outbox.control("1")


STEPS = st.lists(st.one_of(st.integers(1, 150), st.text("ab", min_size=1, max_size=3), st.none()))


@given(STEPS)
def test_what_goes_in_comes_out_in_order_but_for_the_oldest_audio(steps: list[int | str | None]) -> None:
    outbox = Outbox(audio_ms=300)
    sent: list[str] = []
    taken: list[str] = []
    given_ms = taken_ms = 0
    for step in [*steps, *[None] * (2 * len(steps) + 2)]:
        if step is None:
            waiting = outbox.take()
            if isinstance(waiting, Control):
                taken.append(waiting.message)
            elif waiting is not None:
                assert len(waiting.data) <= PCM24.to_bytes(BATCH_MS)
                taken_ms += PCM24.to_ms(len(waiting.data))
        elif isinstance(step, str):
            outbox.control(step)
            sent.append(step)
        else:
            outbox.audio(ms(step))
            given_ms += step
    assert taken == sent
    assert not outbox
    assert taken_ms + outbox.dropped_ms == given_ms
