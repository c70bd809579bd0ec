"""A run: places the calls, one after the other, holds them, hangs up, and gives the report."""

from __future__ import annotations

import asyncio
import platform
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import aiohttp

from gateway import plugins
from gateway.config import Settings
from gateway.load.call import Call, Failed, Refused
from gateway.load.callers import phone, ws
from gateway.load.clock import Clock, Pace
from gateway.load.conversation import Conversation
from gateway.load.figures import SCHEMA, kind_figures, used
from gateway.load.plan import Plan
from gateway.load.speech import Speech, as_opus, as_sent
from gateway.load.usage import NoProcess, usage
from gateway.softphone import lines
from gateway.softphone.asking import Where
from gateway.softphone.line import Line
from gateway.softphone.orders import PCMU, Connect

__all__ = ["Run", "perform"]

IN_VAIN = 5
"""So many calls that fail one after the other, with none that ever stood, and no more are tried."""
ANSWER_S = 20.0
SAMPLE_S = 0.5


@dataclass(slots=True)
class Run:
    """What there is to see while it goes on. Times are the loop's."""

    plan: Plan
    calls: list[Call] = field(default_factory=list)
    began: float = 0.0
    now: float = 0.0
    interrupted: bool = False
    given_up: bool = False
    samples: list[tuple[float, float, float]] = field(default_factory=list)
    """Of the server: when, CPU in seconds, memory in MiB."""
    told: str = ""

    @property
    def up(self) -> int:
        return sum(call.connected is not None and call.ended is None for call in self.calls)

    @property
    def failed(self) -> int:
        return sum(bool(call.failed) for call in self.calls)


class _Studio:
    """What takes files to make, before the calls: speech for each kind, encoded once, and who plays the carrier."""

    def __init__(self, plan: Plan, settings: Settings) -> None:
        """Raises Unusable and Broken."""
        self.tool = {
            "parley": version("parley"),
            "python": platform.python_version(),
            "machine": platform.platform(),
        }
        self.line: Line = plugins.find(lines.__name__, plan.carrier).line(settings)
        self.where = Where(plan.address_of_server(), settings.public_url or plan.address_of_server())
        said = (plan.speech, plan.interruption)
        side = self.line.open(
            self.line.facts("+15550100000", "+15550200000"), Connect("wss://x/", says=PCMU)
        )
        encoding = {"phone": side.says, "ws": ws.PCM}
        if "webrtc" in plan.kinds:
            # aiortc takes half a second to load: only for who needs it, and not among the calls.
            from gateway.load.callers.webrtc import use_loopback

            if plan.loopback:
                use_loopback()
        self.speech: dict[str, Speech] = {
            kind: as_opus(*said) if kind == "webrtc" else as_sent(*said, encoding[kind])
            for kind in plan.kinds
        }


async def perform(
    plan: Plan, settings: Settings, stop: asyncio.Event, watch: Callable[[Run], None]
) -> dict[str, Any]:
    """The report. `watch` is told twice a second; `stop` ends it early. Raises Unusable, and NoProcess for a `pid`
    that is none."""
    studio = await asyncio.to_thread(_Studio, plan, settings)
    loop = asyncio.get_running_loop()
    run = Run(plan)
    if plan.pid is not None:
        run.samples.append((loop.time(), *await asyncio.to_thread(usage, plan.pid)))
    run.began = run.now = loop.time()
    connector = aiohttp.TCPConnector(limit=0, ssl=not plan.insecure)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_S, sock_read=ANSWER_S)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as http,
        asyncio.TaskGroup() as group,
    ):
        clock = Clock()
        ticking = group.create_task(clock.run())
        watching = group.create_task(_watch(run, watch))
        async with asyncio.TaskGroup() as calls:
            placed = await _place(run, studio, http, clock, calls, stop)
            over = calls.create_task(_wait(stop, run.began + plan.duration_s, placed))
            await asyncio.wait([over])
            run.interrupted = stop.is_set()
            run.now = loop.time()
            for task in placed:
                task.cancel()
        watching.cancel()
        ticking.cancel()
    watch(run)
    return _report(run, studio)


async def _place(
    run: Run,
    studio: _Studio,
    http: aiohttp.ClientSession,
    clock: Clock,
    group: asyncio.TaskGroup,
    stop: asyncio.Event,
) -> list[asyncio.Task[None]]:
    """The calls, spread over the ramp."""
    plan, loop = run.plan, asyncio.get_running_loop()
    tasks = []
    for number in range(plan.calls):
        await _wait(stop, run.began + plan.ramp_s * number / plan.calls, [])
        done = [call for call in run.calls if call.failed]
        if stop.is_set():
            break
        if len(done) >= IN_VAIN and len(done) == len(run.calls):
            run.given_up = True
            break
        kind = plan.kinds[number % len(plan.kinds)]
        chance = random.Random(number)
        talk = Conversation(
            studio.speech[kind],
            plan.barge_in_every,
            plan.barge_in_after_s,
            # Callers do not all begin in the same moment, not even without a ramp.
            plan.lead_s + chance.uniform(0, 1),
            plan.patience_s,
            number,
            plan.tones,
        )
        pace = Pace(clock, number, plan.jitter_ms, chance)
        call = Call(number, kind, plan, http, talk, pace, chance, began=loop.time())
        run.calls.append(call)
        tasks.append(group.create_task(_one(call, studio)))
    return tasks


