"""Server events that are what they seem to be, and others."""

from __future__ import annotations

import inspect
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.realtime import server_events
from gateway.realtime.server_fields import FIELDS
from gateway.realtime.server_shapes import check_server_event
from tests.realtime.test_server_events import BUILDERS, MESSAGE, RESPONSE, SAMPLES

pytestmark = pytest.mark.unit

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "output", "content", "audio"]), inner)
    ),
    max_leaves=8,
)
CREATED = {"type": "response.created", "response": RESPONSE}
ADDED = {"type": "response.output_item.added", "response_id": "r", "output_index": 0, "item": MESSAGE}


@pytest.mark.parametrize("name", BUILDERS)
def test_what_we_say_ourselves_passes(name: str) -> None:
    builder = getattr(server_events, name)
    wanted = [p for p in inspect.signature(builder).parameters.values() if p.default is p.empty]
    check_server_event(builder(**{p.name: SAMPLES.get(p.name, "text") for p in wanted}))


def test_what_nobody_reads_may_be_anything() -> None:
    check_server_event({"type": "response.new_kind", "delta": [], "item": 3})
    check_server_event({**ADDED, "item": {**MESSAGE, "new": [1]}, "obfuscation": 5})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("response",), None),
        (("response",), "resp_1"),
        (("response", "id"), None),
        (("response", "id"), ["resp_1"]),
        (("response", "output"), [3]),
        (("response", "output"), [{"type": "message"}]),
        (("response", "output"), [{"id": "i", "type": "function_call", "name": ["x"], "call_id": "c"}]),
        (("response", "usage"), [1]),
        (("response", "audio"), "pcm"),
        (("response", "audio"), {"output": 3}),
        (("response", "metadata"), [1]),
        (("event_id",), 7),
    ],
)
def test_a_response_that_is_none(path: tuple[str, ...], value: object) -> None:
    event: dict[str, Any] = deepcopy(CREATED)
    check_server_event(event)
    *above, last = path
    here = event
    for key in above:
        here = here[key]
    here[last] = value
    with pytest.raises(TypeError):
        check_server_event(event)


@pytest.mark.parametrize(
    "wrong",
    [
        {"response_id": None},
        {"output_index": "0"},
        {"output_index": None},
        {"item": None},
        {"item": {**MESSAGE, "id": 7}},
        {"item": {**MESSAGE, "content": ["Hello."]}},
        {"item": {"id": "i", "type": "function_call", "name": "book", "call_id": {}, "arguments": "{}"}},
        {"item": {"id": "i", "type": "function_call", "name": "book", "call_id": "c", "arguments": 5}},
    ],
)
def test_an_item_that_is_none(wrong: dict[str, Any]) -> None:
    check_server_event(ADDED)
    with pytest.raises(TypeError):
        check_server_event({**ADDED, **wrong})


@given(
    st.sampled_from([*sorted(FIELDS), "response.new_kind"]),
    st.dictionaries(st.sampled_from(sorted(set().union(*FIELDS.values(), {"event_id"}))), JSON),
)
def test_noise_is_taken_or_refused_and_nothing_else(kind: str, fields: dict[str, Any]) -> None:
    try:
        check_server_event({"type": kind, **fields})
    except TypeError:
        return
    for name in FIELDS.get(kind, frozenset()) & {"item", "response"}:
        assert isinstance(fields[name]["id"], str)
