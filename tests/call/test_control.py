"""Two live calls and an exchange between them, on virtual time: what tools ask, and what callers hear."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import numpy as np
import pytest

from gateway.call.control import NO_TELEPHONE, UNREACHED
from gateway.call.interlude import MOST_KEYS
from gateway.call.plan import CallDeps, CallPlan
from gateway.call.run import Call
from gateway.consultation import Consultation
from gateway.errors import HUNG_UP, TRANSFERRED, Ending, ExchangeRefused
from gateway.ports import Event
from media.dtmf import tones
from media.level import dbfs
from personas.persona import Limits, Persona
from personas.transfers import Target
from tests.call.harness import persona
from tests.fakes import FakeLeg, FakeModel, FakeStore
from tools.contract import Records
from tools.library import load

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

TOOLS = load()
COLD = {"front desk": Target(to="+15550100020")}
WARM = {"front desk": Target(to="+15550100020", mode="warm")}


class ToolCaller(FakeModel):
    """Calls one tool in its second reply; keeps what tools gave back."""

    def __init__(self, tool: str = "", arguments: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.tool = tool
        self.arguments = json.dumps(arguments or {})
        self.outputs: list[dict[str, Any]] = []

    def answer(self, event: Event) -> list[Event]:
        item = event.get("item") or {}
        if item.get("type") == "function_call_output":
            self.outputs.append(json.loads(item["output"]))
        events = super().answer(event)
        if self.replies == 2 and events and self.tool:
            call = {"id": "fc_1", "type": "function_call", "name": self.tool, "call_id": "call_1"}
            done = {
                "type": "response.output_item.done", "event_id": "e", "response_id": "resp_2", "output_index": 1,
                "item": {**call, "status": "completed", "arguments": self.arguments},
            }  # fmt: skip
            events.insert(-1, done)
        return events


class FakeExchange:
    """A carrier: keeps what it was asked, and answers as told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refusal = ""
        self.consultations: asyncio.Queue[Consultation] = asyncio.Queue()
        self.presses = False

    async def transfer(self, to: str) -> None:
        self.asked.append(f"transfer {to}")
        await asyncio.sleep(0.3)
        if self.refusal:
            raise ExchangeRefused(self.refusal)

    async def consult(self, to: str, consultation: Consultation) -> None:
        self.asked.append(f"consult {to}")
        await asyncio.sleep(0.3)
        if self.refusal:
            raise ExchangeRefused(self.refusal)
        self.consultations.put_nowait(consultation)

    async def recall(self, consultation: Consultation) -> None:
        self.asked.append("recall")

    async def press(self, digits: str) -> bool:
        self.asked.append(f"press {digits}")
        return self.presses


