"""The composition root: builds everything from the settings, in order, and takes it down in the reverse order.

Nothing imports this but the command line. `serve` holds the gateway, `engine` the embedded engine alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from threading import Barrier
from typing import TYPE_CHECKING

from aiohttp import web

from api.app import create_app, import_surfaces, make_runner
from api.deps import AnsweringLeg, Deps, Probe, Verdict
from api.late import complete
from api.limits import SharedLimiter
from api.records.access import AccessKeys
from api.records.demo import seed
from api.records.executions import SqlLedger
from api.records.scheduling import BUSINESS_ZONE
from api.records.tool_policy import SqlPolicies
from api.records.tools import SqlRecords
from api.surfaces.metrics.routes import taken
from api.tokens import Tokens, derived_key, load_signing_key
from gateway import memory, plugins
from gateway.agents import open_agents, read_again
from gateway.call.plan import CallDeps
from gateway.config import Settings
from gateway.continuity.bridge import spoken_bridge
from gateway.continuity.health import Health
from gateway.continuity.model import LastingModel, LastingSettings
from gateway.crew import Crew, crew, enlist
from gateway.engine.workshop import Workshop
from gateway.errors import ConfigError
from gateway.metrics.lag import LoopLag
from gateway.ports import Model
from gateway.pricing.table import prices_in_force
from gateway.recordings.keeper import Keeper
from gateway.speech.catalogue import voices_of
from gateway.speech.errors import SpeechError
from gateway.speech.ports import Ears, Voice
from gateway.stopping import Stopping
from gateway.stores.retention import Kept, retention
from gateway.stores.sql import SqlStore
from gateway.stores.urls import database_url
from gateway.supervisor import Supervisor
from gateway.tracing.spans import open_tracer
from gateway.workers.membership import Membership
from gateway.workers.seat import Seat
from media import libopus, native
from media.audio import PCM16K
from media.speech_likeness import preload
from personas.catalogs import Catalogs
from personas.persona import Persona
from tools.runtime.door import Business, ToolRuntime

if TYPE_CHECKING:
    from gateway.providers.embedded.dialogue import DialogueMind

__all__ = ["Gateway", "Rehearsal", "engine", "open_gateway", "serve"]

logger = logging.getLogger(__name__)

POOL = 6
"""Threads of the loop's pool: for files, and for what takes the processor for long."""
MIND = "gateway.providers.embedded.dialogue"
"""Imported where there are ears that it teaches."""
LATER = "gateway.clients.webrtc"
"""Imported once calls are taken: what browsers need."""
POOL_S = 5.0
"""How long they may take to start."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: what a test or the command line needs of it."""

    app: web.Application
    supervisor: Supervisor
    store: SqlStore


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a server that is only rehearsed with has otherwise than one that takes calls."""

    wall: Callable[[], float] = time.time
    """What the time is for agents, tools and demo records, in Unix seconds."""
    speech: bool = True
    """False: the embedded engine neither hears nor speaks, so none of its workers is started; for text alone."""


@asynccontextmanager
async def open_gateway(
    settings: Settings, member: Membership | None = None, rehearsal: Rehearsal | None = None
) -> AsyncIterator[Gateway]:
    """Everything but the listening socket, of the only process or of one of several (`member`). Leaving drains the
    calls, then closes what they stood on.

    Raises ConfigError, StoreError.
    """
    catalog, tools, agents = await asyncio.to_thread(open_agents, settings)
    catalogs = Catalogs(catalog)
    stage = rehearsal or Rehearsal()
    signing_key = await asyncio.to_thread(load_signing_key, settings)
    tariff = await asyncio.to_thread(prices_in_force, settings)
    if missing := native.missing():
        logger.warning(
            "not compiled: %s; a call costs more of the processor: %s", ", ".join(missing), native.TO_MEND
        )
    if stale := await asyncio.to_thread(native.stale):
        logger.warning(
            "compiled before the last update, so not used: %s; %s", ", ".join(stale), native.TO_RENEW
        )
    # Their loading reads the disk, which no call may wait for.
    reading = asyncio.get_running_loop().run_in_executor(None, libopus.library)
    preloading = asyncio.get_running_loop().run_in_executor(None, preload, 2)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(SqlStore.open(database_url(settings)))
        await seed(store.database, datetime.fromtimestamp(stage.wall(), UTC))
        keeper = await stack.enter_async_context(Keeper.open(settings, store.database))
        if crew().here == 0:  # one of several workers is enough
            kept = Kept(settings.executions_days, settings.told_days)
            await stack.enter_async_context(retention(store.database, kept, stage.wall))
        workshop = Workshop(shared_out(settings), script, stack, stage.wall, speech=stage.speech)
        models = await open_models(settings, workshop, stack)
        health = Health([model.name for model in models])
        # Speaking takes the processor, and a voice of its own a process: not while calls wait for the start to end.
        opened = asyncio.Event()
        voice = None if workshop.opened is None else workshop.opened[1]
        bridge = await stack.enter_async_context(spoken_bridge(catalog.personas.values(), voice, opened))
        lasting = LastingSettings(settings.stall_s, settings.rollover_s)
        tracer = await stack.enter_async_context(open_tracer(settings.traces_url, settings.otel_queue))
        records = partial(
            SqlRecords, store.database, clock=lambda zone: datetime.fromtimestamp(stage.wall(), zone)
        )
        await stack.enter_async_context(tools.opened())
        runtime = await stack.enter_async_context(
            ToolRuntime(
                tools,
                records=records,
                ledger=SqlLedger(store.database, store.boot),
                policies=SqlPolicies(store.database),
                business=lambda persona: business_of(catalogs.personas.get(persona), stage.wall()),
                approval_s=settings.approval_s,
                wall=stage.wall,
                mark=crew().mark,
            )
        )
        lasting_model = LastingModel(models, health, lasting, bridge)
        deps = CallDeps(
            models=(lasting_model,),
            model_name=preferred_model(settings, models[0].name),
            store=store,
            records=records,
            tools=tools,
            runtime=runtime,
            tool_runs=settings.tool_runs,
            setup_s=settings.setup_s,
            tariff=tariff,
            budget_usd=settings.budget_usd,
            recordings=keeper,
            tracer=tracer,
            wall=stage.wall,
        )
        supervisor = await stack.enter_async_context(
            Supervisor.open(deps, max_calls=settings.max_calls, drain_s=settings.drain_s)
        )
        counts = deps.counts
        counts.read("parley_journal_waiting_rows", lambda: [((), store.waiting)])
        counts.read("parley_recordings_waiting", lambda: [((), keeper.waiting)])
        lag = await stack.enter_async_context(LoopLag.measured(counts))
        supervisor.lag, supervisor.max_lag_s = lambda: lag.usual_s, settings.max_lag_ms / 1000
        whole = Deps(
            settings=settings,
            supervisor=supervisor,
            database=store.database,
            catalogs=catalogs,
            tokens=Tokens(derived_key(signing_key, "tokens")),
            access=AccessKeys(derived_key(signing_key, "access")),
            recordings=keeper,
            make_leg=lambda call_id: webrtc_leg(call_id, settings),
            model=deps.model_name,
            tools=tools,
            voices=voices_of(settings.provider_order),
            runtime=runtime,
            providers=lambda: health.snapshot(asyncio.get_running_loop().time()),
            unspoken=lambda persona, written: lasting_model.refuses(persona, written=written),
            counts=counts,
            probes={} if workshop.opened is None else {"speech": speech_probe(*workshop.opened)},
        )
        if member is not None:
            whole = joined(member, whole, supervisor)
        if unspoken := [
            one.id for one in catalog.personas.values() if lasting_model.refuses(one, written=False)
        ]:
            logger.info("in text alone, since no provider speaks their language: %s", ", ".join(unspoken))
        await asyncio.to_thread(import_surfaces, settings)
        await preloading
        await reading
        await stack.enter_async_context(read_again(catalogs, agents, settings.reload_s))
        gateway = Gateway(create_app(whole), supervisor, store)
        opened.set()
        yield gateway


def business_of(persona: Persona | None, now: float) -> Business:
    """Where and when the tools of a persona act; of none: where the demo businesses are."""
    if persona is None:
        return Business(datetime.fromtimestamp(now, BUSINESS_ZONE))
    return Business(datetime.fromtimestamp(now, persona.zone), persona.calendar)


def joined(member: Membership, deps: Deps, supervisor: Supervisor) -> Deps:
    """What the API needs in one worker of several: the others count, are asked, and are handed what is theirs."""
    supervisor.others, supervisor.others_promised = lambda: member.others, lambda: member.promised
    supervisor.changed = lambda: member.tell_load()
    member.figures = lambda: taken(deps)
    return replace(
        deps,
        limiter=SharedLimiter(member.take, deps.limiter),
        hand_over=member.hand_over,
        handed=member.handed,
        others=member.all_figures,
        good_once=member.good_once,
    )


def webrtc_leg(call_id: str, settings: Settings) -> AnsweringLeg:
    """aiortc takes a quarter of a second to import: `serve` has it done once calls are taken, before the first browser
    calls as a rule."""
    from gateway.clients.webrtc import LegSettings, WebRtcLeg

    return WebRtcLeg(call_id, LegSettings(settings.ice_addresses, settings.ice_servers, settings.setup_s))


def shared_out(settings: Settings) -> Settings:
    """The settings of one worker: its part of the processes that hear and speak, one of each at least."""
    size = crew().size
    return settings.model_copy(
        update={
            "ears_workers": max(1, settings.ears_workers // size),
            "voice_workers": max(1, settings.voice_workers // size),
        }
    )


async def script() -> Callable[[Persona], tuple[str, ...]]:
    """What gives the sentences that callers of a persona may say."""
    mind: Callable[[], DialogueMind] = (await asyncio.to_thread(import_module, MIND)).DialogueMind
    return mind().script


async def open_models(settings: Settings, workshop: Workshop, stack: AsyncExitStack) -> tuple[Model, ...]:
    """The models in order of preference. Those that run in this process share what is in the workshop."""
    models: list[Model] = []
    for name in settings.provider_order:
        shelf = await asyncio.to_thread(plugins.find, "gateway.providers", name)
        if hasattr(shelf, "opened"):
            models.append(await stack.enter_async_context(shelf.opened(settings, workshop)))
        else:
            models.append(shelf.model(settings))
    logger.info("models, in order: %s", ", ".join(model.name for model in models))
    return tuple(models)


def preferred_model(settings: Settings, provider: str) -> str:
    """What clients are told that they talk to as a session begins."""
    names = {
        "azure": settings.azure_openai_deployment,
        "voicelive": settings.azure_voicelive_model,
        "cascade": settings.cascade_chat_model,
        "embedded": "parley-embedded",
    }
    return names.get(provider) or settings.openai_model


def speech_probe(ears: Ears, voice: Voice) -> Probe:
    """Asks for a tenth of a second of silence and one word: pools that are dead or overrun do not answer in time."""

    async def probe() -> Verdict:
        tiers = f"ears: {ears.tier}; voice: {voice.tier}"
        try:
            await ears.transcribe(bytes(PCM16K.to_bytes(100)))
            async for _audio in voice.speak("ready", voice="marin"):
                pass
        except SpeechError as error:
            return Verdict(False, "unavailable", f"{error} ({tiers})")
        return Verdict(True, "ready", tiers)

    return probe


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then drain. `announce` is told the address once calls are taken."""
    stop = Stopping.by_signals()
    async with open_gateway(settings) as gateway:
        runner = make_runner(gateway.app)
        async with listening(runner, settings) as address:
            await fill_pool()
            announce(f"parley listening on {address}")
            await import_the_rest(gateway)
            memory.settle()
            await stop.asked.wait()
            announce(
                f"parley stops: {gateway.supervisor.live} live, for {settings.drain_s:.0f} s at most; again to stop now"
            )
            stop.at_once(gateway.supervisor.end_all)
            await gateway.supervisor.drain()


