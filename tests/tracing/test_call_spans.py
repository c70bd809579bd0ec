"""What becomes a span, when it ends, and what it says; and where the settings send it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.call.effects import Note
from gateway.call.spans import MOST_OPEN, CallSpans
from gateway.config import from_env
from gateway.errors import HUNG_UP, MODEL_LOST, ConfigError
from gateway.ports import TurnTiming
from gateway.tracing.spans import Span, Value

pytestmark = pytest.mark.unit


@dataclass
class Kept:
    name: str
    at: float
    told: dict[str, Value]
    parent: Span | str
    client: bool
    ended: float | None = None
    error: str | None = None

    def set(self, name: str, value: Value) -> None:
        assert self.ended is None
        self.told[name] = value

    def end(self, at: float, error: str | None = None) -> None:
        assert self.ended is None, "a span ends once"
        self.ended, self.error = at, error


@dataclass
class Keeping:
    spans: list[Kept] = field(default_factory=list)

    def begin(
        self, name: str, at: float, attributes: Mapping[str, Value], *, parent: Span | str = "", client: bool = False
    ) -> Kept:  # fmt: skip
        self.spans.append(Kept(name, at, dict(attributes), parent, client))
        return self.spans[-1]


def call(parent: str = "") -> tuple[Keeping, CallSpans]:
    """One that began at 10 of the loop's clock, which is 1000 of everybody's."""
    tracer = Keeping()
    spans = CallSpans(
        tracer, "tester", {"parley.call.id": "rtc_1"}, "twilio", "gpt-x", 10.0, 1000.0, parent
    )
    spans.began()
    spans.answering("azure", "gpt-x-2")
    return tracer, spans


def created(response_id: str) -> dict[str, Any]:
    return {"type": "response.created", "response": {"id": response_id, "status": "in_progress"}}


def done(response_id: str, **fields: Any) -> dict[str, Any]:
    usage = {"input_tokens": 30, "output_tokens": 12}
    response = {"id": response_id, "status": "completed", "output": [], "usage": usage, **fields}
    return {"type": "response.done", "response": response}


def test_a_response_tells_what_is_known_after_it_and_keeps_its_own_end() -> None:
    tracer, spans = call("00-1-2-01")
    spans.sent({"type": "response.create"}, 11.0)
    spans.model(created("r1"), 11.1)
    spans.audio("r1", 11.4)
    spans.audio("r1", 11.6)
    spans.model(done("r1"), 12.0)
    spans.timed(TurnTiming(1, 900, 480, 400, None))
    spans.note(Note("interruptions"))
    root, chat = tracer.spans
    assert [span.ended for span in tracer.spans] == [None, None], "more may be told of it"
    spans.sent({"type": "response.create"}, 14.0)
    spans.model(created("r2"), 14.1)
    assert (chat.at, chat.ended, chat.parent, chat.client) == (1001.0, 1002.0, root, True)
    assert chat.name == "chat gpt-x-2"
    told = chat.told
    assert told["gen_ai.response.time_to_first_chunk"] == pytest.approx(0.4)
    assert told["gen_ai.provider.name"] == "azure.ai.openai"
    assert (told["parley.turn"], told["parley.reply_ms"], told["parley.model_ms"]) == (1, 900, 400)
    assert "parley.playout_ms" not in told
    assert told["parley.interrupted"] is True
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (30, 12)
    spans.ended(HUNG_UP, 15.0)
    assert tracer.spans[2].ended == 1005.0, "what was not finished ends with the call"
    assert tracer.spans[2].told["parley.interrupted"] is False
    assert (root.parent, root.at, root.ended, root.error) == ("00-1-2-01", 1000.0, 1005.0, None)
    assert root.told["parley.interruptions"] == 1
    assert all(span.told["parley.call.id"] == "rtc_1" for span in tracer.spans)


def test_nobody_asks_where_the_provider_takes_the_turns() -> None:
    tracer, spans = call()
    spans.model({"type": "input_audio_buffer.committed", "item_id": "u"}, 11.0)
    spans.model(created("r1"), 11.2)
    spans.model(created("r2"), 13.0)
    assert [span.at for span in tracer.spans[1:]] == [1001.0, 1003.0]


@pytest.mark.parametrize(
    ("fields", "reason", "error"),
    [
        ({}, "stop", None),
        ({"output": [{"type": "function_call", "arguments": "{}"}]}, "tool_calls", None),
        ({"status": "incomplete", "status_details": {"reason": "max_output_tokens"}}, "length", None),
        ({"status": "incomplete", "status_details": {"reason": "content_filter"}}, "content_filter", None),
        ({"status": "cancelled", "status_details": None}, "cancelled", None),
        ({"status": "failed", "status_details": {"error": {"code": "server_error"}}}, "error", "server_error"),
        ({"status": "failed", "status_details": {"error": {"code": "You said: hi"}}}, "error", "failed"),
        ({"status": "failed"}, "error", "failed"),
    ],
)  # fmt: skip
def test_why_a_response_ended(fields: dict[str, Any], reason: str, error: str | None) -> None:
    tracer, spans = call()
    spans.model(created("r1"), 11.0)
    spans.model(done("r1", **fields), 12.0)
    spans.model(done("r1"), 13.0)
    spans.ended(MODEL_LOST, 14.0)
    root, chat = tracer.spans
    assert chat.told["gen_ai.response.finish_reasons"] == (reason,)
    assert (chat.ended, chat.error) == (1002.0, error)
    assert root.error == "model/lost"


def test_responses_without_an_end_are_bounded_and_nothing_follows_the_end() -> None:
    tracer, spans = call()
    for number in range(3 * MOST_OPEN):
        spans.model(created(f"r{number}"), 11.0 + number)
        assert sum(span.ended is None for span in tracer.spans[1:]) <= MOST_OPEN
    spans.tool("lookup", "call_1", 12.0, 13.0, "timed-out")
    spans.ended(HUNG_UP, 99.0)
    assert all(span.ended is not None for span in tracer.spans)
    before = len(tracer.spans)
    spans.tool("lookup", "call_2", 12.0, 13.0, "ok")
    spans.model(created("late"), 99.5)
    spans.model(done("late"), 99.5)
    spans.ended(HUNG_UP, 99.6)
    assert len(tracer.spans) == before
    tool = next(span for span in tracer.spans if span.name == "execute_tool lookup")
    assert (tool.at, tool.ended, tool.error) == (1002.0, 1003.0, "timed-out")


def test_where_traces_go() -> None:
    base = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}
    whole = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c.example/traces?key=1"}
    assert from_env({}).traces_url is None
    assert from_env(base).traces_url == "http://collector:4318/v1/traces"
    assert from_env(base | whole).traces_url == "https://c.example/traces?key=1"
    assert from_env(base | {"OTEL_SDK_DISABLED": "TRUE"}).traces_url is None
    assert from_env(base | {"OTEL_SDK_DISABLED": "perhaps"}).traces_url is not None
    for wrong in "collector:4317", "http://":
        with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL"):
            from_env({"OTEL_EXPORTER_OTLP_ENDPOINT": wrong})
