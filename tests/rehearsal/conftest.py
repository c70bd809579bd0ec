"""Commands are run in this process here: what they set up of the log does not stay for the tests after them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from gateway.log import OURS


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in OURS}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
