"""One call of the softphone: the carrier's requests, the media socket, real time. Everything it decides is decided in
`caller`, `player` and `lines`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import aiohttp

from gateway.softphone.caller import Caller
from gateway.softphone.card import SoundCard
from gateway.softphone.course import Course
from gateway.softphone.line import Answer, Facts, Line, Request
from gateway.softphone.orders import (
    Broken,
    Connect,
    Dial,
    HangUp,
    Pause,
    Redirect,
    Reject,
    Say,
    Verb,
)
from gateway.softphone.sound import Heard
from gateway.softphone.stream import Gone, Stream

__all__ = ["Phone", "Wish"]

ANSWER_S = 15.0
"""How long a carrier waits for the answer to a webhook."""
DOCUMENTS = 20
"""Documents of one call; who needs more goes round in a circle."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which call is wanted."""

    carrier: str
    server: str
    """Where the server really listens: `http://127.0.0.1:8080`."""
    public: str
    """How the carrier knows it: what is signed. The same, where there is no other."""
    caller: str
    called: str
    persona: str | None
    duration_s: float

    def url(self, name: str, query: Mapping[str, str] | None = None) -> str:
        """One of the server's webhooks, as the carrier has it."""
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self.public}/telephony/{self.carrier}/{name}{asked}"

    def reached(self, url: str) -> str:
        """Where a public URL is reached from here."""
        for scheme in ("http", "ws"):
            public = f"{scheme}{self.public.removeprefix('http')}"
            if url.startswith((f"{public}/", f"{public}?")) or url == public:
                return f"{scheme}{self.server.removeprefix('http')}{url.removeprefix(public)}"
        return url


class _Over(Exception):
    """There is no call, or no more of it. The text says why."""


