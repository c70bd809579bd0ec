"""OpenAI's REST servers for speech, chat and transcription, on a real socket."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

from aiohttp import BodyPartReader, web

from tests.peers.faults import Event, Fault, Refused
from tests.peers.rest_audio import (
    check_file,
    check_form,
    check_speech,
    heard_events,
    speech_events,
    transcription,
    wav,
)
from tests.peers.rest_chat import check_chat, chunks, completion
from tests.peers.rest_script import Asked, Part, RestScript, Trouble, Written
from tests.peers.script import Refusal
from tests.peers.sound import pieces

__all__ = ["KEY", "OpenAiRestPeer", "RestPeer"]

KEY = "sk-rest-0123456789"
MAX_BODY = 32 * 2**20
PATHS: dict[Part, str] = {
    "transcriptions": "/v1/audio/transcriptions",
    "chat": "/v1/chat/completions",
    "speech": "/v1/audio/speech",
}


class RestPeer:
    """What a test holds of it."""

    def __init__(self, script: RestScript, key: str) -> None:
        self.asked: list[Asked] = []
        """Requests that were understood, in order."""
        self.faults: list[Fault] = []
        """What the client did wrong."""
        self.dropped = 0
        """Streams that the client closed before their end."""
        self.port = 0
        self._key = key
        self._script = script
        self._hears = deque(script.hears)
        self._writes = deque(script.writes)
        self._counts: Counter[Part] = Counter()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def of(self, part: Part) -> list[Asked]:
        """The requests to one endpoint."""
        return [asked for asked in self.asked if asked.part == part]

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY)
        work = {"transcriptions": self._transcribe, "chat": self._chat, "speech": self._speak}
        for part, path in PATHS.items():
            app.router.add_post(path, self._answering(part, work[part]))
        return app

    # ── around every request ──────────────────────────────────────────────────────────────────────────────

    def _answering(
        self, part: Part, work: Callable[[web.Request, Trouble], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            self._counts[part] += 1
            nth = self._counts[part]
            trouble = next(
                (t for t in self._script.troubles if (t.part, t.nth) == (part, nth)), Trouble(part)
            )
            try:
                self._admit(request)
                if trouble.delay_s:
                    await asyncio.sleep(trouble.delay_s)
                if trouble.refusal:
                    return _refused(trouble.refusal)
                return await work(request, trouble)
            except Refused as refused:
                return self._blamed(request, refused)
            except (ConnectionResetError, asyncio.CancelledError):
                # The server cancels who answers a client that has gone.
                self.dropped += 1
                raise

        return answer

    def _admit(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(key, self._key):
            raise Refused("invalid_api_key", "Incorrect API key provided.", rule="Authorization: Bearer")

    def _known(self, model: str) -> None:
        if self._script.models is not None and model not in self._script.models:
            message = f"The model '{model}' does not exist or you do not have access to it."
            raise Refused("model_not_found", message, rule="model", param="model")

    def _blamed(self, request: web.Request, refused: Refused) -> web.Response:
        event = f"POST {request.path}"
        self.faults.append(Fault(refused.rule, refused.code, refused.param, refused.message, event))
        status = {"invalid_api_key": 401, "model_not_found": 404, "file_too_large": 413}.get(
            refused.code, 400
        )
        return _refused(Refusal(status, refused.code, refused.message), refused.param)

    def _note(self, part: Part, request: web.Request, params: Event, file: bytes = b"") -> Asked:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(part, params, headers, file)
        self.asked.append(asked)
        return asked

    async def _stream(
        self,
        request: web.Request,
        trouble: Trouble,
        kind: str,
        pieces_: Iterator[bytes],
    ) -> web.StreamResponse:
        """Sends piece by piece, as far as the trouble lets it."""
        response = web.StreamResponse(headers={"Content-Type": kind})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for count, piece in enumerate(pieces_):
            if trouble.cut_after == count:
                assert request.transport is not None
                request.transport.abort()
                return response
            if trouble.stall_after == count:
                await asyncio.Event().wait()
            if count and self._script.pause_s:
                await asyncio.sleep(self._script.pause_s)
            await response.write(piece)
        await response.write_eof()
        return response

    # ── the three of them ─────────────────────────────────────────────────────────────────────────────────

    async def _transcribe(self, request: web.Request, trouble: Trouble) -> web.StreamResponse:
        fields, name, content = await _form(request)
        params = check_form(fields)
        self._known(params["model"])
        seconds = check_file(name, content)
        self._note("transcriptions", request, params, content)
        text = self._hears.popleft() if self._hears else self._script.spare_heard
        if params["stream"]:
            events = heard_events(params, text, seconds)
            return await self._stream(request, trouble, "text/event-stream", _sse(events))
        if params.get("response_format") == "text":
            return web.Response(text=f"{text}\n")
        return web.json_response(transcription(params, text, seconds))

    async def _chat(self, request: web.Request, trouble: Trouble) -> web.StreamResponse:
        body = await _json(request)
        check_chat(body)
        self._known(body["model"])
        written = self._written(self._note("chat", request, body))
        if not body.get("stream"):
            return web.json_response(completion(body, written))
        events = _sse(chunks(body, written), b"data: [DONE]\n\n")
        return await self._stream(request, trouble, "text/event-stream; charset=utf-8", events)

    def _written(self, asked: Asked) -> Written:
        chosen = self._script.answer(asked) if self._script.answer else None
        if chosen is None:
            chosen = self._writes.popleft() if self._writes else self._script.spare_written
        return chosen

    async def _speak(self, request: web.Request, trouble: Trouble) -> web.StreamResponse:
        body = await _json(request)
        check_speech(body)
        self._known(body["model"])
        self._note("speech", request, body)
        audio = self._script.voice(body["input"])
        if body.get("stream_format") == "sse":
            events = speech_events(audio, self._script.piece_ms, body["input"])
            return await self._stream(request, trouble, "text/event-stream", _sse(events))
        if body.get("response_format") == "wav":
            return await self._stream(request, trouble, "audio/wav", iter([wav(audio)]))
        return await self._stream(request, trouble, "audio/pcm", pieces(audio, self._script.piece_ms))


async def _json(request: web.Request) -> Event:
    if request.content_type != "application/json":
        raise Refused("invalid_content_type", "Send application/json.", rule="Content-Type")
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise Refused(
            "invalid_json", "We could not parse the JSON body of your request.", rule="body"
        ) from None
    if not isinstance(body, dict):
        raise Refused("invalid_type", "The body is not an object.", rule="body")
    return body


async def _form(request: web.Request) -> tuple[list[tuple[str, str]], str | None, bytes]:
    """Text fields, the file's name, the file."""
    if request.content_type != "multipart/form-data":
        raise Refused("invalid_content_type", "Send multipart/form-data.", rule="Content-Type")
    fields: list[tuple[str, str]] = []
    name, content = None, None
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise Refused("invalid_value", "A part of the form has no name.", rule="multipart/form-data")
        if part.name == "file":
            name, content = part.filename, bytes(await part.read())
        else:
            fields.append((part.name, await part.text()))
    if content is None:
        raise Refused(
            "missing_required_parameter", "Missing required parameter: 'file'.", rule="form", param="file"
        )
    return fields, name, content


def _sse(events: Iterator[Event], end: bytes = b"") -> Iterator[bytes]:
    for event in events:
        yield f"data: {json.dumps(event)}\n\n".encode()
    if end:
        yield end


def _refused(refusal: Refusal, param: str | None = None) -> web.Response:
    error = {"message": refusal.message, "type": refusal.kind, "param": param, "code": refusal.code}
    return web.json_response({"error": error}, status=refusal.status, headers=dict(refusal.headers))


class OpenAiRestPeer:
    """`async with OpenAiRestPeer.open(script) as peer:`"""

    @staticmethod
    @asynccontextmanager
    async def open(script: RestScript | None = None, *, key: str = KEY) -> AsyncIterator[RestPeer]:
        peer = RestPeer(script or RestScript(), key)
        runner = web.AppRunner(peer.app(), shutdown_timeout=0.1, access_log=None, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            peer.port = runner.addresses[0][1]
            yield peer
        finally:
            await runner.cleanup()
