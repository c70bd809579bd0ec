"""The table of the contract's rules names what there is, and calls missing what is not there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.api.contract import CONTRACT
from tests.api.test_every_operation import PROMISED

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "contract.md").read_text()
OPERATIONS = frozenset(
    operation["operationId"] for path in CONTRACT["paths"].values() for operation in path.values()
)
STATES = ("holds", "partly", "not yet")
CODE = re.compile(r"`([^`]+)`")


class Rule(NamedTuple):
    name: str
    asks: str
    state: str
    where: str
    tests: str


def rules() -> list[Rule]:
    lines = re.findall(r"^\| (T\d+) \|(.*)\|$", TEXT, re.MULTILINE)
    return [Rule(name, *(cell.strip() for cell in rest.split("|"))) for name, rest in lines]


RULES = rules()


@cache
def source(path: str) -> str:
    return (ROOT / path).read_text()


def test_every_rule_is_there_once() -> None:
    """Those in the table, and the others by their numbers in the last paragraph."""
    told = [int(rule.name[1:]) for rule in RULES]
    rest = TEXT.rsplit("The other rules, ", 1)[1].split(" are about ")[0]
    for first, last in re.findall(r"T(\d+)(?: to T(\d+))?", rest):
        told += range(int(first), int(last or first) + 1)
    assert sorted(told) == list(range(1, 59))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_a_rule_names_is_there(rule: Rule) -> None:
    assert rule.state in STATES
    files, tests = CODE.findall(rule.where), CODE.findall(rule.tests)
    if rule.state == "not yet":
        assert not files
        assert not tests
    else:
        assert files
        assert tests
    for file in files:
        assert (ROOT / file).is_file(), file
    for test in tests:
        file, _, name = test.partition("::")
        assert re.search(rf"^(async )?def {name}\(", source(file), re.MULTILINE), test
    named = OPERATIONS & set(CODE.findall(rule.asks))
    missing = named - set(PROMISED)
    assert missing == (named if rule.state == "not yet" else set())


def test_the_test_that_gets_one_of_each_is_there() -> None:
    (test,) = CODE.findall(TEXT.split("held against its schema; ", 1)[1].split("\n", 1)[0])
    file, _, name = test.partition("::")
    assert f"def {name}(" in source(file)