async def _one(call: Call, studio: _Studio) -> None:
    """A failure ends this call and no other."""
    loop = asyncio.get_running_loop()
    try:
        match call.kind:
            case "webrtc":
                from gateway.load.callers import webrtc

                call.failed = await webrtc.hold(call)
            case "phone":
                call.failed = await phone.hold(call, studio.line, studio.where)
            case _:
                call.failed = await ws.hold(call)
    except Exception as error:  # noqa: BLE001 - a caller that fails is counted, whatever it fails of
        cause = error
        while isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        call.failed, call.refused = reason(cause, call.plan), isinstance(cause, Refused)
    finally:
        if call.connected is None and not call.failed:
            call.failed = "the run was over before the call stood"
        call.ended = loop.time()
        call.talk.over()


def reason(error: Exception, plan: Plan) -> str:
    """Why a call failed, and what to try; the same words for the same fault, for they are counted."""
    match error:
        case Failed():
            return str(error)
        case aiohttp.ClientConnectorCertificateError():
            return "the server's certificate is not trusted (--insecure takes any)"
        case aiohttp.ClientConnectorSSLError():
            return f"no TLS at {plan.origin}: http:// instead of https://?"
        case aiohttp.ClientConnectorDNSError():
            return f"no address is known of {plan.origin}"
        case aiohttp.ClientConnectorError():
            return f"nothing listens at {plan.origin}: {error.os_error.strerror or error.os_error}"
        case aiohttp.InvalidURL():
            return f"{plan.url!r} is no URL"
        case aiohttp.ServerDisconnectedError() | ConnectionError() | aiohttp.ClientOSError():
            return f"the server breaks the connection off{'' if plan.secure else ' (https:// instead of http://?)'}"
        case TimeoutError():
            return f"no answer within {ANSWER_S:.0f} s"
        case _:
            return f"{type(error).__name__}: {str(error)[:160]}"


async def _wait(stop: asyncio.Event, until: float, tasks: list[asyncio.Task[None]]) -> None:
    """Until then, until `stop`, or until none of the tasks goes on."""
    loop = asyncio.get_running_loop()
    while not stop.is_set() and loop.time() < until:
        if tasks and all(task.done() for task in tasks):
            return
        try:
            async with asyncio.timeout(min(0.25, until - loop.time())):
                await stop.wait()
        except TimeoutError:
            continue


async def _watch(run: Run, watch: Callable[[Run], None]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        run.now = loop.time()
        if run.plan.pid is not None:
            try:
                run.samples.append((run.now, *await asyncio.to_thread(usage, run.plan.pid)))
            except NoProcess:
                run.told = "the process of --pid is gone"
        watch(run)
        await asyncio.sleep(SAMPLE_S)


def _report(run: Run, studio: _Studio) -> dict[str, Any]:
    plan = run.plan
    kinds = {kind: [call for call in run.calls if call.kind == kind] for kind in plan.kinds}
    asked = {k: v for k, v in asdict(plan).items() if k not in ("headers", "speech", "interruption")}
    server = used(run.calls, run.samples, run.now)
    return {
        "schema": SCHEMA,
        "tool": studio.tool,
        "plan": {**asked, "kinds": list(plan.kinds), "speech": [path.name for path in plan.speech]},
        "seconds": round(run.now - run.began, 1),
        "interrupted": run.interrupted,
        "not_tried": plan.calls - len(run.calls),
        "figures": {
            "all": kind_figures(run.calls, tones=plan.tones, reply_ms=plan.reply_ms),
            **{
                kind: kind_figures(calls, tones=plan.tones, reply_ms=plan.reply_ms)
                for kind, calls in kinds.items()
            },
        },
        "server": None if server is None else asdict(server),
        "calls": [_call(run, call) for call in run.calls],
    }


def _call(run: Run, call: Call) -> dict[str, Any]:
    def at(when: float | None) -> float | None:
        return None if when is None else round(when - run.began, 3)

    return {
        "number": call.number,
        "kind": call.kind,
        "began_s": at(call.began),
        "connected_s": at(call.connected),
        "ended_s": at(call.ended),
        "failed": call.failed or None,
        "refused": call.refused,
        "underruns": call.underruns,
        "gaps": call.gaps,
        "clicks": call.talk.clicks,
        "lost_ms": round(call.lost_ms, 1),
        "turns": [
            {
                "at_s": at(turn.began),
                "interrupts": turn.interrupts,
                "first_audio_ms": None if turn.first_audio_ms is None else round(turn.first_audio_ms, 1),
                "barge_in_ms": None if turn.barge_in_ms is None else round(turn.barge_in_ms, 1),
                "reply_ms": round(turn.heard_s * 1000),
            }
            for turn in call.talk.turns
        ],
    }
