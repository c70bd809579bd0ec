"""HTTP tools from their files, against a real web service."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests.dialogue.talk import NOW, MemoryRecords
from tests.tools.controls import FakeControl
from tests.tools.service import Service
from tests.tools.through import through_door
from tools.contract import Tool, ToolContext, ToolError
from tools.http.model import HttpTool, check
from tools.http.template import filled_path
from tools.http.tool import http_tool
from tools.outbound.addresses import Allowed
from tools.outbound.guard import Guard
from tools.outbound.sender import Sender
from tools.runtime.request import Execution
from tools.secrets import Secrets
from tools.yaml_file import FileFault, read_yaml

pytestmark = pytest.mark.unit

ORDERS = """
name: find_order
description: Look an order up by its number. Use it before you say anything about an order.
parameters:
  number: {type: string, pattern: "^[0-9]{6}$", description: "Order number, six digits."}
  lines: {type: boolean, description: With its lines., optional: true}
  tags: {type: array, items: {type: string}, description: Only with these., optional: true}
request:
  url: HOST/orders/{number}
  query: {expand: "{lines}", tag: "{tags}", v: 2}
  headers: {X-Session: "{context.session_id}"}
  auth: {bearer: {secret: SHOP_TOKEN}}
reply:
  take: {status: order.status, items: "order.lines[].name"}
  explain: error.message
  errors: {"404": "There is no order {number}. Ask for the number again."}
"""
REFUND = """
name: refund_order
description: Give the money of an order back. Only after the caller agreed to the amount.
parameters:
  number: {type: string, description: Order number.}
  amount: {type: number, minimum: 0, description: In dollars.}
  note: {type: string, description: Why., optional: true}
  urgent: {type: boolean, description: Whether it hurries., default: false, optional: true}
request:
  method: POST
  url: HOST/orders/{number}/refunds
  auth: {basic: {user: parley, password: {secret: SHOP_TOKEN}}}
  body:
    amount: "{amount}"
    text: "Refund of {amount} for {number}"
    note: "{note}"
    urgent: "{urgent}"
    fixed: [1, true, null]
