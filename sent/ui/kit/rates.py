"""Rate points as the chart needs them: every bucket once, empty ones as zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def filled(
    points: Sequence[Any], start: float, stop: float, bucket: int
) -> tuple[list[float], list[float], list[float]]:
    """Return (times, events per second, alerts) for all buckets of `bucket` seconds between start and stop.

    `points` have `at`, `events`, `alerts`; the bucket that is still filling up is measured by its age.
    """
    known = {int(point.at.timestamp()) // bucket * bucket: point for point in points}
    times, values, bars = [], [], []
    at = int(start) // bucket * bucket
    while at < stop:
        point = known.get(at)
        seconds = min(bucket, max(1.0, stop - at))
        times.append(float(at))
        values.append(point.events / seconds if point is not None else 0.0)
        bars.append(float(point.alerts) if point is not None else 0.0)
        at += bucket
    return times, values, bars
