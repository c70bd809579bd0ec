from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.framer import Framer

pytestmark = pytest.mark.unit


@given(st.lists(st.binary(max_size=64)), st.integers(min_value=1, max_value=20))
def test_bytes_out_are_the_bytes_in(chunks: list[bytes], size: int) -> None:
    framer = Framer(size)
    frames = []
    for chunk in chunks:
        frames += framer.push(chunk)
        assert len(framer) < size
    assert all(len(frame) == size for frame in frames)
    assert b"".join(frames) + framer.flush() == b"".join(chunks)


def test_flush_starts_afresh() -> None:
    framer = Framer(4)
    assert framer.push(b"abc") == []
    assert framer.flush() == b"abc"
    assert framer.flush() == b""
    assert framer.push(b"defg") == [b"defg"]


def test_a_frame_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        Framer(0)
