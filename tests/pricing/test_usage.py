"""Usage objects are read without trust: the parts sum to the whole, and nothing breaks the reading."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pricing.usage import MOST_TOKENS, NOTHING, Tokens, Usage, read_usage

pytestmark = pytest.mark.unit

PUBLIC = {
    "total_tokens": 253, "input_tokens": 132, "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119, "audio_tokens": 13, "image_tokens": 0, "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}  # fmt: skip
"""The sample of the vendor's public description."""

COUNTS = st.integers(0, 100_000)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["input_tokens", "output_tokens", "total_tokens", "seconds", "type", "input_token_details", "output_token_details",
     "text_tokens", "audio_tokens", "image_tokens", "cached_tokens", "cached_tokens_details"]
)  # fmt: skip


def test_the_vendors_sample() -> None:
    told = read_usage(PUBLIC)
    assert told == Usage(Tokens(text_in=55, cached_text_in=64, audio_in=13, text_out=30, audio_out=91))
    assert (told.tokens.input, told.tokens.output) == (132, 121)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"input_tokens": 10, "output_tokens": 4}, Tokens(text_in=10, text_out=4)),
        ({"total_tokens": 14}, Tokens(text_in=14)),
        ({"total_tokens": 14, "output_tokens": 4}, Tokens(text_in=10, text_out=4)),
        ({"total_tokens": 14, "input_tokens": 10}, Tokens(text_in=10, text_out=4)),
        (
            {"input_tokens": 10, "output_tokens": 0, "input_token_details": {"audio_tokens": 7}},
            Tokens(text_in=3, audio_in=7),
        ),
        (
            {"input_tokens": 10, "input_token_details": {"text_tokens": 4, "audio_tokens": 6, "cached_tokens": 8}},
            Tokens(cached_text_in=4, audio_in=2, cached_audio_in=4),
        ),
        (
            {"input_token_details": {"image_tokens": 9, "cached_tokens_details": {"image_tokens": 5}}},
            Tokens(image_in=4, cached_image_in=5),
        ),
        ({"input_tokens": 5, "input_token_details": {"cached_tokens": 99}}, Tokens(cached_text_in=5)),
        ({"output_tokens": 9, "output_token_details": {"audio_tokens": 8}}, Tokens(text_out=1, audio_out=8)),
    ],
)  # fmt: skip
def test_what_the_details_leave_open_is_text(told: dict[str, Any], expected: Tokens) -> None:
    assert read_usage(told) == Usage(expected)


def test_seconds() -> None:
    assert read_usage({"type": "duration", "seconds": 2.5}) == Usage(seconds=2.5)


@pytest.mark.parametrize("told", [None, "10", 3, [], {}, {"input_tokens": True}, {"seconds": float("nan")}])
def test_what_tells_nothing_is_nothing(told: object) -> None:
    assert read_usage(told) is None


@given(ANYTHING | st.dictionaries(KEYS, ANYTHING | st.dictionaries(KEYS, ANYTHING)))
def test_nothing_breaks_the_reading(told: object) -> None:
    usage = read_usage(told)
    if usage is not None:
        assert all(isinstance(count, int) and count >= 0 for count in astuple(usage.tokens))
        assert usage.tokens.input <= 4 * MOST_TOKENS
        assert 0 <= usage.seconds < float("inf")


@given(
    heard=st.dictionaries(st.sampled_from(["text_tokens", "audio_tokens", "image_tokens", "cached_tokens"]), COUNTS),
    cached=st.dictionaries(st.sampled_from(["text_tokens", "audio_tokens", "image_tokens"]), COUNTS),
    made=st.dictionaries(st.sampled_from(["text_tokens", "audio_tokens"]), COUNTS),
    read=COUNTS,
    wrote=COUNTS,
)  # fmt: skip
def test_the_parts_sum_to_the_whole(
    heard: dict[str, int], cached: dict[str, int], made: dict[str, int], read: int, wrote: int
) -> None:
    told = {
        "input_tokens": read, "output_tokens": wrote,
        "input_token_details": {**heard, "cached_tokens_details": cached}, "output_token_details": made,
    }  # fmt: skip
    usage = read_usage(told)
    assert usage is not None
    parts = sum(v for k, v in heard.items() if k != "cached_tokens")
    assert usage.tokens.input == max(read, parts)
    assert usage.tokens.output == max(wrote, sum(made.values()))
    kept = usage.tokens.cached_text_in + usage.tokens.cached_audio_in + usage.tokens.cached_image_in
    assert kept <= max(heard.get("cached_tokens", 0), sum(cached.values()))


@given(st.lists(st.builds(Tokens, *[COUNTS] * 8)))
def test_sums_keep_every_token(many: list[Tokens]) -> None:
    total = sum((Usage(tokens) for tokens in many), NOTHING)
    assert total.tokens.input == sum(tokens.input for tokens in many)
    assert total.tokens.output == sum(tokens.output for tokens in many)
