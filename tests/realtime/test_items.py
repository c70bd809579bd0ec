from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.realtime import items
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.items import ItemList

pytestmark = pytest.mark.unit


def said(item_id: str, role: str = "user", part: str = "input_text") -> dict[str, Any]:
    return {"id": item_id, "type": "message", "role": role, "content": [{"type": part, "text": "x"}]}


def listed(*ids: str) -> ItemList:
    found = ItemList()
    for item_id in ids:
        found.insert(said(item_id))
    return found


def ids(found: ItemList) -> list[str]:
    return [item["id"] for item in found]


def code(act: Any, *args: Any) -> str:
    with pytest.raises(ProtocolFault) as caught:
        act(*args)
    return caught.value.code


def test_items_are_appended_begun_and_put_between() -> None:
    found = ItemList()
    assert (found.last_id, len(found)) == (None, 0)
    assert found.insert(said("b")) is None
    assert found.insert(said("d")) == "b"
    assert found.insert(said("a"), "root") is None
    assert found.insert(said("c"), "b") == "b"
    assert ids(found) == ["a", "b", "c", "d"]
    assert [found.previous_id(i) for i in "abcd"] == [None, "a", "b", "c"]
    assert (found.last_id, len(found), "c" in found) == ("d", 4, True)


def test_an_unknown_previous_item_inserts_nothing() -> None:
    found = listed("a")
    assert code(found.insert, said("b"), "nowhere") == "invalid_value"
    assert ids(found) == ["a"]


def test_an_id_is_taken_once() -> None:
    assert code(listed("a").insert, said("a")) == "invalid_value"


def test_retrieve_delete_and_find() -> None:
    found = listed("a", "b")
    assert found.retrieve("a")["id"] == "a"
    assert found.delete("a")["id"] == "a"
    assert found.find("a") is None
    assert code(found.retrieve, "a") == "item_retrieve_invalid_item_id"
    assert code(found.delete, "a") == "item_delete_invalid_item_id"
    with pytest.raises(KeyError):
        found.previous_id("a")


def test_an_output_needs_its_call() -> None:
    found = ItemList()
    output = {"id": "o", "type": "function_call_output", "call_id": "c", "output": "x"}
    assert code(found.insert, output) == "invalid_tool_call_id"
    found.insert({"id": "f", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"})
    assert found.insert(output) == "f"


def test_only_model_audio_can_be_truncated_and_not_beyond_its_length() -> None:
    found = listed("user")
    found.insert(said("agent", "assistant", "output_audio"))
    found.insert({"id": "call", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"})
    assert found.truncatable("agent", 0, 500, 500)["id"] == "agent"
    assert code(found.truncatable, "agent", 0, 501, 500) == "invalid_value"
    assert code(found.truncatable, "agent", 1, 100, 500) == "invalid_value"
    assert code(found.truncatable, "user", 0, 0, None) == "unsupported_content_type"
    assert code(found.truncatable, "call", 0, 0, None) == "unsupported_content_type"
    assert code(found.truncatable, "none", 0, 0, 0) == "item_truncate_invalid_item_id"


def test_a_full_conversation_refuses_until_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    found = listed("a", "b")
    monkeypatch.setattr(items, "MAX_ITEMS", 2)
    assert code(found.insert, said("c")) == "conversation_full"
    found.delete("a")
    found.insert(said("c"))
    monkeypatch.setattr(items, "MAX_ITEMS", 9)
    monkeypatch.setattr(items, "MAX_BYTES", 200)
    assert code(found.insert, said("d")) == "conversation_full"


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["root", "", "0", "1", "2", "3"]))))
def test_it_behaves_as_a_list(steps: list[tuple[int, str]]) -> None:
    found, model = ItemList(), list[str]()
    for number, previous in steps:
        item_id = str(number)
        if item_id in model:
            found.delete(item_id)
            model.remove(item_id)
            continue
        if previous not in ("root", "", *model):
            continue
        place = 0 if previous == "root" else len(model) if not previous else model.index(previous) + 1
        before = found.insert(said(item_id), previous or None)
        model.insert(place, item_id)
        assert before == (model[place - 1] if place else None)
        assert ids(found) == model
