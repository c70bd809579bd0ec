"""The application, running, with fakes at two ports only: the supervisor and the leg. And its contract."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from aiohttp import ClientResponse, WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app, import_surfaces
from api.deps import Deps, Probe, ProviderState
from api.limits import InProcessLimiter
from api.records.access import AccessKeys
from api.records.executions import SqlLedger
from api.records.scheduling import BUSINESS_ZONE
from api.records.tool_policy import SqlPolicies
from api.records.tools import SqlRecords
from api.tokens import Tokens
from gateway.call.inputs import MachineVerdict
from gateway.call.plan import CallPlan
from gateway.config import Settings
from gateway.errors import HUNG_UP, Busy, Ending, ExchangeRefused, LegProtocolError, SessionBusy
from gateway.ports import Event, Leg, LegSink, Speaker
from gateway.recordings.keeper import Keeper
from gateway.stores.sql import SqlStore
from gateway.supervisor import CallRequest
from media.audio import PCM24, AudioFormat
from personas.catalog import Catalog
from personas.catalog_files import CatalogFiles
from personas.catalogs import Catalogs
from personas.succession import Handoff
from tests.api.contract import Watch, faults
from tools import library as tool_library
from tools.contract import Tool, ToolError
from tools.runtime.door import Business, ToolRuntime

__all__ = [
    "ANSWER",
    "OFFER",
    "FakeCall",
    "FakeLeg",
    "FakeSupervisor",
    "House",
    "SocketLeg",
    "checked",
    "house",
    "refused",
    "secret",
]

CATALOG = CatalogFiles().load()
PERSONAS = CATALOG.personas
TOOLS = tool_library.load()
SECRET = b"0123456789abcdef0123456789abcdef"
OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
ANSWER = "v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


async def checked(response: ClientResponse, operation: str, *, status: int) -> dict[str, Any]:
    """The JSON body, held against the contract's schema of `METHOD path` for its status."""
    method, path = operation.split(" ")
    body: dict[str, Any] = await response.json()
    assert response.status == status, body
    assert response.content_type == "application/json"
    assert not (told := faults(method, path, status, body)), told
    return body


async def refused(api: House, response: ClientResponse, status: int, code: str) -> str:
    """The sentence of a refusal in OpenAI's envelope; nothing is held for it."""
    body = await response.json()
    assert response.status == status, body
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "code", "param"}
    assert body["error"]["code"] == code, body
    assert api.supervisor.live == len(api.supervisor.calls)
    message: str = body["error"]["message"]
    return message


async def secret(api: House, key: str, **body: object) -> str:
    """A client secret, minted with a server key."""
    headers = {"Authorization": f"Bearer {key}"}
    response = await api.client.post("/v1/realtime/client_secrets", json=body, headers=headers)
    answer = await response.json()
    assert response.status == 200, answer
    value: str = answer["value"]
    return value


@dataclass
class FakeLeg:
    """Answers every offer but one that names `refuse`."""

    call_id: str
    kind: str = "webrtc"
    plays: bool = True
    form: AudioFormat = PCM24
    downlink_ms: int = 40
    closed: Ending | None = None
    fault: Exception | None = None

    async def answer(self, offer: str) -> str:
        if self.fault is not None:
            raise self.fault
        if "refuse" in offer:
            raise LegProtocolError("The offer has no audio.")
        return ANSWER

    async def open(self, sink: LegSink, speaker: Speaker) -> None:
        raise AssertionError("the supervisor opens legs")

    def send(self, event: Event) -> None: ...

    def stats(self) -> dict[str, float]:
        return {}

    async def close(self, ending: Ending) -> None:
        self.closed = ending


@dataclass
class SocketLeg(FakeLeg):
    """Sends back what it is sent, until the socket is over."""

    socket: web.WebSocketResponse = field(default_factory=web.WebSocketResponse)
    kind: str = "websocket"
    plays: bool = False

    async def serve(self) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                await self.socket.send_str(message.data)


