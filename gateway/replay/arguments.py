"""What `parley replay` takes: apart from what it does, so that no other command loads the core."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["define"]


def define(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "journal", help="id of a call or a session in the database, or a file that --export wrote"
    )
    parser.add_argument("--quiet", action="store_true", help="no timeline")
    parser.add_argument(
        "--export", metavar="FILE", type=Path, help="write the record of the call to a file"
    )
    parser.add_argument(
        "--as-test", metavar="FILE", type=Path, help="write a regression test, without anything personal"
    )
