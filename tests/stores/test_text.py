"""JSON as it is stored reads back, whatever a text holds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.stores.text import json_text

pytestmark = pytest.mark.unit


@given(st.text(st.sampled_from("\\\\\x00u0a\ud83d"), max_size=30))
def test_a_text_reads_back_without_what_no_database_holds(text: str) -> None:
    stored = json_text({text: [text]})
    assert "\x00" not in stored
    kept = text.replace("\x00", "\ufffd").replace("\ud83d", "?")
    assert json.loads(stored) == {kept: [kept]}
