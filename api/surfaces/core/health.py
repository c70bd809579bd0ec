"""Liveness and readiness."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api.deps import Deps, Probe, ProviderState, Verdict
from gateway.stores.engine import EVERY_TENANT
from gateway.stores.schema import Boot
from personas.catalogs import Catalogs

__all__ = ["routes"]

logger = logging.getLogger(__name__)

_PROBE_S = 2.0


def routes(deps: Deps) -> list[web.RouteDef]:
    """`/healthz`, `/readyz` and the same under `/api/health`, which by itself says what `ready` says."""
    probes: dict[str, Probe] = {
        "database": lambda: _database(deps),
        "admission": lambda: _admission(deps),
        **deps.probes,
    }

    def stamp() -> str:
        return datetime.fromtimestamp(deps.clock(), UTC).isoformat().replace("+00:00", "Z")

    async def live(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "timestamp": stamp()})

    async def ready(_request: web.Request) -> web.Response:
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
        failures = [
            {"check": name, "status": verdict.status, "message": verdict.message}
            for name, verdict in found.items()
            if not verdict.ok
        ]
        # One provider that is down is told, and is no failure: calls go to the next.
        told = found | {f"provider:{state.name}": _provider(state) for state in states}
        told["catalog"] = _catalog(deps.catalogs)
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

    return [
        web.get("/healthz", live),
        web.get("/api/health/live", live),
        web.get("/readyz", ready),
        web.get("/api/health/ready", ready),
        web.get("/api/health", ready),
    ]


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
