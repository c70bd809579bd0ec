"""Traces as a collector gets them, of calls of a running Parley; and a collector that answers nothing."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from websockets.asyncio.client import ClientConnection, connect

from api.app import make_runner
from gateway.config import from_env
from gateway.errors import ConfigError
from gateway.main import listening, open_gateway
from gateway.metrics.counts import Counts
from gateway.tracing.otlp import Delivery
from gateway.tracing.spans import open_tracer
from tests.carrier_peers.twilio_hooks import Account
from tests.carrier_peers.twilio_peer import TwilioPeer
from tests.e2e.server import running
from tests.peers.openai_ga import KEY, OpenAiPeer
from tests.peers.script import Asked, Call, Heard, Reply, Script
from tests.telephony.bringing import CALLER
from tests.telephony.record import idle
from tests.tracing.collector import Collector, attributes

pytestmark = pytest.mark.integration

PUBLIC = "https://voice.example.test"
ACCOUNT = Account()
GEN_AI = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
AGENT = "invoke_agent dental_reception"
TOOL = "execute_tool find_slots"
ANSWER = (
    "Of course, a cleaning, we have plenty of times next week and the week after that, and then some more"
)


def replies(asked: Asked) -> Reply:
    if asked.items and asked.items[-1]["type"] == "function_call_output":
        return Reply(ANSWER, speed=4.0)
    if asked.last_text.startswith("book"):
        return Reply(calls=(Call("find_slots", '{"service": "cleaning"}'),))
    return Reply("Hello there", speed=4.0)


async def test_a_phone_call_with_a_tool_and_an_interruption(tmp_path: Path) -> None:
    script = Script(answer=replies, hears=(Heard("book a cleaning"), Heard("stop please")))
    async with Collector.open() as collector, OpenAiPeer.open(script) as peer:
        process = running(
            tmp_path,
            TWILIO_AUTH_TOKEN=ACCOUNT.token,
            PARLEY_PUBLIC_URL=PUBLIC,
            PARLEY_PHONE_PERSONA="dental_reception",
            PARLEY_PROVIDERS="upstream",
            PARLEY_UPSTREAM_URL=peer.url,
            PARLEY_UPSTREAM_API_KEY=KEY,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        )
        server = await asyncio.to_thread(process.__enter__)
        try:
            async with (
                TwilioPeer.open(ACCOUNT, via=server.url) as twilio,
                twilio.ring(f"{PUBLIC}/telephony/twilio/voice") as phone,
            ):
                call = await phone.stream()
                await call.played(400)
                await call.quiet()
                await call.say("dental_01_book")
                await call.played(call.heard.played_ms + 1000, within_s=15)
                await call.say("bargein_stop")
                await call.quiet(1500)
            await idle(server)
        finally:
            # What waits is sent before the process ends.
            await asyncio.to_thread(process.__exit__, None, None, None)
    [root], [tool] = collector.named(AGENT), collector.named(TOOL)
    chats = sorted(
        (span for span in collector.spans if span.name.startswith("chat ")),
        key=lambda span: span.start_time_unix_nano,
    )
    assert len(collector.spans) == 2 + len(chats)
    assert not root.parent_span_id
    for child in (tool, *chats):
        assert (child.trace_id, child.parent_span_id) == (root.trace_id, root.span_id)
        assert root.start_time_unix_nano <= child.start_time_unix_nano <= child.end_time_unix_nano
        assert child.end_time_unix_nano <= root.end_time_unix_nano
    for told in map(attributes, collector.spans):
        assert {key for key in told if key.startswith("gen_ai.")} <= GEN_AI
        assert told["parley.call.id"].startswith("rtc_")
        assert told["gen_ai.conversation.id"]
    about = attributes(root)
    assert (about["parley.leg"], about["gen_ai.provider.name"]) == ("twilio", "upstream")
    assert (about["parley.ending.side"], about["parley.ending.reason"]) == ("caller", "hung-up")
    assert (about["parley.turns"], about["parley.interruptions"]) == (2, 1)
    greeting, asking, answering, *_ = map(attributes, chats)
    assert chats[0].name == f"chat {greeting['gen_ai.response.model']}"
    assert "parley.turn" not in greeting
    assert asking["gen_ai.response.finish_reasons"] == ["tool_calls"]
    assert "gen_ai.output.type" not in asking
    assert answering["gen_ai.output.type"] == "speech"
    assert answering["parley.turn"] == 1
    assert answering["parley.reply_ms"] >= answering["parley.endpointing_ms"] > 0
    assert 0 < answering["gen_ai.response.time_to_first_chunk"] < 10
    assert answering["gen_ai.usage.output_tokens"] > 0
    assert [attributes(chat)["parley.interrupted"] for chat in chats[:3]] == [False, False, True]
    assert attributes(tool)["parley.tool.outcome"] == "ok"
    # It runs as soon as the model has said all of it, which may be before all of the response is over.
    assert chats[1].start_time_unix_nano <= tool.start_time_unix_nano
    assert tool.end_time_unix_nano <= chats[2].start_time_unix_nano + 50_000_000
    assert collector.resources[0]["service.name"] == "parley"
    assert collector.resources[0]["deployment.environment.name"] == "test"
    sent = b"".join(collector.bodies)
    for secret in "cleaning", "stop please", "Hello there", CALLER, CALLER[1:], ACCOUNT.token, KEY:
        assert secret.encode() not in sent


@asynccontextmanager
async def parley(folder: Path, collector: Collector, **more: str) -> AsyncIterator[str]:
    """Where its WebSocket clients call."""
    async with OpenAiPeer.open(Script()) as peer:
        settings = from_env(
            {
                "PARLEY_DATA_DIR": str(folder / "data"), "PARLEY_PORT": "0", "PARLEY_API_KEYS": "sk-test",
                "PARLEY_PROVIDERS": "upstream", "PARLEY_UPSTREAM_URL": peer.url, "PARLEY_UPSTREAM_API_KEY": KEY,
                "PARLEY_DRAIN_S": "5", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **more,
            }
        )  # fmt: skip
        async with open_gateway(settings) as gateway, listening(make_runner(gateway.app), settings) as url:
            yield f"{url.replace('http', 'ws', 1)}/v1/realtime?model=any"


async def answered(url: str, **headers: str) -> None:
    """A call with one reply."""
    async with connect(url, additional_headers={"Authorization": "Bearer sk-test", **headers}) as socket:
        await socket.send(json.dumps({"type": "response.create"}))
        await until(socket, "response.done")


async def until(socket: ClientConnection, kind: str) -> None:
    async with asyncio.timeout(10):
        while json.loads(await socket.recv())["type"] != kind:
            pass


async def test_a_call_belongs_to_the_trace_of_its_request(tmp_path: Path) -> None:
    trace_id, span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    async with Collector.open() as collector:
        async with parley(tmp_path, collector) as url:
            await answered(url, traceparent=f"00-{trace_id}-{span_id}-01")
            await answered(url, traceparent="00-nonsense-01")
            await answered(url)
            await answered(url, traceparent=f"00-{trace_id}-{span_id}-00")
        roots = [span for span in collector.spans if span.name.startswith("invoke_agent ")]
        assert len(roots) == 3, "the last was not to be sampled"
        [one] = [span for span in roots if span.trace_id.hex() == trace_id]
        assert one.parent_span_id.hex() == span_id
        assert all(not span.parent_span_id for span in roots if span is not one)
        assert len({span.trace_id for span in roots}) == 3
        assert len([span for span in collector.spans if span.name.startswith("chat ")]) == 3


async def test_a_collector_that_hangs_costs_spans_and_no_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the SDK reads for itself.
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")
    before = Counts().snapshot().value("parley_dropped", "spans")
    async with Collector.open(hangs=True) as collector:
        async with parley(tmp_path, collector, OTEL_BSP_MAX_QUEUE_SIZE="2") as url:
            for _ in range(4):
                await answered(url)
        assert collector.waiting == 1, "Parley has ended, and it still hangs"
        assert collector.spans == []
        # Of the eight spans one is on its way and two may wait.
        assert Counts().snapshot().value("parley_dropped", "spans") >= before + 5
        collector.release()


async def test_what_the_sdk_does_not_like_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
    with pytest.raises(ConfigError, match="max_export_batch_size"):
        async with open_tracer("http://127.0.0.1:9/v1/traces", 5):
            pass


class Moody(SpanExporter):
    fails = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.FAILURE if self.fails else SpanExportResult.SUCCESS


def test_what_is_not_delivered_is_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    before = Counts().snapshot().value("parley_dropped", "spans")
    onward, span = Moody(), ReadableSpan("chat x")
    delivery = Delivery(onward, 2)
    for onward.fails in False, True, True, False:
        assert [delivery.room() for _ in range(3)] == [True, True, False]
        delivery.export([span, span])
    assert Counts().snapshot().value("parley_dropped", "spans") == before + 4
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "the collector does not take our traces",
        "the collector takes our traces again",
    ]
