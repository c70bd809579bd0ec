"""Liveness and readiness."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api.deps import Deps, Probe, ProviderState, Verdict
from gateway.call.sessions import TRANSCRIBER
from gateway.stores.engine import EVERY_TENANT
from gateway.stores.schema import Boot
from personas.catalogs import Catalogs

__all__ = ["routes"]

logger = logging.getLogger(__name__)

_PROBE_S = 2.0


def routes(deps: Deps) -> list[web.RouteDef]:
    """`/healthz` and `/readyz`, the same two under `/api/health`, and by itself what both know with what is set."""
    probes: dict[str, Probe] = {
        "database": lambda: _database(deps),
        "admission": lambda: _admission(deps),
        **deps.probes,
    }
    started = deps.started_at

    def stamp() -> str:
        return datetime.fromtimestamp(deps.clock(), UTC).isoformat().replace("+00:00", "Z")

    async def live(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "timestamp": stamp()})

    async def realtime(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "timestamp": stamp(), "uptime": _since(started, deps)})

    async def ready(_request: web.Request) -> web.Response:
        found = await _found(deps, probes)
        failures = [
            {"check": name, "status": verdict.status, "message": verdict.message}
            for name, verdict in found.items()
            if not verdict.ok
        ]
        # One provider that is down is told, and is no failure: calls go to the next.
        told = found | _besides(deps)
        body = {
            "ok": not failures,
            "timestamp": stamp(),
            "checks": {name: verdict.ok for name, verdict in found.items()},
            "details": {
                name: {"ok": verdict.ok, "status": verdict.status, "message": verdict.message}
                for name, verdict in told.items()
            },
            "failures": failures,
        }
        return web.json_response(body, status=503 if failures else 200)

    async def health(_request: web.Request) -> web.Response:
        begun = time.perf_counter()
        found = await _found(deps, probes)
        ok = all(verdict.ok for verdict in found.values())
        took_ms = round((time.perf_counter() - begun) * 1000)
        body = {
            "ok": ok,
            "timestamp": stamp(),
            "uptime": _since(started, deps),
            "duration": f"{took_ms}ms",
            "services": {name: _service(verdict) for name, verdict in (found | _besides(deps)).items()},
            "environment": _tier(deps),
            "version": deps.version,
            "surface": _surface(deps),
        }
        if deps.settings.build_id is not None:
            body["commit"] = deps.settings.build_id
        return web.json_response(body, status=200 if ok else 503)

    return [
        web.get("/healthz", live),
        web.get("/api/health/live", live),
        web.get("/api/health/realtime", realtime),
        web.get("/readyz", ready),
        web.get("/api/health/ready", ready),
        web.get("/api/health", health),
    ]


async def _found(deps: Deps, probes: Mapping[str, Probe]) -> dict[str, Verdict]:
    """What is required for calls, in the order of the probes."""
    verdicts: dict[str, Verdict] = {}

    async def ask(name: str, probe: Probe) -> None:
        verdicts[name] = await _verdict(name, probe)

    async with asyncio.TaskGroup() as group:
        for name, probe in probes.items():
            group.create_task(ask(name, probe))
    found = {name: verdicts[name] for name in probes}
    states = deps.providers()
    if states:
        found["providers"] = _providers(states)
    return found


def _besides(deps: Deps) -> dict[str, Verdict]:
    """What may be wrong and keeps no call away."""
    told = {f"provider:{state.name}": _provider(state) for state in deps.providers()}
    return told | {"catalog": _catalog(deps.catalogs)}


def _service(verdict: Verdict) -> dict[str, object]:
    told: dict[str, object] = {"configured": True, "healthy": verdict.ok, "status": verdict.status}
    return told if verdict.ok else told | {"error": verdict.message}


def _since(started: float, deps: Deps) -> float:
    return round(max(0.0, deps.clock() - started), 3)


def _tier(deps: Deps) -> str:
    """In the contract's words; nobody tells us of tiers between."""
    return "local" if deps.settings.loopback and deps.settings.public_url is None else "prod"


def _surface(deps: Deps) -> dict[str, object]:
    """What is set, and nothing of what it is set to that others must not know."""
    settings = deps.settings
    surface: dict[str, object] = {
        "appEnv": _tier(deps),
        "corsAllowedOrigins": list(settings.frontend_urls),
        # Workflows that outlive a call are not there yet, so nothing can be switched on.
        "temporalEnabled": False,
        "bookingTemporalOrchestration": False,
        "internalWorkflowCallbacksConfigured": False,
        "realtime": {
            "endpointConfigured": settings.azure_openai_endpoint is not None,
            "deployment": deps.model,
            "transcriptionModel": TRANSCRIBER,
        },
    }
    if settings.public_url is not None:
        surface["apiPublicBaseUrl"] = surface["webPublicBaseUrl"] = settings.public_url
    return surface


async def _verdict(name: str, probe: Probe) -> Verdict:
    try:
        async with asyncio.timeout(_PROBE_S):
            return await probe()
    except TimeoutError:
        return Verdict(False, "timeout", f"no answer within {_PROBE_S:.0f} s")
    except Exception as error:  # noqa: BLE001 - whatever a probe raises means: not ready
        logger.warning("readiness: %s: %s", name, type(error).__name__)
        return Verdict(False, "failed", "the check itself failed")


async def _database(deps: Deps) -> Verdict:
    try:
        async with deps.database.reading(EVERY_TENANT) as session:
            await session.execute(select(Boot.id).limit(1))
    except (SQLAlchemyError, OSError):
        return Verdict(False, "unreachable", "the database does not answer")
    return Verdict(True, "ready", "the database answers")


async def _admission(deps: Deps) -> Verdict:
    if deps.supervisor.draining:
        return Verdict(False, "draining", "the server is finishing its calls before it stops")
    return Verdict(True, "ready", f"{deps.supervisor.live} of {deps.supervisor.max_calls} lines in use")


def _providers(states: Sequence[ProviderState]) -> Verdict:
    """Ready while some provider is up or may be tried: only a call that tries it finds out that it is up again, so a
    server that took no more calls would never learn."""
    up = sum(state.up for state in states)
    if up:
        return Verdict(True, "ready", f"{up} of {len(states)} up")
    wait = min(state.next_try_in_s for state in states)
    if wait <= 0:
        return Verdict(True, "unsure", "none was up when it was last tried; the next call tries again")
    return Verdict(False, "down", f"no provider of models is up; the next try is in {wait:.0f} s")


def _catalog(catalogs: Catalogs) -> Verdict:
    """Files that are wrong are told, and are no failure: calls go on with the catalog of before. What is wrong stands
    in the log: it may name files of this machine."""
    version, faults = catalogs.current.version, len(catalogs.faults)
    if faults:
        return Verdict(
            False,
            "stale",
            f"the files have faults ({faults}; the log has them), so {version} stays in force",
        )
    return Verdict(True, "current", f"{version} is in force")


def _provider(state: ProviderState) -> Verdict:
    if state.up:
        return Verdict(True, "up", "nothing has failed since it last did its work")
    times = "once" if state.failures == 1 else f"{state.failures} times in a row"
    wait = state.next_try_in_s
    then = f"left alone for {wait:.0f} s" if wait > 0 else "the next call tries it"
    return Verdict(False, "down", f"failed {times}, last: {state.last_failure or 'unknown'}; {then}")
