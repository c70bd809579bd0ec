"""How many values a text holds, against a reader that counts them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.realtime.events import parse_client_event
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.weight import MAX_VALUES, too_many_values

pytestmark = pytest.mark.unit

AWKWARD = st.text(st.sampled_from('a,[{"\\\n'))
VALUES = st.recursive(
    st.none() | st.integers() | AWKWARD,
    lambda inner: st.lists(inner) | st.dictionaries(AWKWARD, inner),
    max_leaves=40,
)


def below(value: Any) -> int:
    """Values in this one; an empty array or object counts as two."""
    if isinstance(value, dict | list):
        inner = list(value.values()) if isinstance(value, dict) else value
        return sum(1 + below(each) for each in inner) if inner else 1
    return 0


@given(VALUES, st.integers(0, 60), st.sampled_from([(",", ":"), (" , ", " : ")]))
def test_it_counts_as_a_reader_does(value: Any, most: int, separators: tuple[str, str]) -> None:
    text = json.dumps(value, separators=separators)
    assert too_many_values(text, most) == (below(value) > most)


def test_long_words_are_few_values() -> None:
    assert not too_many_values(json.dumps({"text": 'a, [b] {c} "d" \\ ' * 10_000}))


@pytest.mark.parametrize(
    "many",
    ["[]", "0", '""', '"\\""', "{}", '{"a":[]}'],
)
def test_an_event_of_too_many_values_is_refused_unread(many: str) -> None:
    values = ",".join([many] * (MAX_VALUES + 1))
    event = f'{{"type":"session.update","session":{{"type":"realtime","tools":[{values}]}}}}'
    for message in (event, event.encode()):
        with pytest.raises(ProtocolFault) as refused:
            parse_client_event(message)
        assert refused.value.code == "invalid_event"
        assert str(MAX_VALUES) in refused.value.message
