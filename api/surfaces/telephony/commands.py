"""Requests to carriers' APIs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from api.errors import ApiError
from api.surfaces.telephony.desk import Command

__all__ = ["Commands", "Refused"]

logger = logging.getLogger(__name__)

WITHIN_S = 5.0
LONGEST = 256 * 1024
"""Bytes of an answer."""


class Refused(Exception):
    """The carrier understood, and does not want to (4xx)."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"HTTP {status}{code}")
        self.status = status
        self.code = code
        """The carrier's number of the reason, as ` (21211)`; empty when it told none."""


class Commands:
    """One HTTP client for all; open while the application runs."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def lifetime(self, _app: web.Application) -> AsyncIterator[None]:
        """For `app.cleanup_ctx`."""
        timeout = aiohttp.ClientTimeout(total=WITHIN_S)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            self._session = session
            yield
            self._session = None

    async def run(self, carrier: str, command: Command) -> dict[str, Any]:
        """The JSON object of the answer. Raises Refused, and ApiError 503 when the carrier was not reached."""
        assert self._session is not None  # the application runs
        headers = {"Authorization": command.authorization, "Content-Type": command.content_type}
        try:
            async with (
                asyncio.timeout(WITHIN_S),
                self._session.post(
                    command.url, data=command.body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                status, text = answer.status, await answer.content.read(LONGEST)
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("%s was not reached: %s", carrier, type(error).__name__)
            raise ApiError(503, "The carrier's API was not reached.") from None
        value = _object(text)
        if 400 <= status < 500:
            code = value.get("code")
            raise Refused(status, f" ({code})" if isinstance(code, int) else "")
        if status >= 300:
            logger.warning("%s did not obey: HTTP %d", carrier, status)
            raise ApiError(503, "The carrier's API does not work now.")
        return value


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
