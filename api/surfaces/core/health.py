"""Liveness and readiness."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api.deps import Deps, Probe, Verdict
from gateway.stores.engine import EVERY_TENANT
from gateway.stores.schema import Boot

__all__ = ["routes"]

logger = logging.getLogger(__name__)

_PROBE_S = 2.0


def routes(deps: Deps) -> list[web.RouteDef]:
    """`/healthz`, `/readyz` and the same under `/api/health`."""
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
        failures = [
            {"check": name, "status": verdict.status, "message": verdict.message}
            for name, verdict in found.items()
            if not verdict.ok
        ]
        body = {
            "ok": not failures,
            "timestamp": stamp(),
            "checks": {name: verdict.ok for name, verdict in found.items()},
            "details": {
                name: {"ok": verdict.ok, "status": verdict.status, "message": verdict.message}
                for name, verdict in found.items()
            },
            "failures": failures,
        }
        return web.json_response(body, status=503 if failures else 200)

    return [
        web.get("/healthz", live),
        web.get("/api/health/live", live),
        web.get("/readyz", ready),
        web.get("/api/health/ready", ready),
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