@dataclass
class FakeCall:
    answered_by = None
    """A live call: who attaches hears `hello`, and every message back."""

    plan: CallPlan
    full: bool = False
    recording: Literal["off", "on", "paused"] = "off"
    held: bool = False
    holds: bool = True
    refuses: str = ""
    referred: list[str] = field(default_factory=list)
    passed: list[tuple[str, Handoff]] = field(default_factory=list)
    escalated: list[str] = field(default_factory=list)
    attached: int = 0
    verdicts: list[MachineVerdict] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    over: list[Callable[[Ending], None]] = field(default_factory=list)

    def attach(self, send: Callable[[Event], None], on_over: Callable[[Ending], None]) -> FakeCall:
        if self.full:
            raise Busy("This call has as many sidebands as it may have.")
        self.attached += 1
        self.over.append(on_over)
        send({"type": "hello"})
        return self

    def pause_recording(self, *, paused: bool) -> None:
        if self.recording != "off":
            self.recording = "paused" if paused else "on"

    def hold(self, on: bool) -> bool:
        self.held = on
        return self.holds

    async def refer(self, to: str) -> None:
        self.referred.append(to)
        if self.refuses:
            raise ExchangeRefused(self.refuses)

    def pass_on(self, agent: str, handoff: Handoff) -> None:
        if self.refuses:
            raise ToolError(self.refuses)
        self.passed.append((agent, handoff))

    def said(self) -> Sequence[tuple[str, str]]:
        return [("assistant", "Larkfield Dental."), ("user", "My card was charged twice.")]

    def escalate(self, reason: str) -> None:
        self.escalated.append(reason)

    def machine(self, verdict: MachineVerdict) -> None:
        self.verdicts.append(verdict)

    def receive(self, message: str) -> None:
        self.received.append(message)

    def detach(self) -> None:
        self.attached -= 1


@dataclass
class FakePeer:
    """A sideband's socket."""

    socket: web.WebSocketResponse
    waiting: list[Event] = field(default_factory=list)

    def send(self, event: Event) -> None:
        self.waiting.append(event)

    def over(self, ending: Ending) -> None: ...

    async def serve(self, receive: Callable[[str], None]) -> None:
        for event in self.waiting:
            await self.socket.send_json(event)
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                receive(message.data)


@dataclass
class FakeSupervisor:
    max_calls: int = 2
    draining: bool = False
    reserved: dict[str, str] = field(default_factory=dict)
    begun: list[tuple[str, Leg, CallRequest]] = field(default_factory=list)
    calls: dict[str, FakeCall] = field(default_factory=dict)
    ended: list[tuple[str, Ending]] = field(default_factory=list)
    promised: Callable[[], int] = lambda: 0

    @property
    def live(self) -> int:
        return len(self.reserved)

    def promise(self, lines: Callable[[], int]) -> None:
        self.promised = lines

    def crowded(self, besides: int = 0) -> bool:
        return self.draining or self.live + self.promised() + besides >= self.max_calls

    def reserve(self, session_id: str) -> str:
        if self.draining or self.live >= self.max_calls:
            raise Busy(f"All {self.max_calls} lines are in use.")
        if session_id in self.reserved.values():
            raise SessionBusy("busy")
        call_id = f"rtc_{self.live + len(self.begun):024x}"
        self.reserved[call_id] = session_id
        return call_id

    def release(self, call_id: str) -> None:
        if call_id not in self.calls:
            self.reserved.pop(call_id, None)

    def begin(self, call_id: str, leg: Leg, request: CallRequest) -> None:
        self.begun.append((call_id, leg, request))
        plan = CallPlan(call_id, request.session_id, request.tenant, request.persona, request.session)
        self.calls[call_id] = FakeCall(plan)

    def find(self, call_id: str) -> FakeCall | None:
        return self.calls.get(call_id)

    def hang_up(self, call_id: str, ending: Ending = HUNG_UP) -> bool:
        if self.calls.pop(call_id, None) is None:
            return False
        self.reserved.pop(call_id)
        self.ended.append((call_id, ending))
        return True