async def work(settings: Settings, seat: Seat) -> None:
    """Serve as one of several workers, until SIGTERM, then drain; at once when the parent is gone."""
    stop = Stopping.by_signals()
    enlist(Crew(seat.number, seat.size))
    async with AsyncExitStack() as stack:
        member = await stack.enter_async_context(Membership.open(seat))
        member.orphaned = stop.hurry
        gateway = await stack.enter_async_context(open_gateway(settings, member))
        supervisor = gateway.supervisor
        runner = make_runner(gateway.app)
        await runner.setup()
        try:
            assert runner.server is not None
            async with member.listening(runner.server, supervisor.load):
                await fill_pool()
                await import_the_rest(gateway)
                memory.settle()
                await stop.asked.wait()
                stop.at_once(supervisor.end_all)
                await supervisor.drain()
        finally:
            await runner.cleanup()


async def import_the_rest(gateway: Gateway) -> None:
    """What was not needed to take calls, before somebody needs it and waits for it. A thread imports; the loop,
    which has calls by now, goes on."""
    # Tokens first: whoever calls again after a restart has one.
    await complete(gateway.app)
    await asyncio.to_thread(import_module, LATER)


async def fill_pool() -> None:
    """Start every thread of the loop's pool now: what calls find is what they leave."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(POOL, "pool"))
    together = Barrier(POOL)
    async with asyncio.TaskGroup() as group:
        for _ in range(POOL):
            group.create_task(asyncio.to_thread(together.wait, POOL_S), name="pool")


async def engine(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve the embedded engine alone, to any client of the OpenAI Realtime protocol."""
    from gateway.engine.serve import check_open, engine_app
    from gateway.providers.embedded.dialogue import DialogueMind

    check_open(settings)
    stop = Stopping.by_signals()
    catalog, _tools, agents = await asyncio.to_thread(open_agents, settings)
    catalogs = Catalogs(catalog)
    async with AsyncExitStack() as stack:
        mind = DialogueMind()
        workshop = Workshop(settings, script, stack)
        lessons, voice = await workshop.lessons(), await workshop.voice()
        keys = tuple(key.secret.get_secret_value() for key in settings.server_keys)
        runner = web.AppRunner(
            engine_app(lessons, voice, mind, catalogs.personas, keys), access_log=None, shutdown_timeout=5.0
        )
        await stack.enter_async_context(read_again(catalogs, agents, settings.reload_s))
        async with listening(runner, settings) as address:
            announce(f"parley engine listening on {address}/v1/realtime")
            await stop.asked.wait()


@asynccontextmanager
async def listening(runner: web.AppRunner, settings: Settings) -> AsyncIterator[str]:
    """The runner's application on the settings' host and port; yields its address.

    Raises ConfigError when the port is taken or the host is not this machine's.
    """
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        try:
            await site.start()
        except OSError as error:
            raise ConfigError(
                [
                    f"PARLEY_HOST, PARLEY_PORT: cannot listen on {settings.host}:{settings.port}: {error.strerror}"
                ]
            ) from error
        host, port = runner.addresses[0][:2]
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        await runner.cleanup()
