"""One HTTP request that goes out, within bounds: through the guard, no redirect followed, so many bytes and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from tools.outbound.guard import Guard, Refused

__all__ = ["Answer", "BrokenOff", "Outgoing", "Sender", "TooLarge", "Unreachable"]

MAX_ANSWER = 1024 * 1024
"""Bytes of an answer that are read, unpacked; a longer one is an error."""


class Unreachable(Exception):
    """There was no connection, so nothing was asked."""


class BrokenOff(Exception):
    """It was asked, and no whole answer came: not in time, or it broke off. What was asked may have been done."""


class TooLarge(Exception):
    """The answer is longer than what may be read."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is asked."""

    method: str
    url: URL
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout_s: float = 10.0
    max_bytes: int = MAX_ANSWER


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names as sent; ask through `header`."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """The first of that name, in any case of letters; empty when there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), "")


class Sender:
    """Sends `Outgoing`s through a guard, between entering it and leaving it. Safe for many at once."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Sender:
        self._session = self.guard.session()
        return self

    async def __aexit__(self, *_: object) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, outgoing: Outgoing) -> Answer:
        """Raises Refused, Unreachable, BrokenOff, TooLarge. A redirect is an answer like any other:
        where it points is not the place that the request, with its secrets, was written for."""
        url = self.guard.check(outgoing.url)
        if self._session is None:
            raise Unreachable("requests are not sent yet, or no more")
        try:
            async with (
                asyncio.timeout(outgoing.timeout_s),
                self._session.request(
                    outgoing.method,
                    url,
                    headers={"Accept-Encoding": "identity", "User-Agent": "parley", **outgoing.headers},
                    data=outgoing.body,
                    allow_redirects=False,
                    skip_auto_headers=("Content-Type",),
                ) as answer,
            ):
                body = bytearray()
                async for chunk in answer.content.iter_chunked(64 * 1024):
                    body += chunk
                    if len(body) > outgoing.max_bytes:
                        answer.close()
                        raise TooLarge(f"the answer is longer than {outgoing.max_bytes} bytes")
                return Answer(answer.status, dict(answer.headers), bytes(body))
        except aiohttp.ClientConnectorError as fault:
            if isinstance(fault.os_error, Refused):
                raise fault.os_error from None
            raise Unreachable(f"no connection ({type(fault).__name__})") from None
        except aiohttp.ConnectionTimeoutError:
            raise Unreachable("no connection in time") from None
        except TimeoutError:
            raise BrokenOff(f"no answer within {outgoing.timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            if isinstance(fault, Refused):
                raise
            # The class alone: its text may quote what was sent.
            raise BrokenOff(f"the exchange broke off ({type(fault).__name__})") from None