class Phone:
    """`run` is the whole call. `caller` gets the rate of the stream once that is known."""

    def __init__(
        self,
        line: Line,
        wish: Wish,
        course: Course,
        caller: Callable[[int], Caller],
        heard: Heard,
        card: SoundCard | None = None,
    ) -> None:
        self._line = line
        self._wish = wish
        self._course = course
        self._make = caller
        self._caller: Caller | None = None
        self._heard = heard
        self._card = card
        self._facts = line.facts(wish.caller, wish.called)
        self._now = asyncio.get_running_loop().time
        self._ends_at = self._now() + wish.duration_s
        self._hung_up = asyncio.Event()

    def hang_up(self) -> None:
        """The caller puts the phone down."""
        self._hung_up.set()

    async def run(self) -> None:
        """Never raises for what the server does: the course's summary tells."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            try:
                how = await self._call(http)
            except _Over as over:
                self._course.failed(self._now(), str(over))
                how = ""
            self._course.ended(self._now(), how or "no call")

    # ── the course of the call ────────────────────────────────────────────────────────────────────────────

    async def _call(self, http: aiohttp.ClientSession) -> str:
        wish, line = self._wish, self._line
        proof = f"signed with {line.secret}" if line.signs else f"unsigned: {line.secret} is not set"
        if not line.signable:
            proof = f"unsigned: only {line.title} has the key"
        self._course.tell(
            self._now(), "dialled", f"{wish.caller} calls {wish.called} over {line.title} ({proof})"
        )
        query = {"persona": wish.persona} if wish.persona else None
        verbs = await self._ask(http, line.voice(self._facts, wish.url("voice", query), time.time()))
        began = self._now()
        told = line.status(self._facts, wish.url("status"), "answered", None, time.time())
        if told is not None:
            await self._tell(http, told)
        how = ""
        try:
            how = await self._follow(http, verbs)
        finally:
            length = round(self._now() - began)
            told = line.status(self._facts, wish.url("status"), "completed", length, time.time())
            if told is not None:
                await self._tell(http, told)
        return how

    async def _follow(self, http: aiohttp.ClientSession, verbs: Sequence[Verb]) -> str:
        """Does what documents ask for, one after the other; how the call ended."""
        for _ in range(DOCUMENTS):
            follow = None
            for verb in verbs:
                if self._hung_up.is_set():
                    return "you hung up"
                match verb:
                    case Connect():
                        if await self._stream(http, verb):
                            return "you hung up"
                        follow = verb.action
                    case Say(text):
                        self._course.tell(self._now(), "said", f"the carrier says: {text}", said=text)
                    case Pause(seconds):
                        await self._wait(seconds)
                    case Redirect(url):
                        follow = url
                    case Dial(to, action):
                        self._course.summary.transferred = to
                        self._course.tell(self._now(), "transferred", f"you are transferred to {to}", to=to)
                        follow = action
                    case Reject(reason):
                        raise _Over(f"the server rejects the call: {reason}")
                    case HangUp():
                        return "the server hung up"
                if follow is not None:
                    asked = self._line.after(self._facts, follow, verb, time.time())
                    break
            else:
                return "the server has nothing more to do with the call"
            verbs = await self._ask(http, asked)
        raise _Over(f"the server goes round in a circle: {DOCUMENTS} documents")

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(seconds, max(0.0, self._ends_at - self._now()))):
                await self._hung_up.wait()
        except TimeoutError:
            return

    # ── requests ──────────────────────────────────────────────────────────────────────────────────────────

    async def _ask(self, http: aiohttp.ClientSession, request: Request) -> Sequence[Verb]:
        """A webhook, and the verbs of its answer. Raises _Over."""
        asked = self._now()
        answer = await self._request(http, request)
        took = self._now() - asked
        if answer.status >= 300:
            raise _Over(self._refusal(answer, request.url))
        if took > ANSWER_S:
            self._course.broken(self._now(), Broken("the answer took too long", "11205 connection failure"))
        try:
            verbs = self._line.read(answer)
        except Broken as rule:
            self._course.broken(self._now(), rule)
            if rule.fatal:
                raise _Over(f"{self._line.title} ends the call: {rule.told}") from None
            return []
        names = ", ".join(_name(verb) for verb in verbs) or "nothing"
        self._course.webhook(self._now(), took, names)
        return verbs

    async def _tell(self, http: aiohttp.ClientSession, request: Request) -> None:
        """A status callback; only its failure is of interest."""
        try:
            answer = await self._request(http, request)
        except _Over as over:
            self._course.tell(self._now(), "status", str(over))
            return
        if answer.status >= 300:
            self._course.broken(
                self._now(), Broken(f"a status callback is answered {answer.status}", request.url)
            )

    async def _request(self, http: aiohttp.ClientSession, request: Request) -> Answer:
        url = self._wish.reached(request.url)
        try:
            async with http.request(
                request.method,
                url,
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
            ) as answer:
                kind = answer.headers.get("Content-Type", "")
                return Answer(answer.status, kind, await answer.text(errors="replace"), request.url)
        except aiohttp.InvalidURL:
            raise _Over(f"{url!r} is no URL") from None
        except aiohttp.ClientConnectorError:
            raise _Over(
                f"nothing listens at {_origin(url)}: start the server (`parley serve`), or give its address by --server"
            ) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _Over(f"{_origin(url)} does not answer: {type(error).__name__}") from None

    def _refusal(self, answer: Answer, url: str) -> str:
        """Why a webhook was not taken, and what to do."""
        line = self._line
        match answer.status:
            case 403 if line.signs:
                return (
                    f"403: the server does not take the signature. Its {line.secret} or PARLEY_PUBLIC_URL is another "
                    f"than here; signed was {url}"
                )
            case 403 if not line.signable:
                return f"403: only {line.title} can sign: start the server with PARLEY_TELEPHONY_OPEN=1"
            case 403:
                return (
                    f"403: the server wants a signature. Set {line.secret} here to the server's value (and "
                    "PARLEY_PUBLIC_URL, if the server has one), or start the server with PARLEY_TELEPHONY_OPEN=1"
                )
            case 404 if self._wish.persona:
                return (
                    f"404: no persona {self._wish.persona!r} there, or {line.title} is not set up: start the server "
                    f"with PARLEY_TELEPHONY_OPEN=1, or with {line.secret}"
                )
            case 404:
                both = f", or with {line.secret} here and there" if line.signable else ""
                return (
                    f"404: {line.title} is not set up there. Start the server with PARLEY_TELEPHONY_OPEN=1 to try "
                    f"without proof{both}"
                )
            case 503:
                return f"503: the server cannot take the call now: {answer.body[:200]}"
            case status:
                return f"{status}: {answer.body[:200] or 'no reason given'}"

    # ── the stream ────────────────────────────────────────────────────────────────────────────────────────

    async def _stream(self, http: aiohttp.ClientSession, connect: Connect) -> bool:
        """One media socket. True when the caller hung up, False when the server closed it. Raises _Over."""
        side = self._line.open(self._facts, connect)
        if self._caller is None:
            self._caller = self._make(side.says.rate)
        stream = Stream(side, self._caller, self._course, self._heard, self._card, self._hung_up)
        if self._card is not None:
            await self._card.open(side.says.rate, side.plays.rate)
        headers = self._line.handshake(connect, time.time())
        asked = self._now()
        try:
            async with http.ws_connect(
                self._wish.reached(connect.url),
                headers=headers,
                autoping=False,
                max_msg_size=16 * 1024 * 1024,
            ) as socket:
                took = self._now() - asked
                encoding = side.plays
                what = f"{encoding.codec.value} at {encoding.rate} Hz"
                self._course.streaming(self._now(), took, f"{what}, stream {side.id}" if side.id else what)
                await self._stream_status(http, connect, side.id, "started")
                return await stream.run(socket, self._ends_at)
        except aiohttp.WSServerHandshakeError as error:
            await self._stream_status(http, connect, side.id, "failed")
            raise _Over(f"the media socket is refused: {error.status} (31920 handshake error)") from None
        except aiohttp.ClientError as error:
            raise _Over(f"the media socket does not open: {type(error).__name__}") from None
        except Gone:
            return False
        finally:
            if stream.began:
                await self._stream_status(http, connect, side.id, "stopped")

    async def _stream_status(
        self, http: aiohttp.ClientSession, connect: Connect, stream: str, event: str
    ) -> None:
        told = self._line.stream_status(self._facts, connect, stream, event, time.time())
        if told is not None:
            await self._tell(http, told)

    @property
    def facts(self) -> Facts:
        return self._facts


def _name(verb: Verb) -> str:
    return f"connect to {_origin(verb.url)}" if isinstance(verb, Connect) else type(verb).__name__.lower()


def _origin(url: str) -> str:
    """Without path: it may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
