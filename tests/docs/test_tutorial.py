"""The tutorial of docs/tools.md, as somebody new follows it: the files as they stand there, then the commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.http.model import HttpTool, check
from tools.yaml_file import read_yaml

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[2] / "docs" / "tools.md"


def tutorial(folder: Path) -> dict[str, str]:
    """The files of the tutorial, written: path → content."""
    text = PAGE.read_text()
    part = text[text.index("## Ten minutes") : text.index("## Your own tools")]
    found = re.findall(r"`(shop/[a-z_/]+\.(?:py|yaml))`.*?```(?:python|yaml)\n(.*?)\n```", part, re.DOTALL)
    files = {path: f"{content}\n" for path, content in found}
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return files


def test_its_caller_is_told_of_the_order(tmp_path: Path) -> None:
    files = tutorial(tmp_path)
    assert {Path(path).name for path in files} == {"order_status.py", "shop_desk.yaml", "order_status.yaml"}
    http = tmp_path / "shop/tools/order_status.yaml"
    about = read_yaml(http, HttpTool, check)
    assert about.name == "order_status"
    http.unlink()
    set_to = {"PARLEY_PERSONAS_DIR": "shop/agents", "PARLEY_TOOLS_DIR": "shop/tools"}
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("PARLEY_", "OPENAI_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "persona", "test", "shop_desk", "--transcripts"],
        cwd=tmp_path, env=environ | set_to | {"PYTHONPATH": str(PAGE.parents[1])},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Your order was sent on Tuesday." in done.stdout
    assert 'order_status(number=481516) → {"number":"481516","status":"was sent on Tuesday"}' in done.stdout
