"""Requests to carriers' APIs, for those that are answered so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import aiohttp
import orjson
from aiohttp import web

from api.errors import ApiError
from api.surfaces.telephony.desk import Command

__all__ = ["Commands"]

logger = logging.getLogger(__name__)

WITHIN_S = 5.0
OVER = frozenset({404, 422})
"""Said of a call that has ended already: there is nothing left to command."""


class Commands:
    """One HTTP client for all; open while the application runs."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def lifetime(self, _app: web.Application) -> AsyncIterator[None]:
        """For `app.cleanup_ctx`."""
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=WITHIN_S), raise_for_status=False, trust_env=True
        ) as session:
            self._session = session
            yield
            self._session = None

    async def run(self, carrier: str, command: Command) -> None:
        """Raises ApiError 503 when it was not obeyed: the carrier asks again."""
        if self._session is None or not command.key:
            logger.error("a call of %s cannot be answered: the key of its API is not set", carrier)
            raise ApiError(503, "This carrier is answered through its API, whose key is not set.")
        headers = {"Authorization": f"Bearer {command.key}", "Content-Type": "application/json"}
        try:
            async with (
                asyncio.timeout(WITHIN_S),
                self._session.post(
                    command.url, data=orjson.dumps(command.body), headers=headers, allow_redirects=False
                ) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("%s was not reached: %s", carrier, type(error).__name__)
            raise ApiError(503, "The carrier's API was not reached.") from None
        if status in OVER:
            logger.info("%s: a call was over before it could be answered", carrier)
        elif status >= 300:
            logger.warning("%s refused a command: HTTP %d", carrier, status)
            raise ApiError(503, "The carrier's API refused.")
