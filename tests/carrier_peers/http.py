"""Requests that a carrier makes of an application: webhooks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
from yarl import URL

__all__ = ["Answered", "Asked", "Unreachable", "deliver", "form_request", "json_request"]


class Unreachable(Exception):
    """Nobody answered in time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it goes over the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def form(self) -> dict[str, str]:
        """Of a form POST, else of the query."""
        text = self.body.decode() if self.body else urlsplit(self.url).query
        return dict(parse_qsl(text, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def with_headers(self, **headers: str) -> Asked:
        """The same with other headers, `_` for `-`; an empty value takes the header away."""
        changed = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in changed}
        return replace(self, headers={**kept, **{name: value for name, value in changed.items() if value}})

    def with_body(self, body: bytes) -> Asked:
        """The same with another body, and the signature of the old one."""
        return replace(self, body=body)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the application answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    took_s: float

    @property
    def type(self) -> str:
        """The media type, without parameters, lower case."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def form_request(method: str, url: str, fields: Sequence[tuple[str, str]]) -> Asked:
    """Fields in the body of a POST, in the query of a GET."""
    if method == "GET":
        joint = "&" if urlsplit(url).query else "?"
        return Asked("GET", f"{url}{joint}{urlencode(fields)}", {})
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return Asked(method, url, kind, urlencode(fields).encode())


def json_request(url: str, value: object, method: str = "POST", kind: str = "application/json") -> Asked:
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Asked(method, url, {"Content-Type": kind}, body)


async def deliver(asked: Asked, via: str | None = None, within_s: float = 15.0) -> Answered:
    """Make the request; `via` (scheme and host) is where the URL's host really listens. Raises Unreachable."""
    parts = urlsplit(asked.url)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    target = asked.url if via is None else f"{via}{path}"
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with (
            asyncio.timeout(within_s),
            aiohttp.ClientSession(auto_decompress=True) as session,
            session.request(
                asked.method,
                _unchanged(target),
                headers={"Host": parts.netloc.rpartition("@")[2], **asked.headers},
                data=asked.body or None,
                allow_redirects=False,
            ) as answer,
        ):
            return Answered(answer.status, dict(answer.headers), await answer.read(), clock() - began)
    except TimeoutError:
        raise Unreachable(f"no answer in {within_s} s") from None
    except aiohttp.ClientError as error:
        raise Unreachable(str(error)) from error


def _unchanged(url: str) -> URL:
    """A URL that the client does not quote anew: signatures are over the very characters."""
    return URL(url, encoded=True)
