"""The steps by which a call is closed: each is taken whatever became of the others. Part of the shell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from gateway.log import where

__all__ = ["bounded", "guarded"]

logger = logging.getLogger(__name__)

CLOSE_S = 5.0
"""Patience with each peer that is being closed."""


@contextmanager
def guarded(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as fault:  # noqa: BLE001 - logged; the other steps of the ending must be taken
        logger.error("%s failed: %s", what, where(fault))


async def bounded(what: str, work: Coroutine[Any, Any, None], *, then: str = "it is given up") -> None:
    """`then`: what becomes of work that takes longer."""
    patience = asyncio.timeout(CLOSE_S)
    try:
        async with patience:
            await work
    except TimeoutError as fault:
        if patience.expired():
            logger.warning("%s takes longer than %.0f s; %s", what, CLOSE_S, then)
        else:
            logger.error("%s failed: %s", what, where(fault))
    except Exception as fault:  # noqa: BLE001 - logged; the other steps of the ending must be taken
        logger.error("%s failed: %s", what, where(fault))