"""
TOKEN = "tok-58211-zebra"


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service.running() as running:
        yield running


@pytest.fixture
async def sender(service: Service) -> AsyncIterator[Sender]:
    async with Sender(Guard(Allowed.read((f"127.0.0.1:{service.port}", "127.0.0.1")))) as opened:
        yield opened


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "SHOP_TOKEN").write_text(f"{TOKEN}\n")
    return Secrets(tmp_path / "secrets")


def written(folder: Path, text: str, host: str = "https://shop.example.com") -> HttpTool:
    file = folder / "tool.yaml"
    file.write_text(text.replace("HOST", host))
    return read_yaml(file, HttpTool, check)


async def made(folder: Path, text: str, service: Service, sender: Sender, secrets: Secrets) -> Tool:
    return http_tool(await asyncio.to_thread(written, folder, text, service.url), sender, secrets)


def context() -> ToolContext:
    return ToolContext("call_1", "sess_1", "acme", "p", "sess_1:tc_1", NOW, MemoryRecords(), FakeControl())


async def run(tool: Tool, **arguments: Any) -> Execution:
    return await through_door(tool, json.dumps(arguments), context())


def told(outcome: Execution) -> Any:
    return json.loads(outcome.output)


async def test_a_read_asks_as_its_file_says_and_takes_what_it_says(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path
) -> None:
    tool = await made(tmp_path, ORDERS, service, sender, secrets)
    assert (tool.effect, tool.tries) == ("read", 3)
    lines = [{"name": "mug", "cost": 3}, {"name": "cap", "cost": 9}]
    service.answers = [web.json_response({"order": {"status": "sent", "lines": lines, "margin": 0.4}})]
    outcome = await run(tool, number="550172", lines=True, tags=["a b", "c&d"])
    assert told(outcome) == {"status": "sent", "items": ["mug", "cap"]}
    assert service.last.method == "GET"
    assert service.last.target == "/orders/550172?expand=true&tag=a+b&tag=c%26d&v=2"
    assert service.last.headers["Authorization"] == f"Bearer {TOKEN}"
    assert service.last.headers["X-Session"] == "sess_1"
    assert "Idempotency-Key" not in service.last.headers
    await run(tool, number="550172")
    assert service.last.target == "/orders/550172?v=2"


async def test_a_write_sends_typed_json_with_its_key(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path
) -> None:
    tool = await made(tmp_path, REFUND, service, sender, secrets)
    assert (tool.effect, tool.tries) == ("write", 1)
    service.answers = [web.json_response({"refund": "R1"}, status=201)]
    quote = 'O"Brien}{\n'
    outcome = await run(tool, number=quote.strip(), amount=12.5)
    assert told(outcome) == {"refund": "R1"}
    assert service.last.json() == {
        "amount": 12.5, "text": 'Refund of 12.5 for O"Brien}{', "urgent": False, "fixed": [1, True, None],
    }  # fmt: skip
    assert service.last.target == "/orders/O%22Brien%7D%7B/refunds"
    assert service.last.headers["Idempotency-Key"] == "sess_1:tc_1"
    assert service.last.headers["Authorization"].startswith("Basic ")


async def test_a_form_is_sent_and_an_empty_answer_is_done(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path
) -> None:
    text = REFUND.partition("  body:")[0] + '  form: {amount: "{amount}", note: "{note}", to: "{number}"}\n'
    tool = await made(tmp_path, text, service, sender, secrets)
    service.answers = [web.Response(status=204)]
    assert told(await run(tool, number="1", amount=3, note="a=b&c")) == {"done": True}
    assert service.last.body == b"amount=3&note=a%3Db%26c&to=1"
    assert service.last.headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (web.json_response({}, status=404), "There is no order 550172"),
        (web.json_response({"error": {"message": "Too old to show."}}, status=422), "Too old to show"),
        (web.json_response({"error": {"message": "x" * 5000}}, status=422), "x" * 300),
        (web.json_response({}, status=401), "does not let us in"),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1/"}), "has moved"),
        (web.Response(text="<html>"), "cannot be read"),
        (web.Response(text="[" * 100_000), "cannot be read"),
        (web.Response(text="9" * 2_000_000), "narrower"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model_once(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path, answer: web.Response, words: str
) -> None:
    tool = await made(tmp_path, ORDERS, service, sender, secrets)
    service.answers = [answer]
    outcome = await run(tool, number="550172")
    assert words in told(outcome)["error"]
    assert len(told(outcome)["error"]) < 500
    assert outcome.reason == "refused"
    assert len(service.asked) == 1


async def test_a_read_is_tried_again_when_the_service_is_busy_or_breaks_off(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path
) -> None:
    tool = await made(tmp_path, ORDERS, service, sender, secrets)
    service.answers = [web.Response(status=503), web.Response(status=500), web.json_response({"order": {}})]
    outcome = await run(tool, number="550172")
    assert (outcome.reason, outcome.attempts) == ("ok", 3)
    service.answers = [web.Response(status=429)]
    assert (await run(tool, number="550172")).reason == "unavailable"


async def test_a_write_that_may_have_happened_is_not_tried_again(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path
) -> None:
    tool = await made(tmp_path, REFUND, service, sender, secrets)
    for answer in ("break", web.Response(status=500), web.Response(status=504)):
        service.asked.clear()
        service.answers = [answer]
        assert (await run(tool, number="1", amount=1)).reason == "failed"
        assert len(service.asked) == 1
    service.answers = [web.Response(status=503)]
    assert (await run(tool, number="1", amount=1)).reason == "unavailable"


async def test_a_write_to_a_service_that_knows_keys_is_tried_again_with_the_same(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path
) -> None:
    tool = await made(tmp_path, f"{REFUND}\nidempotent: true\n", service, sender, secrets)
    service.answers = [web.Response(status=503), web.json_response({})]
    assert (await run(tool, number="1", amount=1)).attempts == 2
    assert {asked.headers["Idempotency-Key"] for asked in service.asked} == {"sess_1:tc_1"}


async def test_a_service_that_hangs_is_let_go(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path
) -> None:
    tool = await made(tmp_path, f"{REFUND}\ntimeout_s: 0.3\n", service, sender, secrets)
    service.answers = ["hang"]
    assert (await run(tool, number="1", amount=1)).reason in ("timed-out", "failed")
    await service.cut.wait()


@pytest.mark.parametrize("number", ["..", ".", "", "a/b", "a\\b", "a\nb"])
async def test_a_value_cannot_leave_its_place_in_the_path(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path, number: str
) -> None:
    tool = await made(tmp_path, REFUND, service, sender, secrets)
    service.answers = [web.json_response({})]
    outcome = await run(tool, number=number, amount=1)
    assert told(outcome)["error"].startswith("number: ")
    assert service.asked == []


@given(st.text(max_size=20))
def test_a_filled_path_has_the_segments_of_its_template(value: str) -> None:
    try:
        path = filled_path("a/{x}/b", {"x": value})
    except ToolError:
        return
    assert path.count("/") == 2
    assert path.split("/")[1] not in (".", "..", "")
    assert path.isascii()
    assert not set(path) & set("?#&\\ \r\n")


async def test_a_header_stays_one_line(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path
) -> None:
    text = REFUND.replace("  auth:", '  headers: {X-Note: "{note}"}\n  auth:')
    tool = await made(tmp_path, text, service, sender, secrets)
    service.answers = [web.json_response({})]
    assert "one line" in told(await run(tool, number="1", amount=1, note="a\r\nX-Admin: 1"))["error"]
    assert service.asked == []


async def test_the_secret_is_shown_to_nobody(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    text = re.sub("  take: .*", "  take: '@'", ORDERS)
    tool = await made(tmp_path, text, service, sender, secrets)
    service.answers = [web.json_response({"echo": f"Bearer {TOKEN}", TOKEN: [TOKEN]})]
    outcome = await run(tool, number="550172")
    assert told(outcome) == {"echo": "Bearer [secret]", "[secret]": ["[secret]"]}
    service.answers = [web.json_response({"error": {"message": f"bad key {TOKEN}"}}, status=400)]
    outcome = await run(tool, number="550172")
    assert "bad key [secret]" in outcome.output
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(tool)
    assert TOKEN not in json.dumps(tool.definition())
    assert "550172" not in caplog.text


@pytest.mark.parametrize(
    "auth",
    [
        "basic: {user: desk, password: {secret: ODD}}",
        "query: {name: key, secret: ODD}",
        "bearer: {secret: ODD}",
    ],
)
@pytest.mark.parametrize("form", ["json", "text"])
async def test_a_secret_is_hidden_however_it_was_written(
    service: Service, sender: Sender, tmp_path: Path, auth: str, form: str
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "ODD").write_text('p/ss "word+1')
    text = re.sub("auth: .*", f"auth: {{{auth}}}", re.sub("  take: .*", f"  format: {form}", ORDERS))
    tool = await made(tmp_path, text, service, sender, Secrets(folder))
    service.answers = ["echo"]
    said = (await run(tool, number="550172")).output
    assert "[secret]" in said
    for trace in ("word", "ZGVzazp"):
        assert trace not in said


async def test_a_missing_secret_and_a_place_out_of_bounds_are_the_operators_to_mend(
    service: Service, secrets: Secrets, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service.answers = [web.json_response({})]
    async with Sender(Guard()) as guarded:
        outcome = await run(await made(tmp_path, ORDERS, service, guarded, secrets), number="550172")
        assert "not set up" in told(outcome)["error"]
        assert "PARLEY_OUTBOUND_ALLOW" in caplog.text
        text = ORDERS.replace("SHOP_TOKEN", "NO_TOKEN")
        outcome = await run(await made(tmp_path, text, service, guarded, secrets), number="550172")
        assert "not set up" in told(outcome)["error"]
        assert "NO_TOKEN" in caplog.text
    assert service.asked == []


async def test_an_exchanged_secret_counts_from_the_next_request(
    service: Service, sender: Sender, secrets: Secrets, tmp_path: Path
) -> None:
    tool = await made(tmp_path, ORDERS, service, sender, secrets)
    service.answers = [web.json_response({})]
    (tmp_path / "secrets" / "SHOP_TOKEN").write_text("second")
    await run(tool, number="550172")
    assert service.last.headers["Authorization"] == "Bearer second"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("{number}\n", "{nummer}\n", "tool.yaml:9: request.url: {nummer} is none of the `parameters`"),
        ("HOST/orders", "https://{number}.example.com", "tool.yaml:9: request.url: scheme and host"),
        ("HOST/orders", "ftp://x/orders", "tool.yaml:9: request.url: write https://host/path"),
        ("HOST/orders", "https://u:p@x.example.com", "holds a user or password"),
        ("/{number}\n", "/{number}?a=b\n", "put what follows the ? under `query`"),
        ("context.session_id", "context.secrets", "request.headers.X-Session: {context.secrets} is not there"),
        ("X-Session:", "Host:", "Host belongs to the connection"),
        ("X-Session:", "Authorization:", "belongs under `auth`"),
        ("{bearer: {secret: SHOP_TOKEN}}", "{bearer: tok-123}", "tool.yaml:12: request.auth.bearer"),
        ("{bearer: {secret: SHOP_TOKEN}}", "{}", "name exactly one of bearer, basic"),
        ("order.status", "'order['", "tool.yaml:14: reply.take: 'order[' is no JMESPath"),
        ("reply:", "replay:", "tool.yaml:13: replay: is no field here; did you mean reply?"),
        ("type: string, pattern", "type: strin, pattern", "tool.yaml:4: parameters"),
        ('description: "Order number, six digits."', "title: x", "tool.yaml:5: parameters.number: needs a"),
        ("name: find_order", "name: find order", "tool.yaml:2: name:"),
        ("optional: true}\n  tags", "optional: true}\n  lines", "the key 'lines' is there twice"),
        ("find_order", "find_order\nretries: 2\neffect: write", "tried again only where"),
        ("{type: boolean,", "{type: boolean, $ref: 'http://169.254.169.254/',", "points out of the schema"),
        ("  url:", "  body: {a: 1}\n  url:", "a GET sends no body"),
    ],
)  # fmt: skip
def test_a_fault_of_a_file_is_told_with_line_and_fix(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    assert old in ORDERS
    with pytest.raises(FileFault) as raised:
        written(tmp_path, ORDERS.replace(old, new, 1))
    assert fault in str(raised.value)
    assert "tok-123" not in str(raised.value)


def test_what_is_no_yaml_or_holds_aliases_is_told(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nname: *b\n"
    for text, fault in (
        ("a: [", "tool.yaml:"),
        ("- 1", "must be a mapping"),
        (bomb, "aliases"),
        ("\x00", "tool.yaml:1"),
        ("a: " + "[" * 2000 + "]" * 2000, "nested too deeply"),
    ):
        with pytest.raises(FileFault, match=fault):
            written(tmp_path, text)
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "endless.yaml").symlink_to("/dev/zero")
    for name in ("pipe.yaml", "endless.yaml"):
        with pytest.raises(FileFault, match="is no file"):
            read_yaml(tmp_path / name, HttpTool)
    with pytest.raises(FileFault, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml", HttpTool)
