"""The carrier's requests to a server: webhooks and what their answers ask for, callbacks, and why one is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import aiohttp

from gateway.softphone.course import Course
from gateway.softphone.line import Answer, Line, Request
from gateway.softphone.orders import Broken, Connect, Verb

__all__ = ["Asking", "Over", "Unreached", "Where", "origin"]

ANSWER_S = 15.0
"""How long a carrier waits for the answer to a webhook."""


class Over(Exception):
    """There is no call, or no more of it. The text says why."""


class Unreached(Over):
    """There is no way to the server."""

    def __init__(self, told: str, error: Exception) -> None:
        super().__init__(told)
        self.error = error


@dataclass(frozen=True, slots=True)
class Where:
    """A server, as this machine and as the carrier see it."""

    server: str
    """Where it really listens: `http://127.0.0.1:8080`."""
    public: str
    """How the carrier knows it: what is signed. The same, where there is no other."""

    def webhook(self, carrier: str, name: str, query: Mapping[str, str] | None = None) -> str:
        """As the carrier has it."""
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self.public}/telephony/{carrier}/{name}{asked}"

    def reached(self, url: str) -> str:
        """Where a public URL is reached from here."""
        for scheme in ("http", "ws"):
            public = f"{scheme}{self.public.removeprefix('http')}"
            if url.startswith(f"{public}/"):
                return f"{scheme}{self.server.removeprefix('http')}{url.removeprefix(public)}"
        return url


class Asking:
    """`http` is open for as long as the call lasts."""

    def __init__(self, line: Line, where: Where, course: Course, http: aiohttp.ClientSession) -> None:
        self._line = line
        self._where = where
        self._course = course
        self._http = http
        self._now = asyncio.get_running_loop().time

    async def ask(self, request: Request) -> Sequence[Verb]:
        """A webhook, and the verbs of its answer. Raises Over."""
        asked = self._now()
        answer = await self._request(request)
        if answer.status >= 300:
            raise Over(self._refusal(answer, request.url))
        verbs = self.read(answer)
        took = self._now() - asked
        self._course.webhook(self._now(), took, ", ".join(_name(verb) for verb in verbs) or "nothing")
        return verbs

    def read(self, document: Answer) -> Sequence[Verb]:
        """The verbs of a document; none of one that is not understood. Raises Over where the carrier ends the call."""
        try:
            return self._line.read(document)
        except Broken as rule:
            self._course.broken(self._now(), rule)
            if rule.fatal:
                raise Over(f"{self._line.title} ends the call: {rule.told}") from None
            return []

    async def tell(self, request: Request | None) -> None:
        """A callback; only its failure is of interest."""
        if request is None:
            return
        try:
            answer = await self._request(request)
        except Over as over:
            self._course.tell(self._now(), "status", str(over))
            return
        if answer.status >= 300:
            told = f"a status callback is answered {answer.status}"
            self._course.broken(self._now(), Broken(told, urlsplit(request.url).path))

    async def _request(self, request: Request) -> Answer:
        url = self._where.reached(request.url)
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                self._http.request(
                    request.method,
                    url,
                    data=request.body or None,
                    headers=request.headers,
                    allow_redirects=False,
                ) as answer,
            ):
                kind = answer.headers.get("Content-Type", "")
                return Answer(answer.status, kind, await answer.text(errors="replace"), request.url)
        except aiohttp.InvalidURL:
            raise Over(f"{url!r} is no URL") from None
        except aiohttp.ClientConnectorError as error:
            start = "start the server (`parley serve`), or give its address by --server"
            raise Unreached(f"nothing listens at {origin(url)}: {start}", error) from None
        except TimeoutError:
            raise Over(f"{origin(url)} does not answer within {ANSWER_S:.0f} s (11200)") from None
        except aiohttp.ClientError as error:
            raise Unreached(f"{origin(url)} does not answer: {type(error).__name__}", error) from None

    def _refusal(self, answer: Answer, url: str) -> str:
        """Why a webhook was not taken, and what to do."""
        title, secret, signable = self._line.title, self._line.secret, self._line.signable
        start = "start the server with PARLEY_TELEPHONY_OPEN=1"
        match answer.status:
            case 403 if self._line.signs:
                other = f"Its {secret} or PARLEY_PUBLIC_URL is another than here; signed was {url}"
                return f"403: the server does not take the signature. {other}"
            case 403 if not signable:
                return f"403: only {title} can sign: {start}"
            case 403:
                both = f"Set {secret} here to the server's value (and PARLEY_PUBLIC_URL, if the server has one)"
                return f"403: the server wants a signature. {both}, or {start}"
            case 404:
                who = ", or has no such persona" if "persona=" in url else ""
                proof = f" to try without proof, or with {secret} here and there" if signable else ""
                return f"404: {title} is not set up there{who}: {start}{proof}"
            case 503:
                return f"503: the server cannot take the call now: {answer.body[:200]}"
            case status:
                return f"{status}: {answer.body[:200] or 'no reason given'}"


def origin(url: str) -> str:
    """Without path: it may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _name(verb: Verb) -> str:
    return f"connect to {origin(verb.url)}" if isinstance(verb, Connect) else type(verb).__name__.lower()
