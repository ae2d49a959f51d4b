"""A process's numbers in the Prometheus text format.

Names ending in `_total` are counters, all others gauges; the only label is the service, so cardinality is
bounded by construction.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sent.platform.telemetry.health import Health


class _Snapshot(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """Yield one family for each number."""
        ready = float(self._health.alive and not self._health.reasons)
        for name, value in {"ready": ready, **self._health.metrics}.items():
            family: CounterMetricFamily | GaugeMetricFamily
            if name.endswith("_total"):
                family = CounterMetricFamily(f"sent_{name}", name, labels=["service"])
            else:
                family = GaugeMetricFamily(f"sent_{name}", name, labels=["service"])
            family.add_metric([self._health.service], value)
            yield family


def render(health: Health) -> bytes:
    """Return the exposition text for one snapshot."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(health))
    return generate_latest(registry)
