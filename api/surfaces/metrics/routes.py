"""`/metrics`: how this process is, in the words of Prometheus (its exposition formats, text 0.0.4 and OpenMetrics)."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from api import auth
from api.deps import Deps
from api.errors import ApiError

__all__ = ["routes"]


def routes(deps: Deps) -> list[web.RouteDef]:
    registry = CollectorRegistry()
    registry.register(Figures(deps))

    async def scrape(request: web.Request) -> web.Response:
        _check(request, deps)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    return [web.get("/metrics", scrape)]


class Figures(Collector):
    """The state of the process as it is when it is asked for."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def collect(self) -> Iterator[Metric]:
        yield from self._calls()
        yield from self._providers()

    def _calls(self) -> Iterator[Metric]:
        supervisor, counts = self._deps.supervisor, self._deps.counts
        yield GaugeMetricFamily("parley_calls_live", "Calls that are, or are about to be.", supervisor.live)
        yield GaugeMetricFamily("parley_calls_max", "Calls that may be at once.", supervisor.max_calls)
        yield GaugeMetricFamily(
            "parley_draining",
            "1 while the server takes no more calls before it stops.",
            supervisor.draining,
        )
        ended = CounterMetricFamily(
            "parley_calls_ended",
            "Calls that are over, by how they ended.",
            labels=("leg", "side", "reason"),
        )
        for (leg, ending), count in counts.endings.items():
            side, _, reason = ending.partition("/")
            ended.add_metric((leg, side, reason), count)
        yield ended
        failovers = CounterMetricFamily(
            "parley_failovers",
            "Times a live call went on with another provider.",
            labels=("before", "after"),
        )
        for providers, count in counts.failovers.items():
            failovers.add_metric(providers, count)
        yield failovers

    def _providers(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(
            "parley_provider_up",
            "1 while nothing has failed since it last did its work.",
            labels=("provider",),
        )
        failures = GaugeMetricFamily(
            "parley_provider_failures", "Failures in a row; 0 while it is up.", labels=("provider",)
        )
        next_try = GaugeMetricFamily(
            "parley_provider_next_try_seconds",
            "How long it is left alone; 0 when a call may try it.",
            labels=("provider",),
        )
        for state in self._deps.providers():
            name = (state.name,)
            up.add_metric(name, state.up)
            failures.add_metric(name, state.failures)
            next_try.add_metric(name, state.next_try_in_s)
        yield from (up, failures, next_try)


def _check(request: web.Request, deps: Deps) -> None:
    """Figures are of the whole process and so no tenant's: a server key does not open them. Raises ApiError 401."""
    token = deps.settings.metrics_token
    if token is None:
        if auth.from_this_machine(request, deps.settings):
            return
        told = "Set PARLEY_METRICS_TOKEN, and send it as Authorization: Bearer."
    else:
        presented = auth.bearer(request)
        if presented is not None and auth.is_one_of(presented, (token,)):
            return
        told = "Send PARLEY_METRICS_TOKEN as Authorization: Bearer."
    raise ApiError(401, told, headers={"WWW-Authenticate": "Bearer"})
