"""A process's numbers in the Prometheus text format.

Names ending in `_total` are counters, all others gauges; the only label is the service, so cardinality is
bounded by construction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class _Snapshot(Collector):
    def __init__(self, service: str, values: Mapping[str, float]) -> None:
        self._service = service
        self._values = values

    def collect(self) -> Iterator[Metric]:
        """Yield one family for each number."""
        for name, value in self._values.items():
            family: CounterMetricFamily | GaugeMetricFamily
            if name.endswith("_total"):
                family = CounterMetricFamily(f"sent_{name}", name, labels=["service"])
            else:
                family = GaugeMetricFamily(f"sent_{name}", name, labels=["service"])
            family.add_metric([self._service], value)
            yield family


def render(service: str, values: Mapping[str, float]) -> bytes:
    """Return the exposition text of one snapshot."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(service, values))
    return generate_latest(registry)
