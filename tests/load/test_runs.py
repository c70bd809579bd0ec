"""Whole runs: at servers that are not Parley, at a real Parley, and at those that will not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.config import from_env
from gateway.load.plan import Plan
from gateway.load.run import Run, perform
from scripts.bench.mock import application
from scripts.bench.run import free_port, process

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]


async def load(plan: Plan, stop: asyncio.Event | None = None) -> dict[str, Any]:
    def watch(run: Run) -> None:
        replies = [turn for call in run.calls for turn in call.talk.turns if turn.reply_at]
        if stop is not None and len(replies) >= plan.calls:
            stop.set()

    return await perform(plan, from_env({}), stop or asyncio.Event(), watch)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """The bare gateways of the bench, with its model behind them: a port for each."""
    folder = tmp_path_factory.mktemp("foreign")
    ports = {name: free_port() for name in ("mock", "baseline", "through")}
    upstream = f"ws://127.0.0.1:{ports['mock']}/v1/realtime"
    environment = {**os.environ, "UPSTREAM": upstream, "PORT": str(ports["through"])}

    def started(name: str, *more: str) -> Any:
        command = (sys.executable, "-m", f"scripts.bench.{name}", *more)
        return process(command, environment, folder / f"{name}.log", ports[name])

    with (
        started("mock", "--port", str(ports["mock"])),
        started("baseline", "--port", str(ports["baseline"])),
        started("through"),
    ):
        yield ports


@pytest.mark.parametrize("kind", ["webrtc", "phone", "ws"])
async def test_a_server_that_is_not_parley_is_measured(foreign: dict[str, int], kind: str) -> None:
    url = {
        "webrtc": f"http://127.0.0.1:{foreign['baseline']}/v1/realtime/calls",
        "phone": f"ws://127.0.0.1:{foreign['through']}/media-stream",
        "ws": f"ws://127.0.0.1:{foreign['mock']}/v1/realtime",
    }[kind]
    stop = asyncio.Event()
    plan = Plan(url, (kind,), calls=2, duration_s=25, ramp_s=0.1, lead_s=0.3, barge_in_every=0)
    report = await load(plan, stop)
    figures = report["figures"]["all"]
    assert (figures["connected"], figures["failed"], figures["rules_broken"]) == (2, 0, {}), figures[
        "reasons"
    ]
    assert figures["first_audio_ms"]["n"] >= 2
    waits = [turn["first_audio_ms"] for call in report["calls"] for turn in call["turns"]]
    # The model's own silence and thinking are 600 ms; a voice in front of its word would be a mistake of ours.
    assert all(wait is None or wait > 450 for wait in waits)
    json.dumps(report)


@pytest.mark.parametrize("kind", ["webrtc", "phone", "ws"])
async def test_a_certificate_of_ones_own_is_taken_by_insecure_alone(
    foreign: dict[str, int], tmp_path: Path, kind: str
) -> None:
    inner = {
        "webrtc": ("baseline", "/v1/realtime/calls"),
        "phone": ("through", "/media-stream"),
        "ws": ("mock", "/v1/realtime"),
    }
    name, path = inner[kind]
    async with behind_tls(foreign[name], tmp_path) as port:
        plan = Plan(f"https://127.0.0.1:{port}{path}", (kind,), calls=1, ramp_s=0, lead_s=0.3)
        told = {"the server's certificate is not trusted (--insecure takes any)": 1}
        assert (await load(plan))["figures"]["all"]["reasons"] == told
        if kind == "phone":
            webhook = replace(plan, url=f"https://127.0.0.1:{port}")
            assert (await load(webhook))["figures"]["all"]["reasons"] == told
        report = await load(replace(plan, insecure=True), asyncio.Event())
        assert report["figures"]["all"]["failed"] == 0, report["figures"]["all"]["reasons"]


@asynccontextmanager
async def behind_tls(port: int, folder: Path) -> AsyncIterator[int]:
    """A proxy before that port, with a certificate that nobody signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "both.pem").write_bytes(private + certificate.public_bytes(Encoding.PEM))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "both.pem")

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
        writer.close()

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, onward = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pass_on(reader, onward), pass_on(behind, writer))

    async with await asyncio.start_server(taken, "127.0.0.1", 0, ssl=tls) as proxy:
        yield proxy.sockets[0].getsockname()[1]


async def test_a_full_server_is_not_asked_again() -> None:
    asked = []

    async def full(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=503, text="busy")

    async with server(full) as url:
        # The first answer ends the run, however slow the machine is to give it.
        report = await load(Plan(url, calls=12, duration_s=5, ramp_s=60))
    assert report["figures"]["all"]["refused"] == len(asked) < 12
    assert report["not_tried"] == 12 - len(asked)
    assert report["figures"]["all"]["reasons"] == {"503: the server takes no more calls: busy": len(asked)}


async def test_a_server_that_hangs_up_is_told() -> None:
    async def shut(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "session.created"})
        await socket.close(code=1011)
        return socket

    async with server(shut) as url:
        report = await load(Plan(url, ("ws",), calls=1, duration_s=5, ramp_s=0))
    [call] = report["calls"]
    assert call["failed"] == "the server closed the socket (1011) after less than a second"


def server(handler: Any) -> Any:
    @asynccontextmanager
    async def up() -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        async with TestServer(app) as running:
            yield str(running.make_url("/")).rstrip("/")

    return up()


async def command(*arguments: str, interrupt_at: str = "") -> tuple[int, str, str]:
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "load", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    before = b""
    async with asyncio.timeout(60):
        assert running.stderr is not None
        while interrupt_at and interrupt_at not in before.decode():
            before += await running.stderr.readline()
        if interrupt_at:
            running.send_signal(signal.SIGINT)
        out, err = await running.communicate()
    return running.returncode or 0, out.decode(), (before + err).decode()


async def test_ctrl_c_reports_what_there_is_and_thresholds_give_the_exit_code(tmp_path: Path) -> None:
    async with TestServer(application()) as model:
        code, out, err = await command(
            f"ws://127.0.0.1:{model.port}/v1/realtime", "--kind", "ws", "--calls", "1", "--ramp", "0",
            "--json", "-", "--html", str(tmp_path / "r.html"), "--fail-if", "connected<2", interrupt_at="1/1 calls up",
        )  # fmt: skip
    report = json.loads(out)
    assert code == 1, err
    assert report["interrupted"]
    assert report["failed_thresholds"] == ["connected<2: it is 1"]
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")


async def test_nobody_there_is_told_and_wrong_usage_before_anybody_is_called() -> None:
    code, out, _ = await command(
        f"http://127.0.0.1:{free_port()}", "--calls", "1", "--ramp", "0", "--quiet"
    )
    assert code == 1
    assert "nothing listens at" in out
    code, _, err = await command("--kind", "fax")
    assert code == 2
    assert "webrtc, phone, ws" in err
