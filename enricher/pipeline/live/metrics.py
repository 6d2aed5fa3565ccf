"""Figures for Prometheus, on a local address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from enricher.errors import OutputError
from enricher.pipeline.live.accounting import Accounting

_SECONDS = (0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics(Collector):
    """What a scrape of the service gives."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._rounds = Histogram(
            "enricher_round_seconds",
            "From lines that were read to the commit of their alerts.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._accounting = Accounting()
        self._status: Mapping[str, Any] = {}
        self._registry.register(self)

    def round(self, seconds: float) -> None:
        """Note how long a round took."""
        self._rounds.observe(seconds)

    def update(self, accounting: Accounting, status: Mapping[str, Any]) -> None:
        """Take the counts and the status of now."""
        # A copy: scrapes come on another thread while records are counted.
        self._accounting = Accounting.from_plain(accounting.to_plain())
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """The figures of the last update; see prometheus_client."""
        read = CounterMetricFamily("enricher_records_read", "Records read.", labels=["kind"])
        scored = CounterMetricFamily("enricher_records_scored", "Records scored.", labels=["kind"])
        dropped = CounterMetricFamily(
            "enricher_records_dropped", "Records not scored.", labels=["kind", "reason"]
        )
        for kind, one in self._accounting.kinds.items():
            read.add_metric([kind], one.read)
            scored.add_metric([kind], one.scored)
            for reason, count in one.dropped.items():
                dropped.add_metric([kind, reason], count)
        yield from (read, scored, dropped)
        for name, words, counts in (
            ("alerts", "Alerts written.", self._accounting.alerts),
            ("alerts_held_back", "Groups that the budget held back.", self._accounting.held_back),
        ):
            family = CounterMetricFamily(f"enricher_{name}", words, labels=["family"])
            for label, count in counts.items():
                family.add_metric([label], count)
            yield family
        lag = GaugeMetricFamily("enricher_lag_bytes", "Bytes not read yet.", labels=["path"])
        for one in self._status.get("lags", ()):
            lag.add_metric([one["path"]], one["bytes"])
        yield lag
        waiting = self._status.get("waiting_for") is not None
        yield GaugeMetricFamily("enricher_waiting", "1 while it can not write.", value=waiting)

    @contextmanager
    def served(self, address: str | None) -> Iterator[None]:
        """Answer scrapes at ``host:port`` meanwhile; at none where it is None.

        Raises:
            OutputError: If the address can not be listened at.
        """
        if address is None:
            yield
            return
        host, _, port = address.rpartition(":")
        try:
            server, thread = start_http_server(int(port), host.strip("[]"), self._registry)
        except OSError as error:
            raise OutputError(
                f"metrics cannot be served at {address}: {error.strerror or error}; "
                "choose another address with service.metrics"
            ) from error
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
