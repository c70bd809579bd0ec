"""The limit of open files."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from gateway.files import AT_MOST, allowed

pytestmark = pytest.mark.unit

RAISED = (
    "from gateway.files import raise_limit; import resource; print(raise_limit(), *resource.getrlimit(7))"
)


@pytest.mark.parametrize(
    ("soft", "hard", "wanted"),
    [
        (1024, 4096, 4096),
        (1024, 524_288, AT_MOST),
        (1024, resource.RLIM_INFINITY, AT_MOST),
        (100_000, 524_288, 100_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY),
    ],
)
def test_what_is_allowed(soft: int, hard: int, wanted: int) -> None:
    assert allowed(soft, hard) == wanted


def test_it_is_raised_up_to_the_hard_limit() -> None:
    assert resource.RLIMIT_NOFILE == 7
    done = subprocess.run(
        ["sh", "-c", 'ulimit -Sn 128; ulimit -Hn 900; exec "$0" -c "$1"', sys.executable, RAISED],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["900", "900", "900"]
