"""Files that are given to `parley replay` and hold no call: a sentence and exit code 2, whatever is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.__main__ import main

pytestmark = pytest.mark.unit

ROW = b'{"seq": %s, "at_ms": %s, "source": %s, "event": %s}'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"SQLite format 3\x00\x10\x00\x02\x02\xf1\xff", "no file that --export wrote"),
        (b"[" * 100_000, "line 1"),
        (b'["seq"]', "line 1"),
        (b'"call"', "line 1"),
        (b"null", "line 1"),
        (ROW % (b'"1"', b"0", b'"call"', b"{}"), "line 1"),
        (ROW % (b"1", b"null", b'"call"', b"{}"), "line 1"),
        (ROW % (b"1", b"0", b"7", b"{}"), "line 1"),
        (ROW % (b"1", b"0", b'"call"', b"[]"), "line 1"),
        (ROW % (b"1", b"0", b'"call"', b'{"size": 9, "packed": 5}'), "line 1"),
        (b"\n\n", "no journal"),
        (b"", "no journal"),
    ],
)
def test_what_is_no_record_is_told(
    content: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "parley.db"
    file.write_bytes(content)
    assert main(["replay", str(file)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("parley: ")
    assert told in said