class TemporaryFolder:
    """Made and removed off the loop."""

    async def __aenter__(self) -> Path:
        self._folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="parley-")
        return Path(self._folder.name)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._folder.cleanup)


@dataclass
class House:
    client: TestClient[Any, Any]
    deps: Deps
    store: SqlStore
    supervisor: FakeSupervisor
    legs: list[FakeLeg]
    clock: list[float]
    """The time: set its one entry."""
    keeper: Keeper
    sockets: list[SocketLeg] = field(default_factory=list)

    async def session(self, **body: object) -> tuple[str, str]:
        """A new session over REST: its id and its key. Forgets the cookie."""
        headers = {}
        for key in self.deps.settings.server_keys:
            if key.tenant is not None and key.tenant == body.get("tenantId"):
                headers["Authorization"] = f"Bearer {key.secret.get_secret_value()}"
        response = await self.client.post(
            "/api/sessions", json={"scenarioId": "dental-booking", **body}, headers=headers
        )
        answer = await checked(response, "POST /api/sessions", status=201)
        self.client.session.cookie_jar.clear()
        return answer["sessionId"], answer["accessKey"]

    async def token(self, **body: object) -> str:
        response = await self.client.post("/api/realtime/credentials", json=body)
        answer = await checked(response, "POST /api/realtime/credentials", status=200)
        token: str = answer["token"]
        return token


@asynccontextmanager
async def house(
    url: str,
    *,
    settings: Settings | None = None,
    probes: dict[str, Probe] | None = None,
    providers: Callable[[], Sequence[ProviderState]] = tuple,
    make_leg: Callable[[str], FakeLeg] = FakeLeg,
    now: float = 1_800_000_000.0,
    tools: Mapping[str, Tool] = TOOLS,
    catalog: Catalog = CATALOG,
) -> AsyncIterator[House]:
    settings = settings or Settings()
    supervisor = FakeSupervisor()
    legs: list[FakeLeg] = []
    clock = [now]
    sockets: list[SocketLeg] = []

    def made(call_id: str) -> FakeLeg:
        legs.append(make_leg(call_id))
        return legs[-1]

    def on_socket(call_id: str, socket: web.WebSocketResponse) -> SocketLeg:
        sockets.append(SocketLeg(call_id, socket=socket))
        return sockets[-1]

    async with (
        SqlStore.open(url) as store,
        ToolRuntime(
            tools,
            records=lambda tenant: SqlRecords(
                store.database, tenant, clock=lambda zone: datetime.fromtimestamp(clock[0], zone)
            ),
            ledger=SqlLedger(store.database, store.boot),
            policies=SqlPolicies(store.database),
            business=lambda _: Business(datetime.fromtimestamp(clock[0], BUSINESS_ZONE)),
            wall=lambda: clock[0],
        ) as runtime,
        TemporaryFolder() as folder,
        Keeper.open(
            settings.model_copy(update={"data_dir": folder}), store.database, lambda: clock[0]
        ) as keeper,
    ):
        deps = Deps(
            settings=settings,
            supervisor=supervisor,
            database=store.database,
            catalogs=Catalogs(catalog),
            tokens=Tokens(SECRET),
            access=AccessKeys(SECRET),
            recordings=keeper,
            make_leg=made,
            model="parley-embedded",
            tools=tools,
            runtime=runtime,
            make_socket_leg=on_socket,
            make_sideband=FakePeer,
            probes=probes or {},
            providers=providers,
            clock=lambda: clock[0],
            # By the same clock: how fast a machine is says nothing of what is refused.
            limiter=InProcessLimiter(lambda: clock[0]),
        )
        # aiohttp's test server cancels handlers too, as `make_runner` does.
        await asyncio.to_thread(import_surfaces, deps.settings)
        app, watch = create_app(deps), Watch()
        app.middlewares.insert(0, watch.middleware)
        async with TestClient(TestServer(app)) as client:
            yield House(client, deps, store, supervisor, legs, clock, keeper, sockets)
        assert not watch.faults, watch.faults[:5]
