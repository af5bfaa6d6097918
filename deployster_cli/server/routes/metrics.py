"""GET /metrics: requests, the listing and the jobs, in Prometheus' words. Labels take few values, whoever asks what."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from deployster_cli.server.state import Serving

_METHODS = frozenset({"GET", "POST", "DELETE"})

# Seconds.
_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)


class Metrics:
    """One server's metrics; they are its own, so that several can live in one process."""

    def __init__(self, serving: Serving) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_State(serving))
        self._requests = Counter(
            "deployster_http_requests", "Answers.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "deployster_http_request_seconds",
            "Time until the end of the answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. What no route took is "none", whatever its path was."""
        self._requests.labels(method if method in _METHODS else "other", route or "none", str(status)).inc()
        self._seconds.labels(route or "none").observe(seconds)

    def router(self) -> APIRouter:
        """The route."""
        api = APIRouter()

        @api.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
        def metrics() -> Response:
            """The server's metrics for Prometheus."""
            return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

        return api


class _State(Collector):
    """What is looked up when somebody asks."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def collect(self) -> Iterator[Metric]:
        """The listing, and the jobs by state."""
        listing = self._serving.listing
        yield CounterMetricFamily("deployster_listings", "Times that the engine was asked.", value=listing.looks)
        yield CounterMetricFamily("deployster_listing_failures", "… and did not answer well.", value=listing.failures)
        last = listing.last
        if last:
            age = self._serving.clock.now() - last.at
            yield GaugeMetricFamily("deployster_listing_age_seconds", "Age of the newest listing.", value=age)
            yield GaugeMetricFamily("deployster_listing_seconds", "How long it took.", value=last.seconds)
            yield GaugeMetricFamily("deployster_units", "Units in it.", value=len(last.units))
        jobs = GaugeMetricFamily("deployster_jobs", "Jobs there are on record.", labels=("state",))
        for state, number in self._serving.jobs.counts().items():
            jobs.add_metric((state,), number)
        yield jobs
