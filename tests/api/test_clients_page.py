"""docs/clients.md tells the truth that can be checked without the clients."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from gateway.call.desk import FORMATS
from gateway.call.policy import may_change, may_create_item, may_delete_items, response_keys
from gateway.realtime.session import DEFAULTS
from personas.persona import SessionPolicy

pytestmark = pytest.mark.unit

TEXT = (Path(__file__).parents[2] / "docs" / "clients.md").read_text()
ROW = re.compile(r"^\| (.+?) \| (yes|no) \| (yes|no) \| (yes|no) \|$", re.MULTILINE)


def rows() -> dict[str, tuple[bool, ...]]:
    """What stands in the first column → whether it is allowed in an open, a guarded, a locked session."""
    return {row[1]: tuple(cell == "yes" for cell in row.groups()[1:]) for row in ROW.finditer(TEXT)}


def test_every_field_has_its_line_and_the_line_is_the_policy() -> None:
    leaves = {".".join(path) for path in DEFAULTS}
    documented = {row.strip("`"): allowed for row, allowed in rows().items() if row.startswith("`")}
    told = {leaf: allowed for leaf, allowed in documented.items() if " " not in leaf}
    assert set(told) == leaves
    for leaf, allowed in told.items():
        # Formats are between a client and its leg, whatever the persona.
        rule = tuple(leaf in FORMATS or may_change(policy, leaf) for policy in SessionPolicy)
        assert allowed == rule, leaf


def test_what_else_a_client_may_do() -> None:
    table = rows()
    policies = list(SessionPolicy)

    def allowed(*asked: tuple[str, str | None]) -> tuple[bool, ...]:
        return tuple(all(may_create_item(policy, *one) for one in asked) for policy in policies)

    assert table["add user messages, and results of its own tools"] == allowed(
        ("message", "user"), ("function_call_output", None)
    )
    assert table["add system and assistant messages"] == allowed(("message", "system"))
    assert table["add system and assistant messages"] == allowed(("message", "assistant"))
    assert table["delete items"] == tuple(may_delete_items(policy) for policy in policies)
    some = "`response.create` with `metadata`, `max_output_tokens`"
    for policy, few, more in zip(
        policies, table[some], table["`response.create` with anything else of its own"], strict=True
    ):
        keys = response_keys(policy)
        assert few is (keys is None or keys == {"metadata", "max_output_tokens"})
        assert more is (keys is None)


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
def test_the_examples_are_python(block: str) -> None:
    compile(block, "docs/clients.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert len(block.strip().splitlines()) <= 15