class Line:
    """One live call."""

    def __init__(
        self, group: asyncio.TaskGroup, who: Persona, model: FakeModel, *, exchange: FakeExchange | None = None,
        consultation: Consultation | None = None,
    ) -> None:  # fmt: skip
        self.leg, self.store, self.model = FakeLeg(), FakeStore(), model
        self.says = b""
        """What the phone says next, PCM."""
        deps = CallDeps((model,), "test", self.store, lambda _: cast("Records", None), TOOLS, setup_s=5.0)
        name = "rtc_2" if consultation else "rtc_1"
        plan = CallPlan(name, "s-" + name, "t", who, exchange=exchange, consultation=consultation)
        self.call = Call(plan, self.leg, deps)
        self.running = group.create_task(self.call.run())

    async def up(self) -> Line:
        await self.leg.connect()
        return self

    def on_phone(self, group: asyncio.TaskGroup) -> None:
        group.create_task(self._phone())

    async def _phone(self) -> None:
        while not self.running.done():
            said, self.says = self.says[:4800].ljust(4800, b"\0"), self.says[4800:]
            await self.leg.listen(0.1, said)

    async def ask(self) -> None:
        """A turn of the caller's, which the model answers with its tool."""
        session = self.model.session
        session.emit("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
        session.emit("input_audio_buffer.committed", item_id="u1", previous_item_id=None)

    async def until(self, true: Any, within_s: float = 200.0) -> None:
        async with asyncio.timeout(within_s):
            while not true():  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(0.05)


def who(transfers: dict[str, Target], *tools: str) -> Persona:
    return persona(transfers=transfers, tools=tools or ("transfer_call",))


ASK = {"to": "front desk", "reason": "Ann Lee has a question on her bill."}


async def started(
    group: asyncio.TaskGroup, transfers: dict[str, Target], exchange: FakeExchange | None, tool: str = "transfer_call",
    arguments: dict[str, Any] | None = None, length_s: float = 900.0,
) -> Line:  # fmt: skip
    model = ToolCaller(tool, ASK if arguments is None else arguments)
    agent = who(transfers, tool).model_copy(update={"limits": Limits(length_s=length_s)})
    line = await Line(group, agent, model, exchange=exchange).up()
    line.on_phone(group)
    await asyncio.sleep(1.5)
    await line.ask()
    return line


async def test_a_cold_transfer_ends_the_call_once_the_agent_was_heard() -> None:
    exchange = FakeExchange()
    async with asyncio.TaskGroup() as group:
        line = await started(group, COLD, exchange)
        await line.until(lambda: exchange.asked)
        heard = len(line.leg.heard)
        assert heard >= 2 * 48_000, "greeting and announcement were played"
        await line.running
    assert exchange.asked == ["transfer +15550100020"]
    assert line.running.result() == TRANSFERRED
    assert line.leg.closed == [TRANSFERRED]


async def test_a_refused_transfer_goes_on_talking() -> None:
    exchange = FakeExchange()
    exchange.refusal = "The carrier refused. Say so."
    async with asyncio.TaskGroup() as group:
        line = await started(group, COLD, exchange)
        model = cast("ToolCaller", line.model)
        await line.until(lambda: model.outputs)
        assert model.outputs == [{"error": "The carrier refused. Say so."}]
        await line.until(lambda: model.replies == 3)
        assert not line.running.done()
        line.call.end(HUNG_UP)
    assert line.running.result() == HUNG_UP


async def test_a_server_has_a_caller_put_through_once_the_agent_was_heard() -> None:
    exchange = FakeExchange()
    async with asyncio.TaskGroup() as group:
        line = await Line(group, persona(), FakeModel(), exchange=exchange).up()
        line.on_phone(group)
        await asyncio.sleep(0.3)
        referring = group.create_task(line.call.refer("+15550100009"))
        await asyncio.sleep(0.1)
        with pytest.raises(ExchangeRefused, match="under way"):
            await line.call.refer("+15550100009")
        await referring
        await line.running
    assert exchange.asked == ["transfer +15550100009"]
    assert line.running.result() == TRANSFERRED
    assert bytes(line.leg.heard).count(b"\x10\x20" * 480) >= 45, "the greeting was heard to its end"
    assert "+15550100009" not in str(line.store.journal)


@pytest.mark.parametrize("how", ["refused", "hangs up", "no telephone"])
async def test_a_server_learns_why_a_caller_was_not_put_through(how: str) -> None:
    exchange = FakeExchange()
    exchange.refusal = "The carrier refused." if how == "refused" else ""
    async with asyncio.TaskGroup() as group:
        line = await Line(
            group, persona(), FakeModel(), exchange=None if how == "no telephone" else exchange
        ).up()
        line.on_phone(group)
        if how == "hangs up":
            asyncio.get_running_loop().call_later(0.5, line.call.end, HUNG_UP)
        words = {"refused": "refused", "hangs up": "ended", "no telephone": "not over the telephone"}
        with pytest.raises(ExchangeRefused, match=words[how]):
            await line.call.refer("+15550100009")
        assert line.running.done() is (how == "hangs up")
        line.call.end(HUNG_UP)
    assert line.running.result() == HUNG_UP


async def test_a_call_that_came_over_no_carrier_is_told_what_to_offer() -> None:
    async with asyncio.TaskGroup() as group:
        line = await started(group, COLD, None)
        model = cast("ToolCaller", line.model)
        await line.until(lambda: model.outputs)
        assert model.outputs == [{"error": NO_TELEPHONE}]
        line.call.end(HUNG_UP)


async def test_a_number_that_a_model_made_up_is_dialled_by_nobody() -> None:
    exchange = FakeExchange()
    two = COLD | {"lab": Target(to="+15550100021")}
    async with asyncio.TaskGroup() as group:
        line = await started(group, two, exchange, arguments={"to": "+15550199999", "reason": "x"})
        model = cast("ToolCaller", line.model)
        await line.until(lambda: model.outputs)
        assert "front desk, lab" in model.outputs[0]["error"]
        line.call.end(HUNG_UP)
    assert exchange.asked == []


async def consulted(
    group: asyncio.TaskGroup, exchange: FakeExchange, tool: str = "", length_s: float = 900.0
) -> tuple[Line, Line, Consultation]:
    caller = await started(group, WARM, exchange, length_s=length_s)
    async with asyncio.timeout(10):
        consultation = await exchange.consultations.get()
    await asyncio.sleep(2.0)
    model = ToolCaller(tool, {"reason": "They are in a meeting."} if tool == "decline_caller" else {})
    person = await Line(
        group, consultation.persona, model, exchange=FakeExchange(), consultation=consultation
    ).up()
    person.on_phone(group)
    await asyncio.sleep(0.5)
    return caller, person, consultation


def noise(seed: int, seconds: float) -> bytes:
    samples = np.random.default_rng(seed).integers(-3000, 3000, round(24000 * seconds)).astype("<i2")
    return bytes(samples.tobytes())


async def test_a_warm_transfer_joins_the_two_and_ends_with_either() -> None:
    exchange = FakeExchange()
    async with asyncio.TaskGroup() as group:
        caller, person, _ = await consulted(group, exchange, length_s=60.0)
        assert person.model.replies == 1, "the person is told why"
        held = bytes(caller.leg.heard[-4 * 48_000 :])
        assert max(dbfs(held[at : at + 960]) for at in range(0, len(held), 960)) > -40, "the sound of hold"
        heard_by_model = caller.model.session.audio_bytes
        caller.says = noise(1, 1.0)
        await asyncio.sleep(1.0)
        assert caller.model.session.audio_bytes > heard_by_model, "time goes on for the model"
        sink = person.leg.sink
        assert sink is not None
        sink.on_digit("1")
        await asyncio.sleep(0.5)
        before = len(person.leg.heard), len(caller.leg.heard)
        one, two = noise(2, 2.0), noise(3, 2.0)
        caller.says, person.says = one, two
        await asyncio.sleep(2.5)
        assert one[:48_000] in bytes(person.leg.heard[before[0] :]), (
            "the person hears the caller, to the bit"
        )
        assert two[:48_000] in bytes(caller.leg.heard[before[1] :]), "and the caller the person"
        assert caller.model.closed == person.model.closed == 1, "no model is kept for two who talk"
        await asyncio.sleep(150)
        assert not caller.running.done(), "two who talk may do so for as long as they like"
        caller.leg.sink.on_lost(HUNG_UP)  # type: ignore[union-attr]  # it is connected
    assert caller.running.result() == TRANSFERRED
    assert person.running.result() == TRANSFERRED
    linked = [e for e in caller.store.told if e["type"] in ("Consulting", "Bridged")]
    assert linked == [{"type": "Consulting", "call": "rtc_2"}, {"type": "Bridged", "call": "rtc_2"}]
    assert {"type": "Bridged", "call": "rtc_1"} in person.store.told


async def test_keys_of_one_of_two_who_are_joined_are_heard_by_the_other() -> None:
    async with asyncio.TaskGroup() as group:
        caller, person, _ = await consulted(group, FakeExchange())
        assert person.leg.sink is not None
        assert caller.leg.sink is not None
        person.leg.sink.on_digit("1")
        await asyncio.sleep(0.5)
        caller.says = person.says = noise(2, 10.0)
        await asyncio.sleep(0.5)
        before = len(person.leg.heard)
        for key in "4#":
            caller.leg.sink.on_digit(key)
        caller.leg.sink.on_digit("x")
        await asyncio.sleep(0.8)
        person.leg.sink.on_digit("7")
        await asyncio.sleep(0.5)
        heard = bytes(person.leg.heard[before:])
        assert tones("4#") in heard, "in place of what the caller says meanwhile"
        assert dbfs(heard[-9600:]) > -30, "who then goes on"
        assert tones("7") in bytes(caller.leg.heard)
        for key in "1234567890" * 10:
            caller.leg.sink.on_digit(key)
        await asyncio.sleep(MOST_KEYS * 0.2 + 0.5)
        assert dbfs(bytes(person.leg.heard[-9600:])) > -30, "no more wait than is borne"
        caller.leg.sink.on_lost(HUNG_UP)


@pytest.mark.parametrize("how", ["key", "tool", "hangs up"])
async def test_a_person_who_declines_sends_the_agent_back_with_the_reason(how: str) -> None:
    exchange = FakeExchange()
    async with asyncio.TaskGroup() as group:
        caller, person, _ = await consulted(group, exchange, "decline_caller" if how == "tool" else "")
        sink = person.leg.sink
        assert sink is not None
        if how == "key":
            sink.on_digit("2")
        elif how == "tool":
            await asyncio.sleep(1)
            await person.ask()
        else:
            sink.on_lost(HUNG_UP)
        model = cast("ToolCaller", caller.model)
        await caller.until(lambda: model.outputs)
        words = {"key": "cannot take the call", "tool": "in a meeting", "hangs up": "hung up without"}
        assert words[how] in model.outputs[0]["error"]
        await caller.until(lambda: model.replies == 3)
        await person.running
        assert not caller.running.done()
        caller.call.end(HUNG_UP)


async def test_nobody_picks_up_or_a_voicemail_does() -> None:
    exchange = FakeExchange()
    async with asyncio.TaskGroup() as group:
        caller = await started(group, WARM, exchange)
        model = cast("ToolCaller", caller.model)
        await caller.until(lambda: model.outputs)
        assert model.outputs == [{"error": UNREACHED}]
        assert exchange.asked == ["consult +15550100020", "recall"]
        caller.call.end(HUNG_UP)
    async with asyncio.TaskGroup() as group:
        caller, person, consultation = await consulted(group, FakeExchange())
        model = cast("ToolCaller", caller.model)
        await caller.until(lambda: model.outputs)
        assert "voicemail" in model.outputs[0]["error"] or "hung up" in model.outputs[0]["error"]
        await person.running
        assert not consultation.taken(), "too late to be joined"
        caller.call.end(HUNG_UP)


async def test_a_caller_who_hangs_up_on_hold_is_announced_to_nobody() -> None:
    exchange = FakeExchange()
    async with asyncio.TaskGroup() as group:
        caller, person, consultation = await consulted(group, exchange)
        sink = caller.leg.sink
        assert sink is not None
        sink.on_lost(HUNG_UP)
        await person.running
        assert consultation.over
    assert caller.running.result() == HUNG_UP
    ended: Ending = person.running.result()
    assert str(ended) == "agent/hung-up"


async def test_keys_go_out_as_tones_where_the_carrier_has_nothing_better() -> None:
    exchange = FakeExchange()
    async with asyncio.TaskGroup() as group:
        line = await started(group, {}, exchange, "press_keys", {"keys": "42#"})
        model = cast("ToolCaller", line.model)
        await line.until(lambda: model.outputs)
        assert model.outputs == [{"status": "pressed"}]
        await asyncio.sleep(0.5)
        assert tones("42#") in bytes(line.leg.heard)
        line.call.end(HUNG_UP)
    assert exchange.asked == ["press 42#"]


async def test_on_hold_the_caller_hears_its_sound_and_the_agent_goes_on_afterwards() -> None:
    async with asyncio.TaskGroup() as group:
        line = await Line(group, persona(), FakeModel()).up()
        await line.leg.listen(0.4)
        line.call.hold(True)
        await line.leg.listen(3.0, noise(1, 1.0))
        held = bytes(line.leg.heard[-2 * 48_000 :])
        assert b"\x10\x20" * 480 not in held
        assert max(dbfs(held[at : at + 960]) for at in range(0, len(held), 960)) > -40
        line.call.hold(False)
        await line.leg.listen(1.5)
        assert bytes(line.leg.heard).count(b"\x10\x20" * 480) >= 45, (
            "all of the greeting was said in the end"
        )
        assert "conversation.item.truncate" not in [e["type"] for e in line.model.session.received]
        line.call.end(HUNG_UP)
