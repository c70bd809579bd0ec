"""The documentation tells the truth that can be checked: settings, endings, tools, paths, links, commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from gateway.__main__ import parser
from gateway.call.policy import GUARDED_LEAVES, LOCKED_LEAVES
from gateway.config import ENVIRONMENT, Settings
from gateway.errors import ENDINGS
from personas import template
from personas.dialogue import SlotKind
from tools.library import load as load_tools

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
VARIABLE = re.compile(r"\bPARLEY_[A-Z_]+\b")


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text()


def rows(text: str) -> dict[str, str]:
    """First cell → the whole line, of every table row whose first cell is code."""
    return {match[1]: match[0] for match in re.finditer(r"^\| `([^`]+)`.*$", text, re.MULTILINE)}


@pytest.mark.parametrize("field", ENVIRONMENT)
def test_every_setting_has_its_line(field: str) -> None:
    line = rows(page("run")).get(ENVIRONMENT[field])
    assert line, f"docs/run.md has no row for {ENVIRONMENT[field]}"
    default = Settings.model_fields[field].default
    if isinstance(default, int | float | str):
        assert (
            f"`{default:g}`" in line or f"`{default}`" in line
            if isinstance(default, float)
            else f"`{default}`" in line
        )


def test_every_field_is_a_setting() -> None:
    assert set(ENVIRONMENT) == set(Settings.model_fields)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_names_a_setting_that_is_not_there(path: Path) -> None:
    assert set(VARIABLE.findall(path.read_text())) <= set(ENVIRONMENT.values())


@pytest.mark.parametrize("ending", ENDINGS, ids=str)
def test_every_ending_is_explained(ending: object) -> None:
    assert rows(page("operate")).get(str(ending), "") == f"| `{ending}` | {ENDINGS[ending]} |"  # type: ignore[index]  # parametrize hides the type


def test_every_tool_has_its_line() -> None:
    documented = rows(page("tools").split("\n## ", 1)[0])
    tools = load_tools()
    assert set(tools) == set(documented)
    for name, tool in tools.items():
        assert documented[name].endswith("| yes |" if tool.effect == "write" else "| no |"), name


def test_the_policy_table_is_the_policy() -> None:
    table = [line for line in page("personas").splitlines() if line.count("|") == 5 and "`" in line]
    open_only = [line for line in table if line.endswith("| yes | no | no |")]
    locked = {
        leaf
        for line in table
        if line.endswith("| yes | yes | yes |")
        for leaf in re.findall(r"`([^`]+)`", line)
    }
    guarded = {
        leaf
        for line in table
        if line.endswith("| yes | yes | no |")
        for leaf in re.findall(r"`([^`]+)`", line)
    }
    assert locked == LOCKED_LEAVES
    assert guarded == GUARDED_LEAVES - LOCKED_LEAVES
    assert len(open_only) == 1


def test_filters_and_slot_kinds_are_listed() -> None:
    text = page("personas")
    for word in (*template.FILTERS, *get_args(SlotKind)):
        assert f"`{word}`" in text, word


def test_every_path_is_in_the_api_page() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "api" / "surfaces").rglob("*.py"))
    served = set(re.findall(r"web\.(?:get|post|patch|delete)\(\s*\"([^\"]+)\"", sources))
    assert served
    text = page("api")
    for path in served:
        assert f" {path.replace(':.+', '')}`" in text, path


def test_every_command_is_in_the_run_page() -> None:
    (commands,) = [action.choices for action in parser()._actions if action.choices]
    assert commands is not None
    for command in commands:
        assert f"parley {command}`" in page("run"), command


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_make_targets_lead_somewhere(path: Path) -> None:
    text = path.read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in link:
            assert (path.parent / link).exists(), link
    for command in re.findall(r"(?:`|^|& )make ((?:[a-z0-9-]+ ?)+)", text, re.MULTILINE):
        assert set(command.split()) <= targets, command
    for anchor_page, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", text):
        heads = re.findall(
            r"^#+ (.+)$", (path.parent / anchor_page if anchor_page else path).read_text(), re.MULTILINE
        )
        assert anchor in {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads}, (
            anchor
        )
