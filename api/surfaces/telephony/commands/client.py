"""Requests to carriers' APIs."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from api.surfaces.telephony.desk import Command

__all__ = ["Commands", "Refused", "Unreached"]

logger = logging.getLogger(__name__)

WITHIN_S = 5.0
LONGEST = 256 * 1024
"""Bytes of an answer."""


CODE = re.compile(r"[\w.-]{1,40}", re.ASCII)
ENDED = frozenset({"20404", "90018"})
"""Twilio's and Telnyx' numbers for a call that is not, or no more."""


class Unreached(Exception):
    """The carrier was not reached, or does not work now. The text says which."""

    def __init__(self, sentence: str, *, sent: bool) -> None:
        super().__init__(sentence)
        self.sent = sent
        """It may have obeyed, for all we know."""


class Refused(Exception):
    """The carrier understood, and does not want to (4xx)."""

    def __init__(self, status: int, code: str, after_s: int | None = None) -> None:
        super().__init__(f"HTTP {status}{code and f' ({code})'}")
        self.status = status
        self.after_s = after_s
        """When to ask again, where it says (429)."""
        self.code = code
        """The carrier's own word for the reason; empty when it told none."""

    @property
    def ended(self) -> bool:
        """There is nothing left to command: the call has ended already."""
        return self.status == 404 or self.code in ENDED


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
        """The JSON object of the answer. Raises Refused, Unreached."""
        assert self._session is not None  # the application runs
        about = {"Authorization": command.authorization, "Content-Type": command.content_type}
        headers = {**about, **command.headers}
        try:
            async with (
                asyncio.timeout(WITHIN_S),
                self._session.request(
                    command.method, command.url, data=command.body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                status, text = answer.status, await _read(answer)
                after = answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("%s was not reached: %s", carrier, type(error).__name__)
            sent = not isinstance(error, aiohttp.ClientConnectorError)
            raise Unreached("the carrier's API was not reached", sent=sent) from None
        value = _object(text)
        if 400 <= status < 500:
            after_s = int(after) if after.isascii() and after.isdigit() and len(after) < 5 else None
            raise Refused(status, _code(value), after_s)
        if status >= 300:
            logger.warning("%s did not obey: HTTP %d", carrier, status)
            raise Unreached(f"the carrier's API does not work now (HTTP {status})", sent=status != 503)
        return value

    async def read(self, url: str) -> dict[str, Any]:
        """The JSON object that is published at a URL. Raises Unreached."""
        assert self._session is not None  # the application runs
        try:
            async with (
                asyncio.timeout(WITHIN_S),
                self._session.get(url, allow_redirects=False) as answer,
            ):
                status, text = answer.status, await _read(answer)
        except (aiohttp.ClientError, TimeoutError):
            status, text = 0, b""
        if status != 200:
            raise Unreached("what it publishes cannot be had", sent=True)
        return _object(text)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The body, as far as it is not too long: what is cut off is not JSON."""
    text = bytearray()
    async for chunk in answer.content.iter_any():
        text += chunk
        if len(text) > LONGEST:
            break
    return bytes(text)


def _code(value: dict[str, Any]) -> str:
    """The carrier's word for why: at its top, in its first error (Telnyx), or in its only one (Azure)."""
    errors = value.get("errors", value.get("error"))
    inner = errors[0] if isinstance(errors, list) and errors else errors
    code = str((inner if isinstance(inner, dict) else value).get("code", ""))
    return code if CODE.fullmatch(code) else ""


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
