"""Recordings in object storage: the requests of S3's API, signed, to a server that keeps objects in memory."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from aiohttp import web

from gateway.errors import StoreError
from gateway.recordings.vault import Vault

pytestmark = pytest.mark.integration

SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=key-id/\d{8}/eu-central-1/s3/aws4_request, SignedHeaders=\S+, ?Signature=\w{64}"
)
NAMES = "http://s3.amazonaws.com/doc/2006-03-01/"
WHEN = "Mon, 30 Nov 2026 00:00:00 GMT"


class Bucket:
    """What stands in "Amazon S3 API Reference" of PutObject, GetObject with a range, and DeleteObjects."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refusing = False

    async def answer(self, request: web.Request) -> web.Response:
        if self.refusing or not SIGNED.fullmatch(request.headers.get("Authorization", "")):
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        key = request.path.removeprefix("/bucket/")
        if request.method == "PUT":
            self.objects[key] = await request.read()
            return web.Response(headers={"ETag": '"1"'})
        if request.method == "GET" and key in self.objects:
            span = request.http_range
            sound = self.objects[key]
            first, last, _ = span.indices(len(sound))
            headers = {
                "ETag": '"1"',
                "Last-Modified": WHEN,
                "Content-Range": f"bytes {first}-{last - 1}/{len(sound)}",
            }
            return web.Response(status=206, body=sound[first:last], headers=headers)
        if request.method == "POST" and "delete" in request.query:
            asked = ElementTree.fromstring(await request.text()).iter()
            gone = [element.text or "" for element in asked if element.tag.endswith("Key")]
            for key in gone:
                self.objects.pop(key, None)
            told = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in gone)
            return web.Response(text=f'<DeleteResult xmlns="{NAMES}">{told}</DeleteResult>')
        return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")


@asynccontextmanager
async def bucket() -> AsyncIterator[tuple[Bucket, str]]:
    made, app = Bucket(), web.Application(client_max_size=2**30)
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield made, f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def test_a_recording_in_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with bucket() as (made, url):
        for name, value in (
            ("AWS_ACCESS_KEY_ID", "key-id"), ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-central-1"), ("AWS_ENDPOINT_URL", url),
        ):  # fmt: skip
            monkeypatch.setenv(name, value)
        vault = await asyncio.to_thread(Vault.open, "s3://bucket/calls", tmp_path / "unused")
        path = tmp_path / "rtc_1.wav"
        await asyncio.to_thread(path.write_bytes, b"0123456789" * 100)
        await asyncio.to_thread(vault.put, "acme/2027-01-15/rtc_1.wav", path)
        assert made.objects == {"calls/acme/2027-01-15/rtc_1.wav": b"0123456789" * 100}
        assert await asyncio.to_thread(vault.read, "acme/2027-01-15/rtc_1.wav", 8, 4) == b"8901"
        await asyncio.to_thread(vault.delete, "acme/2027-01-15/rtc_1.wav")
        await asyncio.to_thread(vault.delete, "acme/2027-01-15/rtc_1.wav")
        assert made.objects == {}
        with pytest.raises(FileNotFoundError):
            await asyncio.to_thread(vault.read, "acme/2027-01-15/rtc_1.wav", 8, 4)
        made.refusing = True
        with pytest.raises(StoreError) as told:
            await asyncio.to_thread(vault.put, "acme/2027-01-15/rtc_1.wav", path)
        assert "bucket" not in str(told.value)
    assert not await asyncio.to_thread((tmp_path / "unused").exists)
